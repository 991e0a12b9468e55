// What goes into a table, what comes out of it, and what can be chosen.

/// <reference lib="dom" />

/** Bytes. */
export type BytesCell = Uint8Array | ArrayBuffer | DataView;

/** A picture. Canvases and image data are copied at the call; a Blob never changes and is read afterwards. */
export type MediaCell = Blob | ImageData | HTMLCanvasElement | OffscreenCanvas | ImageBitmap;

/**
 * One cell. `undefined` is a missing cell. A string that is a base64 data URL of an image is a picture. Typed arrays of
 * numbers and sets are lists, maps with text keys are objects, an object with `toJSON` is what that gives. Functions,
 * symbols, promises, cycles and bigints past 64 bits reject their row.
 */
export type Cell =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Date
  | BytesCell
  | MediaCell
  | readonly Cell[]
  | ReadonlySet<Cell>
  | ReadonlyMap<string, Cell>
  | { readonly [key: string]: Cell };

/** A row: cells by the name of their column. */
export type Row = { readonly [column: string]: Cell };

/** A cell as it is read back. */
export type StoredCell =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | Blob
  | StoredCell[]
  | { [key: string]: StoredCell };

/**
 * A row as it is read back. One that `rows` gives has each column the table has, null where the row has no cell; one that
 * is followed has only the cells that are not null.
 */
export type StoredRow = { [column: string]: StoredCell };

/** What can be chosen when a table is made. */
export interface StreamTableOptions {
  /** The project, where the name gives none. Default: `"default"`. */
  project?: string | undefined;
  /** The entity, where the name gives none. Default: the one that the key is for, or `"local"`. */
  entity?: string | undefined;
  /**
   * The server's origin. Default: `"http://127.0.0.1:7700"`. With `null` there is none: the table lives in this browser,
   * where all pages of the origin share it.
   */
  server?: string | null | undefined;
  /** The board's origin, where links lead. Default: the server's; without a server the page's. */
  board?: string | undefined;
  /** The key that allows writing and reading, where the server asks for one. */
  key?: string | undefined;
  /** The most that may wait, in bytes. What is too much is dropped, counted and told. Default: 64 MiB. */
  maxQueueBytes?: number | undefined;
  /** The most rows that may wait. Default: 1,000,000. */
  maxQueueRows?: number | undefined;
  /** Which rows are dropped when too many wait: those logged last, or those that wait longest. Default: `"dropNewest"`. */
  whenFull?: "dropNewest" | "dropOldest" | undefined;
  /** The most rows in one request. Default: 10,000. */
  maxBatchRows?: number | undefined;
  /** The most bytes in one request; a larger row goes alone. Default: 1 MiB. */
  maxBatchBytes?: number | undefined;
  /** The least time from the start of one request to the next, in milliseconds; `flush` does not wait for it. Default: 50. */
  lingerMillis?: number | undefined;
  /** How long an answer is waited for, in milliseconds. Default: 30,000. */
  requestTimeoutMillis?: number | undefined;
  /** The longest wait between two tries, in milliseconds, unless the server asks for longer. Default: 30,000. */
  maxRetryMillis?: number | undefined;
}

/** How the rows logged so far are doing. */
export interface Status {
  /**
   * `"idle"`: every row was dealt with. `"loading"`: rows wait for the WebAssembly to start. `"blocked"`: it cannot start
   * here, see `lastError`; rows are kept. `"sending"`; `"retrying"` after a failure; `"finished"`.
   */
  readonly state: "idle" | "loading" | "blocked" | "sending" | "retrying" | "finished";
  /** Rows that wait or are under way. */
  readonly queued: number;
  /** Rows that were sent at least once. */
  readonly sent: number;
  /** Rows that the server has stored. */
  readonly acknowledged: number;
  /** Rows that can never be stored: refused here or by the server. */
  readonly rejected: number;
  /** Rows that were dropped because too many waited. */
  readonly dropped: number;
  /** Rows for this table that earlier pages left behind, and that this page delivered. They are in no other count. */
  readonly recovered: number;
  /** Rows that wait in this page's memory alone, and are lost if it ends now. */
  readonly volatile: number;
  /** The size of the rows that wait or are under way, in UTF-16 units, of which most take one byte. */
  readonly bytes: number;
  /**
   * Where rows wait: `"indexeddb"`, which outlives the page; `"memory"`, where the browser gives no storage; `"browser"` for
   * a table that lives in this browser, whose rows wait for nothing else.
   */
  readonly storage: "indexeddb" | "memory" | "browser";
  /** What went wrong last. */
  readonly lastError: { readonly code: string; readonly message: string } | null;
}

/** Rows that the server has dealt with. */
export interface Ack {
  /** This writer's number of the last of them. */
  readonly ackedSeq: number;
  /** How many were stored by this request. */
  readonly stored: number;
  /** How many had been stored before, their answer having been lost. */
  readonly duplicates: number;
  /** How many were refused. */
  readonly refused: number;
  /** The table's number for the first row stored. */
  readonly firstOffset: number | null;
}

/** Which rows to read back. */
export interface RowsOptions {
  /** The offset to start at. Default: 0. */
  from?: number | undefined;
  /** How many at most. Default: all. */
  limit?: number | undefined;
  /**
   * An expression that is true of the rows wanted, such as `row["loss"] < 0.5`. For a table that lives in this browser the page
   * must import `streamtable/filter`.
   */
  filter?: string | undefined;
  /** The columns wanted. Default: all. */
  columns?: readonly string[] | undefined;
  /** Whether to add `_writer`, `_seq`, `_offset` and `_received`. Default: false. */
  system?: boolean | undefined;
}

/** From where to follow a table. */
export interface SubscribeOptions {
  /** The offset to start at. Default: the end the table has once the connection stands. */
  from?: number | undefined;
  /** Called each time the connection stands, with the offset the table's next row will have. */
  onLive?: ((nextOffset: number) => void) | undefined;
}
