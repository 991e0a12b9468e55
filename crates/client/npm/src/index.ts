// What every entry of the package exports; the entry `streamtable` nothing else.

export { type BrowserTableInfo, deleteBrowserTable, listBrowserTables } from "./browser_table.js";
export { StreamTableError } from "./errors.js";
export { StreamTable, type StreamTableEvents } from "./stream_table.js";
export type {
  Ack,
  BytesCell,
  Cell,
  MediaCell,
  Row,
  RowsOptions,
  Status,
  StoredCell,
  StoredRow,
  StreamTableOptions,
  SubscribeOptions,
} from "./types.js";
