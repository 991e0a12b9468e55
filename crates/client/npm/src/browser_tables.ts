// What the board and its worker use of the tables of this browser. The build makes it a classic script of its own, which
// sets the global `browserTables`; it is no part of the package.

import { listRecords } from "./browser_store.js";

export { followTable } from "./browser_follow.js";
export { deleteRecord as deleteTable } from "./browser_store.js";

/** A line of the board's list. */
export interface ListedTable {
  readonly name: string;
  readonly id: string;
  readonly nRows: number;
  readonly nColumns: number;
  readonly nBytes: number;
  /** In microseconds since 1970-01-01T00:00:00Z. */
  readonly lastReceived: number;
}

/** The tables of this browser, by name. */
export async function listTables(): Promise<ListedTable[]> {
  return (await listRecords()).map(([name, { id, nextOffset, columns, nBytes, lastReceived }]) => {
    return { name, id, nRows: nextOffset, nColumns: columns.length, nBytes, lastReceived };
  });
}
