// Perspective, in the process of its caller.

import perspective from "@perspective-dev/client";

import { RANGE, TAG_PART } from "../workload.mjs";

const VIEWS = {
  filter: { columns: ["id"], filter: [["val", ">=", RANGE.least], ["val", "<", RANGE.below]] },
  contains: { columns: ["id"], filter: [["tag", "contains", TAG_PART]] },
  group: { group_by: ["cat"], columns: ["id", "val"], aggregates: { id: "count", val: "mean" } },
  top: { columns: ["id"], sort: [["val", "desc"]] },
};

export async function open() {
  let table;
  const ids = async (view, start_row) => (await view.to_columns({ start_row, end_row: start_row + 100 })).id.map(Number);
  const read = {
    filter: (view) => view.num_rows(),
    contains: (view) => view.num_rows(),
    async group(view) {
      // The first row is that of all.
      const { id, val } = await view.to_columns();
      return [id.slice(1).map(Number), val.slice(1)];
    },
    top: (view) => ids(view, 0),
    middle: async (view) => ids(view, (await view.num_rows()) >> 1),
  };
  const once = (what, how = what) => async () => {
    const view = await table.view(VIEWS[what]);
    const answer = await read[how](view);
    await view.delete();
    return answer;
  };
  return {
    async load({ stream }) {
      table = await perspective.table(stream.buffer);
      await table.size();
    },
    async append(frame) {
      await table.update(frame.buffer);
      await table.size();
    },
    filter: once("filter"),
    contains: once("contains"),
    group: once("group"),
    top: once("top"),
    middle: once("top", "middle"),
    async live(what) {
      const view = await table.view(VIEWS[what]);
      return { read: () => read[what](view), close: () => view.delete() };
    },
  };
}
