// Prints what was measured as tables.

import { N_BURST, N_CRASH } from "./measures.mjs";

/** The ways across the boundary, as the table calls them. */
const WAYS = {
  stringify: "JSON.stringify, a string a row into wasm",
  walker: "a walker into a shared buffer, a call a row",
  serde: "serde-wasm-bindgen, an object a row",
  linesOnce: "the package's lines, a string a task into wasm",
  linesOnly: "the package's lines, no crossing",
};

export function show({ machine, nRepetitions, nFailed, libraries, boundary }) {
  const { cpu, nCores, loadBefore, chromium } = machine;
  print(`Chromium ${chromium}, ${nCores} cores (${cpu}), load ${loadBefore.toFixed(1)} before`);
  print(`median over ${nRepetitions} repetitions (least-greatest)`);

  print("\nMicroseconds a call, the microtasks of its task included; and the main thread's whole work a row until it is sent");
  table(
    ["", "100 a task", "in the calls", "first 100", "alone", "alone, rested", "in the call", "whole work"],
    libraries.map(({ name, version, calls }) => [
      label(name, version),
      ...["taskMicros", "callMicros", "firstMicros", "loneMicros", "restedMicros", "restedCallMicros", "workMicros"].map((figure) => range(calls[figure], 1)),
    ]),
  );

  const senders = libraries.filter(({ npm }) => npm !== null);
  print(`\nA burst of ${N_BURST} calls in one task`);
  table(
    ["", "main thread ms", "longest task ms", "requests", "rows delivered", "KB sent", "with headers"],
    senders.map(({ name, burst }) => [
      name,
      ...(burst.nCrashedTabs > 0 ? [`${burst.nCrashedTabs} tabs crashed`, ""] : [range(burst.busyMillis), range(burst.longestMillis)]),
      range(burst.nRequests),
      range(burst.nRows),
      range(kilobytes(burst.nBodyBytes)),
      range(kilobytes(burst.nWireBytes)),
    ]),
  );

  print(`\nRows kept of ${N_CRASH} when the page is killed once the task of their calls has ended, and 1 s later; and the weight`);
  table(
    ["", "at once", "after the next call", "1 s later", "after the next call", "KB min+gzip"],
    senders.map(({ name, crashes: { atOnce, later }, gzipBytes }) => [
      name,
      ...[atOnce.nKept, atOnce.nAfterCall, later.nKept, later.nAfterCall].map((figure) => range(figure)),
      (gzipBytes / 1024).toFixed(1),
    ]),
  );

  for (const { name, calls, burst } of senders) {
    if (calls.nArrived?.min < calls.nLogged?.min) {
      print(`\n${name}: ${calls.nArrived.min} of ${calls.nLogged.min} timed calls arrived; one that is dropped may be cheaper.`);
    }
    if (burst.nDoubled?.max > 0) print(`\n${name}: ${burst.nDoubled.max} rows of a burst arrived twice.`);
  }
  if (nFailed > 0) print(`\n${nFailed} measures failed and are missing.`);

  print("\nMicroseconds a row from JavaScript into wasm");
  table(["", "a row"], Object.entries(WAYS).map(([way, name]) => [name, range(boundary[way], 2)]));
}

function label(name, version) {
  return version ? `${name} ${version}` : name;
}

function kilobytes(bytes) {
  return bytes && { median: bytes.median / 1024, min: bytes.min / 1024, max: bytes.max / 1024 };
}

/** `12.3 (11.9-14.0)`; only the number where all are the same, a dash where there is none. */
function range(summary, nDigits = 0) {
  if (!summary) return "-";
  const [median, min, max] = [summary.median, summary.min, summary.max].map((number) => number.toFixed(nDigits));
  return min === max ? median : `${median} (${min}-${max})`;
}

function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
    print(`  ${cells.join("   ").trimEnd()}`);
  }
}

function print(line) {
  console.log(line);
}
