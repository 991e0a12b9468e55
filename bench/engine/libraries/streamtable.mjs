// StreamTable's engine.

import { RANGE, TAG_PART } from "../workload.mjs";

const TABLE = 'table("t").rows()';
const QUERIES = {
  filter: `${TABLE}.filter(r => r.val >= ${RANGE.least} && r.val < ${RANGE.below})`,
  group: `${TABLE}.groupby(r => r.cat, g => [g.count(), g.val.avg()]).sort(r => r.cat)`,
  top: `${TABLE}.sort(r => r.val, "desc")`,
  contains: `${TABLE}.filter(r => r.tag.contains("${TAG_PART}"))`,
};

export async function open(_nRows, { Engine }) {
  const engine = new Engine();
  const read = {
    filter: (view) => engine.n_rows(view),
    contains: (view) => engine.n_rows(view),
    group: (view) => [1, 2].map((column) => [...engine.numbers(view, column)]),
    top: (view) => [...engine.window(view, 0, 100)],
    middle: (view) => [...engine.window(view, engine.n_rows(view) >> 1, (engine.n_rows(view) >> 1) + 100)],
  };
  const once = (query, read) => () => {
    const view = engine.open(query);
    const answer = read(view);
    engine.close(view);
    return answer;
  };
  return {
    load({ frames }) {
      for (const frame of frames) engine.append(frame);
    },
    append: (frame) => engine.append(frame),
    filter: once(QUERIES.filter, read.filter),
    contains: once(QUERIES.contains, read.contains),
    group: once(QUERIES.group, read.group),
    top: once(QUERIES.top, read.top),
    middle: once(QUERIES.top, read.middle),
    async live(what) {
      const view = engine.open(QUERIES[what]);
      read[what](view);
      engine.settle(view);
      return { read: () => read[what](view), close: () => engine.close(view) };
    },
    bytes: () => engine.memory_bytes(),
  };
}
