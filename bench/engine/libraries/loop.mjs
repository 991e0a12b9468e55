// A plain loop over typed arrays: what a page would do that knows its one question. No nulls, no other types, no views.

import { tableFromIPC } from "apache-arrow";

import { RANGE, TAG_PART } from "../workload.mjs";

export async function open(nRows) {
  let n = 0;
  let columns = { id: new Int32Array(nRows), val: new Float64Array(nRows), cat: new Uint8Array(nRows) };
  const cats = [];
  const tags = [];
  const take = (stream) => {
    for (const batch of tableFromIPC(stream).batches) {
      if (n + batch.numRows > columns.id.length) columns = grown(columns, (n + batch.numRows) * 2);
      const [id, val, cat, tag] = ["id", "val", "cat", "tag"].map((name) => batch.getChild(name));
      for (let idx = 0; idx < batch.numRows; idx++, n++) {
        columns.id[n] = Number(id.get(idx));
        columns.val[n] = val.get(idx);
        const text = cat.get(idx);
        let code = cats.indexOf(text);
        if (code < 0) code = cats.push(text) - 1;
        columns.cat[n] = code;
        tags.push(tag.get(idx));
      }
    }
  };
  const ask = {
    filter() {
      const { val } = columns;
      let nPassed = 0;
      for (let idx = 0; idx < n; idx++) if (val[idx] >= RANGE.least && val[idx] < RANGE.below) nPassed++;
      return nPassed;
    },
    contains() {
      let nPassed = 0;
      for (let idx = 0; idx < n; idx++) if (tags[idx].includes(TAG_PART)) nPassed++;
      return nPassed;
    },
    group() {
      const { val, cat } = columns;
      const counts = new Float64Array(cats.length);
      const sums = new Float64Array(cats.length);
      for (let idx = 0; idx < n; idx++) {
        counts[cat[idx]] += 1;
        sums[cat[idx]] += val[idx];
      }
      const order = cats.map((_, code) => code).sort((a, b) => (cats[a] < cats[b] ? -1 : 1));
      return [order.map((code) => counts[code]), order.map((code) => sums[code] / counts[code])];
    },
    top: () => first(columns, n, 100),
    middle() {
      const order = Uint32Array.from({ length: n }, (_, idx) => idx).sort((a, b) => columns.val[b] - columns.val[a]);
      return Array.from(order.subarray(n >> 1, (n >> 1) + 100), (idx) => columns.id[idx]);
    },
  };
  return {
    load: ({ stream }) => take(stream),
    append: (frame) => take(frame),
    ...ask,
    live: async (what) => ({ read: ask[what], close() {} }),
  };
}

function grown(columns, capacity) {
  return Object.fromEntries(
    Object.entries(columns).map(([name, cells]) => {
      const larger = new cells.constructor(capacity);
      larger.set(cells);
      return [name, larger];
    }),
  );
}

/** The ids of the rows with the greatest values: a scan that keeps the best so far. */
function first({ id, val }, n, nWanted) {
  const best = [];
  for (let idx = 0; idx < n; idx++) {
    if (best.length === nWanted && val[idx] <= val[best[nWanted - 1]]) continue;
    let at = best.length;
    while (at > 0 && val[best[at - 1]] < val[idx]) at--;
    best.splice(at, 0, idx);
    if (best.length > nWanted) best.pop();
  }
  return best.map((idx) => id[idx]);
}
