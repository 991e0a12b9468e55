// The class that pages use: synchronous and thin. It copies rows, gathers those of a task, and tells what happens.

import { encodeRow } from "./encode.js";
import { describe, StreamTableError } from "./errors.js";
import { guard } from "./guard.js";
import { Lines } from "./lines.js";
import { entityOf, parseName, type TableName } from "./name.js";
import { JUPYTER_DISPLAY, panelForms } from "./notebook.js";
import { checkClock, nowMicros } from "./time.js";
import type { Ack, Cell, RowsOptions, Status, StoredRow, StreamTableOptions, SubscribeOptions } from "./types.js";
import { Way } from "./way.js";

const DEFAULT_SERVER = "http://127.0.0.1:7700";
/** More than this is handed over within a task, so that no transaction is large. */
const MAX_TASK_UNITS = 256 << 10;

/** What `on` tells of. */
export interface StreamTableEvents {
  /** The status changed; at most once a task. */
  status: (status: Status) => void;
  /** Rows were rejected or dropped, or the server cannot be reached (told once an outage). */
  error: (error: StreamTableError) => void;
  /** The server has dealt with rows. */
  ack: (ack: Ack) => void;
}

type Kind = keyof StreamTableEvents;

/**
 * A table that rows are streamed to.
 *
 * @example
 * const st = new StreamTable("my_entity/my_project/my_table");
 * st.log({ col_a: 10, col_b: "x" });
 * await st.finish();
 */
export class StreamTable {
  readonly #name: TableName;
  readonly #url: string;
  readonly #server: string | null;
  readonly #maxRows: number;
  readonly #maxUnits: number;
  readonly #dropsOldest: boolean;
  #roomRows = 0;
  #roomUnits = 0;
  readonly #way: Way;
  readonly #lines: Lines;
  readonly #listeners: { [K in Kind]: Set<StreamTableEvents[K]> } = { status: new Set(), error: new Set(), ack: new Set() };
  readonly #told = new Set<string>();
  #finished: Promise<void> | undefined;
  #nRejected = 0;
  #nDropped = 0;
  #lastError: Status["lastError"] = null;
  #isHandOverDue = false;
  readonly #whenDue = () => {
    this.#isHandOverDue = false;
    this.#handOver();
  };
  #isStatusDue = false;
  #isAnnounced = false;

  /**
   * @param table - `table`, `project/table` or `entity/project/table`; missing parts are `default` and the entity
   *   of the key, or `local`.
   * @throws {StreamTableError} when the name names no table; `code` starts with `name_`.
   */
  constructor(table: string, project?: string, entity?: string);
  constructor(name: string, options?: StreamTableOptions);
  constructor(name: string, projectOrOptions?: string | StreamTableOptions, entity?: string) {
    const hasOptions = typeof projectOrOptions === "object" && projectOrOptions !== null;
    const options = hasOptions ? { ...projectOrOptions } : { project: projectOrOptions, entity };
    this.#name = parseName(name, options.project, options.entity, entityOf(options.key));
    this.#maxRows = options.maxQueueRows ?? 1_000_000;
    this.#maxUnits = options.maxQueueBytes ?? 64 << 20;
    this.#dropsOldest = options.whenFull === "dropOldest";
    this.#lines = new Lines(() => this.#scheduleWork());
    const server = options.server === null ? null : origin(options.server ?? DEFAULT_SERVER, "server");
    const board = origin(options.board ?? server ?? ownOrigin(), "board");
    this.#url = `${board}/table/${this.name}${server === null ? "?in=browser" : ""}`;
    this.#server = server;
    this.#way = new Way({ table: this.name, server, key: options.key }, options, {
      onAck: (ack) => this.#emit("ack", ack),
      onError: (error, isNews) => this.#fail(error, isNews),
      onChange: () => this.#scheduleStatus(),
      onLeave: () => this.#handOver(),
    });
  }

  /** The table's full name, `entity/project/table`. */
  get name(): string {
    return `${this.#name.entity}/${this.#name.project}/${this.#name.table}`;
  }

  /** The server's origin; null where the table lives in this browser. */
  get server(): string | null {
    return this.#server;
  }

  /** Where the board shows the table. */
  get url(): string {
    return this.#url;
  }

  /**
   * Logs a row, or the rows of a list in order, and returns the address of the table's panel on the board.
   *
   * The rows are copied before it returns. Nothing is awaited. A row that cannot be stored is rejected alone: it is
   * counted in `status.rejected` and told to `on("error")`.
   *
   * @throws {StreamTableError} `finished` after `finish()`; for nothing else.
   */
  log<T extends object & { readonly [K in keyof T]: Cell }>(rows: T | readonly T[]): string {
    if (this.#finished) {
      throw new StreamTableError("finished", `${this.name} is finished; rows can no longer be logged`);
    }
    // What a task needs but once is done at its first call.
    if (!this.#isHandOverDue) checkClock();
    const now = nowMicros();
    if (Array.isArray(rows)) {
      for (let idx = 0; idx < rows.length; idx++) this.#take(rows[idx], now);
    } else {
      this.#take(rows, now);
    }
    if (!this.#isHandOverDue) this.#scheduleWork();
    return this.#url;
  }

  #take(row: unknown, now: number): void {
    try {
      const line = encodeRow(row, now);
      const isHeld = typeof line !== "string";
      if (!this.#hasRoom(isHeld ? 0 : line.length + 1)) {
        if (isHeld) line.catch(() => undefined);
        this.#drop(1);
      } else if (isHeld) {
        this.#lines.hold(line, (error) => this.#reject(error));
      } else {
        this.#lines.push(line);
        if (this.#lines.nReadyUnits > MAX_TASK_UNITS) this.#handOver();
      }
    } catch (error) {
      this.#reject(error);
    }
  }

  /** Whether a row of that size may wait; makes room for it where the oldest rows may be dropped. */
  #hasRoom(nUnits: number): boolean {
    if (this.#roomRows < 1 || this.#roomUnits < nUnits) this.#findRoom(nUnits);
    if (this.#roomRows < 1 || this.#roomUnits < nUnits) return false;
    this.#roomRows -= 1;
    this.#roomUnits -= nUnits;
    return true;
  }

  /** Counts the room there is. Between two counts it can only grow, as rows are dealt with. */
  #findRoom(nUnits: number): void {
    const count = () => {
      this.#roomRows = this.#maxRows - this.#lines.nRows - this.#way.nQueued;
      this.#roomUnits = this.#maxUnits - this.#lines.nUnits - this.#way.nUnits;
    };
    count();
    if (!this.#dropsOldest || nUnits > this.#maxUnits || (this.#roomRows >= 1 && this.#roomUnits >= nUnits)) return;
    // A hundredth at a time, so that a full queue is not looked at for each row.
    const nDropped = this.#way.dropOldest(Math.ceil(this.#way.nQueued / 100));
    if (nDropped > 0) this.#drop(nDropped);
    count();
  }

  #reject(thrown: unknown): void {
    this.#nRejected += 1;
    const wrapped = () => new StreamTableError("bad_value", `a row was rejected: ${describe(thrown)}`, { cause: thrown });
    this.#fail(thrown instanceof StreamTableError ? thrown : wrapped());
  }

  #drop(nRows: number): void {
    this.#nDropped += nRows;
    this.#fail(new StreamTableError("queue_full", `too many rows wait: ${nRows === 1 ? "1 row was" : `${nRows} rows were`} dropped`));
  }

  /** Settles when every row logged so far is stored, or was refused. */
  async flush(): Promise<void> {
    await this.#lines.settled;
    this.#handOver();
    await this.#way.flush();
  }

  /** Flushes, then closes: no row can be logged from the call on. */
  finish(): Promise<void> {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  async #finish(): Promise<void> {
    await this.flush();
    this.#way.close();
    this.#scheduleStatus();
  }

  /**
   * Reads stored rows back, oldest first.
   *
   * Rows logged just now are among them once `flush()` has settled. Leaving the loop early ends the request.
   *
   * @throws {StreamTableError} when the table or the filter is unknown to the server, or it cannot be reached.
   */
  rows(options: RowsOptions = {}): AsyncGenerator<StoredRow, void, undefined> {
    return this.#way.rows(options);
  }

  /**
   * Calls `f` with each new row and its offset, each row once and in order, until the function it returns is called.
   *
   * A lost connection is taken up again where it ended. Without `from`, rows are followed from the end the table has
   * when the connection stands, which `onLive` tells.
   */
  subscribe(f: (row: StoredRow, offset: number) => void, options: SubscribeOptions = {}): () => void {
    return this.#way.subscribe(f, options);
  }

  /** How the rows logged so far are doing. */
  get status(): Status {
    const way = this.#way.status;
    const nGathered = this.#lines.nRows;
    const queued = nGathered + way.queued;
    return {
      ...way,
      state: this.#way.state(queued),
      queued,
      rejected: this.#nRejected + way.rejected,
      dropped: this.#nDropped,
      volatile: nGathered + way.volatile,
      bytes: this.#lines.nUnits + way.bytes,
      lastError: this.#lastError,
    };
  }

  /** The live panel, in notebooks that show a value so: Deno's kernel. */
  [JUPYTER_DISPLAY](): Record<string, string> {
    return panelForms(this.url);
  }

  /** As above, in JupyterLite. */
  _toMime(): Record<string, string> {
    return panelForms(this.url);
  }

  /** Follows what happens; returns the function that ends it. */
  on<K extends Kind>(kind: K, f: StreamTableEvents[K]): () => void {
    const listeners = this.#listeners[kind];
    if (!listeners) throw new StreamTableError("bad_argument", `there is no event ${JSON.stringify(kind)}`);
    // Each call of `on` is ended by its own function, also when one function is given twice.
    const listener = ((value: never) => (f as (value: never) => void)(value)) as StreamTableEvents[K];
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  #emit<K extends Kind>(kind: K, value: Parameters<StreamTableEvents[K]>[0]): void {
    for (const listener of [...this.#listeners[kind]]) guard(() => (listener as (value: unknown) => void)(value));
  }

  #fail(error: StreamTableError, isNews = true): void {
    this.#lastError = { code: error.code, message: error.message };
    this.#scheduleStatus();
    // An outage is told once; its newest reason is shown.
    if (!isNews) return;
    if (this.#listeners.error.size === 0 && !this.#told.has(error.code)) {
      // Nobody listens, and nothing may be lost in silence.
      this.#told.add(error.code);
      console.warn(`StreamTable ${this.name}: ${error.message}`);
    }
    this.#emit("error", error);
  }

  #announce(): void {
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    setTimeout(() => console.info(`StreamTable: see ${this.url}`));
  }

  /** The rows of a task go over together, at its end: a page that is killed right after it has them in the storage. */
  #scheduleWork(): void {
    this.#announce();
    this.#scheduleStatus();
    if (this.#isHandOverDue || this.#lines.nReady === 0) return;
    this.#isHandOverDue = true;
    queueMicrotask(this.#whenDue);
  }

  #handOver(): void {
    if (this.#lines.nReady > 0) this.#way.push(this.#lines.take());
  }

  #scheduleStatus(): void {
    if (this.#isStatusDue || this.#listeners.status.size === 0) return;
    this.#isStatusDue = true;
    queueMicrotask(() => {
      this.#isStatusDue = false;
      this.#emit("status", this.status);
    });
  }
}

/** The address that the page is of; a file has none. */
function ownOrigin(): string {
  const own = globalThis.location?.origin;
  return own?.startsWith("http") ? own : DEFAULT_SERVER;
}

function origin(url: unknown, what: string): string {
  if (typeof url !== "string" || !/^https?:\/\/[^/]/.test(url)) {
    throw new StreamTableError("bad_argument", `the ${what} is an address such as ${DEFAULT_SERVER}`);
  }
  return url.replace(/\/+$/, "");
}
