// The entry of the package: what pages import.

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
