// Measures the libraries side by side: `node run.mjs --package FOLDER --server PROGRAM --glue FOLDER`, where PACKAGE is the
// built npm package, SERVER the built server and GLUE what wasm-bindgen wrote of `bench/boundary`. Called by
// `cargo xtask bench client`.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { measureBoundary } from "./boundary.mjs";
import { bundle, weigh } from "./bundle.mjs";
import { libraries } from "./libraries.mjs";
import { measureBurst, measureCalls, measureCrash } from "./measures.mjs";
import { startServer } from "./server.mjs";
import { serve } from "./site.mjs";
import { summarize } from "./statistics.mjs";
import { show } from "./table.mjs";

/** When a page is killed, in milliseconds after the task of its calls, and how often. */
const CRASHES = { atOnce: 0, later: 1_000 };
const N_CRASH_ROUNDS = 3;

const { values: options } = parseArgs({
  options: {
    package: { type: "string" },
    server: { type: "string" },
    glue: { type: "string" },
    json: { type: "string" },
    repetitions: { type: "string", default: "5" },
    only: { type: "string", default: "" },
  },
});
const nRepetitions = Number(options.repetitions);
const only = options.only.split(",").filter((name) => name !== "");
const unknown = only.filter((name) => !libraries.some((library) => library.name === name));
if (unknown.length > 0) throw new Error(`no such library: ${unknown.join(", ")}`);
if (!(nRepetitions >= 1)) throw new Error("at least one repetition is needed");
const chosen = libraries.filter(({ name }) => only.length === 0 || only.includes(name));
const [ourPackage, glue] = [resolve(options.package), resolve(options.glue)];

let nFailed = 0;
const say = (sentence) => console.error(`  ${sentence}`);
const load = loadavg()[0];
const scripts = new Map();
for (const { name, entry } of chosen) {
  const aliases = { "#entry": join(import.meta.dirname, "entries", entry), streamtable: join(ourPackage, "index.js") };
  scripts.set(`/${name}.js`, await bundle("page/index.js", aliases));
}
scripts.set("/boundary.js", await bundle("page/boundary.js", { "#glue": join(glue, "streamtable_bench_boundary.js") }));
scripts.set("/boundary.wasm", readFileSync(join(glue, "streamtable_bench_boundary_bg.wasm")));

const site = await serve(scripts);
const server = await startServer(options.server);
const places = { pagesUrl: site.url, serverUrl: server.url };
const samples = new Map(chosen.map(({ name }) => [name, { calls: [], bursts: [], crashes: { atOnce: [], later: [] } }]));
const boundary = [];
try {
  for (let repetition = 0; repetition < nRepetitions; repetition++) {
    // Each repetition begins with another library, so that none always follows the same one.
    const shift = repetition % chosen.length;
    for (const library of [...chosen.slice(shift), ...chosen.slice(0, shift)]) {
      say(`repetition ${repetition + 1} of ${nRepetitions}: ${library.name}`);
      const { calls, bursts } = samples.get(library.name);
      await tried(library.name, calls, () => measureCalls(library, places));
      await tried(library.name, bursts, () => measureBurst(library, places));
    }
    await tried("boundary", boundary, () => measureBoundary(places));
  }
  // Nothing is timed here, so the libraries may go at once.
  const senders = chosen.filter(({ protocol }) => protocol !== null);
  for (let round = 0; round < N_CRASH_ROUNDS; round++) {
    for (const [when, millis] of Object.entries(CRASHES)) {
      say(`crash ${round + 1} of ${N_CRASH_ROUNDS}, ${millis} ms after the calls`);
      const crash = (library) =>
        tried(library.name, samples.get(library.name).crashes[when], () => measureCrash(library, places, millis));
      await Promise.all(senders.map(crash));
    }
  }
} finally {
  site.close();
  await server.stop();
}

const results = {
  machine: {
    cpu: cpus()[0]?.model ?? "unknown",
    nCores: cpus().length,
    loadBefore: load,
    chromium: [...samples.values()].flatMap(({ calls }) => calls)[0]?.chromium,
    node: process.versions.node,
  },
  nRepetitions,
  nFailed,
  libraries: chosen.map((library) => {
    const { calls, bursts, crashes } = samples.get(library.name);
    return {
      name: library.name,
      npm: library.npm,
      version: library.npm && version(library.npm),
      gzipBytes: library.npm && weigh(scripts.get(`/${library.name}.js`)),
      calls: summarize(calls),
      burst: { ...summarize(bursts), nCrashedTabs: bursts.filter(({ isCrashed }) => isCrashed).length },
      crashes: { atOnce: summarize(crashes.atOnce), later: summarize(crashes.later) },
      samples: { calls, bursts, crashes },
    };
  }),
  boundary: summarize(boundary),
  boundarySamples: boundary,
};
show(results);
if (options.json) writeFileSync(options.json, `${JSON.stringify(results, rounded, 2)}\n`);

/** Runs a measure; one that fails is told and missing, and the others go on. */
async function tried(name, samples, measure) {
  try {
    samples.push(await measure());
  } catch (error) {
    nFailed += 1;
    say(`${name} failed: ${error}`);
  }
}

/** No clock here has more than three places. */
function rounded(_key, value) {
  return typeof value === "number" ? Number(value.toFixed(3)) : value;
}

function version(name) {
  const folder = name === "streamtable" ? ourPackage : join(import.meta.dirname, "node_modules", name);
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version;
}
