// The entry `streamtable/filter`, on the WebAssembly as it was built.

import "fake-indexeddb/auto";

import assert from "node:assert/strict";
import { test } from "node:test";

import { BrowserTable } from "../src/browser_table.js";
import type { RowsOptions } from "../src/types.js";

const table = new BrowserTable("local/tests/filtered");
const WRITER = "0123456789abcdef0123456789abcdef";

async function numbers(options: RowsOptions): Promise<unknown[]> {
  const rows = [];
  for await (const row of table.rows(options)) rows.push(row["n"]);
  return rows;
}

test("rows are filtered once the page has the language, and not before", async () => {
  for (let n = 0; n < 40; n += 4) {
    const lines = [n, n + 1, n + 2, n + 3].map((n) => `{"n":${n},"even":${n % 2 === 0}}\n`).join("");
    await table.append(lines, 4, WRITER, n + 1);
  }
  const filter = 'row["even"] && row["n"] > 9';
  await assert.rejects(numbers({ filter }), { name: "StreamTableError", code: "filter_missing" });
  await import("../src/filter.js");
  assert.deepEqual(await numbers({ filter, limit: 4 }), [10, 12, 14, 16]);
  assert.deepEqual(await numbers({ filter, from: 35, columns: ["n"] }), [36, 38]);
  assert.deepEqual(await numbers({ filter: 'row["_seq"] == 7 || row["_offset"] == 39' }), [6, 39]);
  assert.deepEqual(await numbers({ filter: `row["_writer"] != "${WRITER}" || row["_received"] == null` }), []);
  await assert.rejects(numbers({ filter: 'row["n"] >' }), { name: "StreamTableError", code: "bad_filter", message: /character 10/ });
  await assert.rejects(numbers({ filter: "" }), { code: "bad_filter" });
});
