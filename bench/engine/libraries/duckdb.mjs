// DuckDB-wasm, its blocking build: no message to a worker stands between a query and its answer.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { RANGE, TAG_PART } from "../workload.mjs";

const require = createRequire(import.meta.url);
const TABLE = { name: "t", create: true };
const QUERIES = {
  filter: `SELECT count(*) n FROM t WHERE val >= ${RANGE.least} AND val < ${RANGE.below}`,
  contains: `SELECT count(*) n FROM t WHERE contains(tag, '${TAG_PART}')`,
  group: "SELECT count(*) n, avg(val) mean FROM t GROUP BY cat ORDER BY cat",
  top: "SELECT id FROM t ORDER BY val DESC LIMIT 100",
  middle: "SELECT id FROM t ORDER BY val DESC LIMIT 100 OFFSET (SELECT count(*) // 2 FROM t)",
};

export async function open() {
  const { createDuckDB, NODE_RUNTIME, VoidLogger } = require("@duckdb/duckdb-wasm/dist/duckdb-node-blocking.cjs");
  const dist = dirname(require.resolve("@duckdb/duckdb-wasm"));
  const bundle = (name) => ({ mainModule: join(dist, `duckdb-${name}.wasm`), mainWorker: join(dist, `duckdb-node-${name}.worker.cjs`) });
  const db = await createDuckDB({ mvp: bundle("mvp"), eh: bundle("eh") }, new VoidLogger(), NODE_RUNTIME);
  await db.instantiate(() => {});
  const connection = db.connect();
  const column = (answer, name) => [...answer.getChild(name)].map(Number);
  const read = {
    filter: (answer) => column(answer, "n")[0],
    contains: (answer) => column(answer, "n")[0],
    group: (answer) => [column(answer, "n"), column(answer, "mean")],
    top: (answer) => column(answer, "id"),
    middle: (answer) => column(answer, "id"),
  };
  const ask = (what) => () => read[what](connection.query(QUERIES[what]));
  return {
    load: ({ stream }) => connection.insertArrowFromIPCStream(stream, TABLE),
    append: (frame) => connection.insertArrowFromIPCStream(frame, { ...TABLE, create: false }),
    filter: ask("filter"),
    contains: ask("contains"),
    group: ask("group"),
    top: ask("top"),
    middle: ask("middle"),
    // It has no live views: what changes is asked anew.
    live: async (what) => ({ read: ask(what), close() {} }),
  };
}
