// The scripts of the package's entries, each a file that needs no other.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { build } from "esbuild";

import { here } from "./run.mjs";

/** The scripts, each with where its WebAssembly comes from. A platform that imports a wasm file has modules only. */
const SCRIPTS = [
  { name: "index", entry: "index.ts", from: "inlined.ts", first: "#wasm", formats: ["esm", "cjs"] },
  { name: "slim", entry: "slim.ts", from: "given.ts", formats: ["esm", "cjs"] },
  { name: "workerd", entry: "index.ts", from: "workerd.ts", formats: ["esm"] },
  { name: "filter", entry: "filter.ts", from: "inlined.ts", first: "#filter-wasm", formats: ["esm", "cjs"] },
  { name: "edge-light", entry: "index.ts", from: "edge_light.ts", formats: ["esm"] },
];

/** Bundles every script into the folder `out`, with what `shrink` made of the core and of the filter. */
export async function bundle(core, filter, out) {
  for (const { name, entry, from, first, formats } of SCRIPTS) {
    for (const format of formats) {
      const outfile = join(out, `${name}.${format === "cjs" ? "cjs" : "js"}`);
      await build({
        absWorkingDir: here,
        alias: {
          "#filter": filter.script,
          "#filter-wasm": filter.inlined,
          "#glue": core.script,
          "#source": join(here, "src", from),
          "#wasm": core.inlined,
        },
        banner: { js: "/*! streamtable, MIT OR Apache-2.0 */" },
        bundle: true,
        external: ["./streamtable.wasm", "./streamtable.wasm?module"],
        format,
        legalComments: "none",
        minify: true,
        outfile,
        platform: "neutral",
        sourcemap: true,
        // Base64 in the midst of a script costs a kilobyte: gzip codes both with one table where they meet.
        stdin: { contents: `${first ? `import "${first}";` : ""}export * from "./${entry}";`, resolveDir: join(here, "src") },
        target: "es2022",
      });
      cleanMap(`${outfile}.map`);
    }
  }
}

/** The map names the files by where they stand in the package's own folder, and leaves the bytes out. */
function cleanMap(file) {
  const map = JSON.parse(readFileSync(file, "utf8"));
  const isBytes = map.sources.map((source) => source.endsWith("/wasm.js"));
  map.sources = map.sources.map((source) => source.replace(/^.*\/(?=(src|glue)\/)/, ""));
  map.sourcesContent = map.sourcesContent.map((content, idx) => (isBytes[idx] ? null : content));
  writeFileSync(file, JSON.stringify(map));
}
