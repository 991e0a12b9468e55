// Measures one library in a process of its own: `node --expose-gc measure.mjs LIBRARY N_ROWS GLUE_FOLDER`, and prints what it
// saw as JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { FRAME_ROWS, makeRows, N_APPENDED } from "./workload.mjs";

/** How often a question is asked; fewer times where that takes long. */
const N_ASKED = 60;
const N_LEAST = 3;
const PATIENCE_MILLIS = 15_000;
const QUESTIONS = ["filter", "group", "top", "middle", "contains"];
const LIVE = ["filter", "group", "top"];

const [name, nRowsText, glue] = process.argv.slice(2);
const nRows = Number(nRowsText);
/** How often rows are appended, by every library alike: with ten million rows that takes some of them seconds. */
const N_APPENDS = nRows > 1_000_000 ? 20 : 60;
const module = await import(join(glue, "streamtable_bench_engine.js"));
module.initSync({ module: readFileSync(join(glue, "streamtable_bench_engine_bg.wasm")) });
const { open } = await import(`./libraries/${name}.mjs`);

let nextRow = nRows;
/** What is seen: milliseconds of each time, and answers that all libraries must give alike. */
const seen = { millis: {}, answers: {}, bytes: {} };

// A frame, so that what making rows takes is not counted.
makeRows(module.make_frame, FRAME_ROWS);
gc();
const rssBefore = process.memoryUsage().rss;
const rows = makeRows(module.make_frame, nRows);
const engine = await open(nRows, module);
seen.millis.load = [await timed(() => engine.load(rows))];
rows.frames.length = 0;
rows.stream = undefined;
gc();
seen.bytes.grown = process.memoryUsage().rss - rssBefore;
if (engine.bytes) seen.bytes.cells = engine.bytes();

for (const question of QUESTIONS) {
  const { millis, answer } = await repeated(N_ASKED, () => engine[question]());
  seen.millis[question] = millis;
  seen.answers[question] = answer;
}
await appended("none", { read() {}, close() {} });
for (const what of LIVE) {
  const view = await engine.live(what);
  await view.read();
  await appended(what, view);
  seen.answers[`append ${what}`] = await view.read();
  await view.close();
}
console.log(JSON.stringify(seen));
process.exit(0);

/** The time of an append and of reading a view of it. */
async function appended(what, view) {
  // Rows are made before the clock runs. All libraries are given as many, that what is read at the end is alike.
  const frames = Array.from({ length: N_APPENDS }, (_, idx) => module.make_frame(nextRow + idx * N_APPENDED, N_APPENDED));
  nextRow += N_APPENDS * N_APPENDED;
  const millis = [];
  for (const frame of frames) {
    millis.push(
      await timed(async () => {
        await engine.append(frame);
        await view.read();
      }),
    );
  }
  seen.millis[`append ${what}`] = millis;
}

async function repeated(nTimes, ask) {
  const until = performance.now() + PATIENCE_MILLIS;
  const millis = [];
  let answer;
  while (millis.length < nTimes && (millis.length < N_LEAST || performance.now() < until)) {
    millis.push(await timed(async () => (answer = await ask())));
  }
  return { millis, answer };
}

async function timed(act) {
  const started = performance.now();
  await act();
  return performance.now() - started;
}
