// The examples of the docs: taken out of their pages, made whole, and put before the compiler.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { PACKAGE, ROOT } from "./servers.ts";

/** Where the package expects a server unless told otherwise. */
export const DEFAULT_SERVER = "http://127.0.0.1:7700";
/** Stands in examples for a server of the reader's own. */
const SOME_SERVER = "https://rows.example.com";
/** What stands before an example that uses `st` and makes none, as docs/api.md says. */
const BEGINNING = `import { StreamTable, StreamTableError } from "streamtable"; const st = new StreamTable("my_project/my_table");\n`;

/** A block of JavaScript. */
export interface Example {
  /** Such as `docs/api.md:12`. */
  readonly place: string;
  /** A module, whole. */
  readonly module: string;
  /** Whether a page alone can run it; marked `js no-run` where not. */
  readonly isRun: boolean;
}

/** A file of the checkout. */
export function read(file: string): string {
  return readFileSync(path.join(ROOT, file), "utf8");
}

/** The examples of a page. */
export function examplesOf(page: string): Example[] {
  const text = read(page);
  return [...text.matchAll(/^```js( no-run)?\n(.*?)^```$/gms)].map(({ index, 1: noRun, 2: block = "" }) => {
    const isWhole = /\bimport\b/.test(block) || !/\bst\b/.test(block);
    const place = `${page}:${text.slice(0, index).split("\n").length}`;
    return { place, module: isWhole ? block : BEGINNING + block, isRun: noRun === undefined };
  });
}

/** The example as a script against a server, and what it says that it prints: `console.log(2 + 3); // 5`. */
export function prepared({ module }: Example, server: string): { script: string; prints: string[] } {
  const script = module.replaceAll(SOME_SERVER, server).replaceAll(DEFAULT_SERVER, server);
  return { script, prints: [...script.matchAll(/\bconsole\.log\(.*\/\/ (.*)$/gm)].map(([, text]) => text!) };
}

/** What the compiler says of examples as strict TypeScript, by the types of the built package; nothing where all is well. */
export function faultsOfTypes(examples: readonly Example[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), "streamtable-docs-"));
  try {
    mkdirSync(path.join(folder, "node_modules"));
    symlinkSync(PACKAGE, path.join(folder, "node_modules/streamtable"));
    const nameOf = ({ place }: Example) => `${place.replaceAll(/[/:]/g, "_")}.ts`;
    for (const example of examples) writeFileSync(path.join(folder, nameOf(example)), `${example.module}export {};\n`);
    const compilerOptions = {
      exactOptionalPropertyTypes: true,
      lib: ["ES2023", "DOM", "DOM.Iterable"],
      module: "ESNext",
      moduleResolution: "bundler",
      noEmit: true,
      strict: true,
      target: "ES2022",
      types: [],
    };
    writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: examples.map(nameOf) }));
    const tsc = path.join(ROOT, "tests/node_modules/typescript/bin/tsc");
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
    return status === 0 ? "" : `the compiler ended with ${status}\n${stdout}${stderr}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
