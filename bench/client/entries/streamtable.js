// StreamTable, as its README says.

import { StreamTable } from "streamtable";

let table;

export function start({ url, table: name }) {
  table = new StreamTable(name, { server: url });
}

export function log(row) {
  table.log(row);
}
