// Measures the ways of a row from JavaScript into wasm: microseconds a row that is there already.

import init, { Store } from "#glue";

import { encodeRow } from "../../../crates/client/npm/src/encode.ts";
import { median } from "../statistics.mjs";
import { makeRow } from "./row.js";
import { Walker } from "./walker.js";

const N_ROWS_A_TASK = 100;
const N_WARM_UP = 100;
const N_TASKS = 200;
const NOW_MICROS = 1_800_000_000_000_000;

const { memory } = await init({ module_or_path: "/boundary.wasm" });
const store = new Store();
const walker = new Walker(store, memory);
const encoder = new TextEncoder();

/** Each takes the rows of a task, and all but the last leave them in the memory of the wasm; it gives how much it took. */
const ways = {
  stringify(rows) {
    for (const row of rows) store.push_json(JSON.stringify(row));
    return store.n_taken();
  },
  walker(rows) {
    for (const row of rows) walker.push(row);
    return store.n_taken();
  },
  serde(rows) {
    for (const row of rows) store.push_object(row);
    return store.n_taken();
  },
  linesOnce(rows) {
    store.push_json(linesOf(rows));
    return store.n_taken();
  },
  linesOnly(rows) {
    return encoder.encode(linesOf(rows)).length;
  },
};

/** What the package does: its own encoder makes the lines, which stay in JavaScript until the task is over. */
function linesOf(rows) {
  let lines = "";
  for (const row of rows) lines += `${encodeRow(row, NOW_MICROS)}\n`;
  return lines;
}

function measureWay(take) {
  const micros = [];
  for (let task = 0; task < N_WARM_UP + N_TASKS; task++) {
    const rows = Array.from({ length: N_ROWS_A_TASK }, (_, idx) => makeRow(task * N_ROWS_A_TASK + idx));
    const started = performance.now();
    const nTaken = take(rows);
    const ended = performance.now();
    if (!(nTaken > 0)) throw new Error(`a way took nothing: ${take.name}`);
    if (task >= N_WARM_UP) micros.push(((ended - started) * 1000) / N_ROWS_A_TASK);
    store.clear();
  }
  return median(micros);
}

globalThis.bench = {
  /** One way after the other, twice: the first time is not kept, as the compilers may still be at work. */
  measure() {
    for (const take of Object.values(ways)) measureWay(take);
    return Object.fromEntries(Object.entries(ways).map(([name, take]) => [name, measureWay(take)]));
  },
};
