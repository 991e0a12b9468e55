// The types of the package's entries, for those who import and for those who require.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { run } from "./run.mjs";

/** The entries, and where their sources are. */
const ENTRIES = { index: "index", slim: "slim", filter: "filter", panel: "panel/index" };

/** Declares the entries in the folder `out`; what the declarations are made of goes to its folder `types`. */
export function declare(out) {
  const all = join(out, "all-types");
  run("tsc", "-p", ".", "--outDir", all);
  // A file that is required may not be declared by one that is imported: TypeScript takes it for the other kind.
  for (const name of reachable(all, Object.values(ENTRIES))) {
    for (const kind of ["ts", "cts"]) copy(all, join(out, "types"), name, kind);
  }
  rmSync(all, { recursive: true });
  for (const [name, source] of Object.entries(ENTRIES)) {
    writeFileSync(join(out, `${name}.d.ts`), `export * from "./types/${source}.js";\n`);
    writeFileSync(join(out, `${name}.d.cts`), `export * from "./types/${source}.cjs";\n`);
  }
}

const IMPORT = /(\bfrom |\bimport\(|^import )"(\.\.?\/[^"]+)\.js"/gm;

/** The declarations that these import, and what those import; the others are nobody's business. */
function reachable(folder, names, found = new Set()) {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    const text = readFileSync(join(folder, `${name}.d.ts`), "utf8");
    reachable(folder, [...text.matchAll(IMPORT)].map((match) => join(dirname(name), match[2])), found);
  }
  return found;
}

function copy(from, to, name, kind) {
  const text = readFileSync(join(from, `${name}.d.ts`), "utf8");
  const file = join(to, `${name}.d.${kind}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, kind === "cts" ? text.replace(IMPORT, '$1"$2.cjs"') : text);
}
