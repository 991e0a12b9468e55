// Prints what was measured as tables.

const ROWS = [
  ["load", "load from Arrow"],
  ["filter", "filter a range, count"],
  ["group", "group: count and mean"],
  ["top", "sort, first 100"],
  ["middle", "sort, 100 from the middle"],
  ["contains", "contains, count"],
  ["append none", "append 1,000"],
  ["append filter", "append 1,000, filter open"],
  ["append group", "append 1,000, group open"],
  ["append top", "append 1,000, sort open"],
];

export function show({ machine, nRepetitions, results }) {
  const { cpu, nCores, loadBefore, node } = machine;
  console.log(`Node ${node}, ${nCores} cores (${cpu}), load ${loadBefore.toFixed(1)} before`);
  console.log(`milliseconds: median (99th percentile) of all times of ${nRepetitions} repetitions`);
  for (const { nRows, runs, differences } of results) {
    console.log(`\n${nRows.toLocaleString("en")} rows`);
    const millis = ROWS.map(([figure, name]) => [name, ...runs.map(({ samples }) => times(samples, figure))]);
    const bytes = (name) => runs.map(({ samples }) => {
      const found = samples.map((sample) => sample.bytes[name]).filter((n) => n !== undefined);
      return found.length === 0 ? "-" : (quantile(found, 0.5) / nRows).toFixed(0);
    });
    table(["", ...runs.map(({ name, version }) => (version ? `${name} ${version}` : name))], [
      ...millis,
      ["bytes a row, of the process", ...bytes("grown")],
      ["bytes a row, of the cells", ...bytes("cells")],
    ]);
    for (const { name, failure } of runs) if (failure !== null) console.log(`  ${name} failed: ${failure}`);
    for (const difference of differences) console.log(`  ${difference}`);
  }
}

function times(samples, figure) {
  const all = samples.flatMap(({ millis }) => millis[figure] ?? []);
  if (all.length === 0) return "-";
  return `${short(quantile(all, 0.5))} (${short(quantile(all, 0.99))})`;
}

function short(millis) {
  return millis >= 100 ? millis.toFixed(0) : millis >= 1 ? millis.toFixed(1) : millis.toFixed(2);
}

function quantile(numbers, share) {
  return numbers.toSorted((a, b) => a - b)[Math.round(share * (numbers.length - 1))];
}

function table(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
    console.log(`  ${cells.join("   ").trimEnd()}`);
  }
}
