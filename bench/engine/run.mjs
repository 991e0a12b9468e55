// Measures the engines side by side: `node run.mjs --glue FOLDER`, where FOLDER is what wasm-bindgen wrote of this crate.
// Called by `cargo xtask bench engine`.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";

import { differences } from "./answers.mjs";
import { libraries } from "./libraries.mjs";
import { show } from "./table.mjs";

const { values: options } = parseArgs({
  options: {
    glue: { type: "string" },
    json: { type: "string" },
    rows: { type: "string", default: "100000,1000000,10000000" },
    repetitions: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});
const only = options.only.split(",").filter((name) => name !== "");
const unknown = only.filter((name) => !libraries.some((library) => library.name === name));
if (unknown.length > 0) throw new Error(`no such library: ${unknown.join(", ")}`);
const chosen = libraries.filter(({ name }) => only.length === 0 || only.includes(name));
const sizes = options.rows.split(",").map(Number);
const glue = resolve(options.glue);
const load = loadavg()[0];

const say = (sentence) => console.error(`  ${sentence}`);
const results = [];
for (const nRows of sizes) {
  const runs = chosen.map((library) => ({ ...library, version: version(library.npm), samples: [], failure: null }));
  for (let repetition = 0; repetition < Number(options.repetitions); repetition++) {
    // Each repetition begins with another library, so that none always follows the same one.
    const shift = repetition % runs.length;
    for (const run of [...runs.slice(shift), ...runs.slice(0, shift)]) {
      if (run.failure !== null) continue;
      say(`${nRows} rows, repetition ${repetition + 1} of ${options.repetitions}: ${run.name}`);
      try {
        run.samples.push(await measure(run.name, nRows));
      } catch (error) {
        run.failure = error.killed ? "took too long" : reason(String(error.stderr ?? error));
        say(`${run.name} failed: ${run.failure}`);
      }
    }
  }
  results.push({ nRows, runs, differences: differences(runs) });
}
const machine = { cpu: cpus()[0]?.model ?? "unknown", nCores: cpus().length, loadBefore: load, node: process.versions.node };
show({ machine, nRepetitions: Number(options.repetitions), results });
if (options.json) writeFileSync(options.json, `${JSON.stringify({ machine, results }, rounded, 2)}\n`);
// A library that gives other answers measures something else.
if (results.some((result) => result.differences.length > 0)) process.exitCode = 1;

async function measure(name, nRows) {
  const args = ["--expose-gc", "--max-old-space-size=12000", join(import.meta.dirname, "measure.mjs"), name, String(nRows), glue];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 26, timeout: 1_200_000 });
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

/** The line of what a process said at its end that tells the most. */
function reason(said) {
  const lines = said.trim().split("\n");
  return (lines.find((line) => /^\w*Error\b|panicked|out of memory/.test(line)) ?? lines.at(-1)).trim();
}

function rounded(_key, value) {
  return typeof value === "number" ? Number(value.toFixed(4)) : value;
}

function version(npm) {
  return npm && JSON.parse(readFileSync(join(import.meta.dirname, "node_modules", npm, "package.json"), "utf8")).version;
}
