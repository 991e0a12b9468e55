// Prints what was measured, with what it has to be.

/** The figures that have a limit, in their order: of which measure, what they are called, how they are shown. */
const LIMITS = [
  { of: "live", figure: "longestTaskMillis", name: "longest task of the main thread", unit: "ms", limit: 50 },
  { of: "live", figure: "frameMillis", name: "a frame while scrolling, median", unit: "ms", limit: 17 },
  { of: "live", figure: "delayMillis", name: "from a row's ack until it is on screen, median", unit: "ms", limit: 100 },
  { of: "firstRows", figure: "firstRowMillis", name: "first rows on screen after a navigation, median", unit: "ms", limit: 300 },
  { of: "retention", figure: "growth", name: "growth of memory while old rows are let go", unit: "%", limit: 0.05, digits: 1 },
];

/** The figures with their limits, and whether each was kept; those that were not measured are left out. */
export function judged(results) {
  const measured = LIMITS.filter(({ of }) => results[of] !== undefined);
  return measured.map(({ of, figure, ...rest }) => {
    const value = results[of][figure];
    return { ...rest, value, isKept: value <= rest.limit };
  });
}

export function show({ machine, live, firstRows, retention }, judgements) {
  const { cpu, nCores, loadBefore, loadAfter, chromium } = machine;
  console.log(`Chromium ${chromium}, ${nCores} cores (${cpu}), load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after\n`);
  const head = ["", "measured", "limit", ""];
  const rows = judgements.map(({ name, value, limit, unit, digits = 0, isKept }) => {
    const text = (number) => (Number.isNaN(number) ? "-" : `${(unit === "%" ? number * 100 : number).toFixed(digits)} ${unit}`);
    return [name, text(value), text(limit), isKept ? "kept" : "MISSED"];
  });
  table([head, ...rows]);
  if (live) {
    const { before, after, traced } = live;
    console.log(`\n${count(live.nRows)} rows, then ${count(live.rowsPerSecond)} rows/s for ${live.seconds.toFixed(0)} s, filtered and sorted`);
    list({
      "loaded in": `${live.loadSeconds.toFixed(1)} s, with ${live.nLongLoadTasks} tasks over 50 ms`,
      "tasks over 50 ms": `${live.nLongTasks}`,
      "frames": `${live.nFrames}, 99th percentile ${live.frameMillis99.toFixed(0)} ms`,
      "rows waited for": `${live.nSeen} of ${live.nProbes} seen, 99th percentile ${live.delayMillis99.toFixed(0)} ms`,
      "rows behind the server": count(live.rowsBehind),
      "memory of page and worker": `${mebibytes(before.pageBytes)} before, ${mebibytes(after.pageBytes)} after; table and view ${before.cells}, ${after.cells}`,
      ...(traced && {
        "the processor's time": `main thread ${part(traced.main, live.seconds)}; worker ${part(traced.worker, live.seconds)}`,
      }),
    });
  }
  if (firstRows) {
    console.log(`\n${count(firstRows.nRows)} rows, opened ${firstRows.each.length} times with a warm cache`);
    list({
      "first rows": firstRows.each.map((millis) => millis.toFixed(0)).join(" ") + " ms",
      "with an empty cache": `${firstRows.coldMillis.toFixed(0)} ms`,
      "all rows": `${firstRows.liveMillis.toFixed(0)} ms`,
    });
  }
  if (retention) {
    console.log(`\n${count(retention.nRows)} rows in ${retention.seconds.toFixed(0)} s, filtered and sorted`);
    list({
      "held in the end": `${count(retention.nHeld)}, ${count(retention.nLetGo)} let go`,
      "memory of page and worker": `${mebibytes(retention.fullBytes)} once rows were let go, ${mebibytes(retention.endBytes)} in the end, at most ${mebibytes(retention.greatestBytes)}`,
    });
  }
}

/** How much of the time a thread worked, and its longest task. */
function part({ millis, longestMillis }, seconds) {
  return `${(millis / seconds / 10).toFixed(0)} %, longest task ${longestMillis.toFixed(0)} ms`;
}

function count(number) {
  return Math.round(number).toLocaleString("en");
}

function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function list(entries) {
  const width = Math.max(...Object.keys(entries).map((name) => name.length));
  for (const [name, text] of Object.entries(entries)) console.log(`  ${name.padEnd(width)}   ${text}`);
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const row of rows) {
    const cells = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
    console.log(`  ${cells.join("   ").trimEnd()}`);
  }
}
