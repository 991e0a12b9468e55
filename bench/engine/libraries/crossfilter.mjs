// crossfilter2, with a dimension for each column that is asked about, which it sorts as rows come in.

import { tableFromIPC } from "apache-arrow";
import crossfilter from "crossfilter2";

import { RANGE, TAG_PART } from "../workload.mjs";

export async function open() {
  const rows = crossfilter();
  const val = rows.dimension((row) => row.val);
  const cat = rows.dimension((row) => row.cat);
  const tag = rows.dimension((row) => row.tag);
  const total = rows.groupAll();
  const means = cat.group().reduce(
    (state, row) => ({ n: state.n + 1, sum: state.sum + row.val }),
    (state, row) => ({ n: state.n - 1, sum: state.sum - row.val }),
    () => ({ n: 0, sum: 0 }),
  );
  const take = (stream) => {
    for (const batch of tableFromIPC(stream).batches) {
      const columns = Object.fromEntries(batch.schema.fields.map(({ name }) => [name, batch.getChild(name)]));
      const row = (_, idx) => ({
        id: Number(columns.id.get(idx)),
        ts: columns.ts.get(idx),
        val: columns.val.get(idx),
        cat: columns.cat.get(idx),
        tag: columns.tag.get(idx),
        ok: columns.ok.get(idx),
      });
      rows.add(Array.from({ length: batch.numRows }, row));
    }
  };
  const passing = (dimension, filter) => {
    filter();
    const n = total.value();
    dimension.filterAll();
    return n;
  };
  const ask = {
    filter: () => passing(val, () => val.filterRange([RANGE.least, RANGE.below])),
    contains: () => passing(tag, () => tag.filterFunction((text) => text.includes(TAG_PART))),
    group() {
      const groups = means.all();
      return [groups.map(({ value }) => value.n), groups.map(({ value }) => value.sum / value.n)];
    },
    top: () => val.top(100).map((row) => row.id),
    middle: () => val.top(100, rows.size() >> 1).map((row) => row.id),
  };
  return {
    load: ({ stream }) => take(stream),
    append: (frame) => take(frame),
    ...ask,
    async live(what) {
      if (what !== "filter") return { read: ask[what], close() {} };
      val.filterRange([RANGE.least, RANGE.below]);
      return { read: () => total.value(), close: () => val.filterAll() };
    },
  };
}
