// The class that pages use: synchronous and thin. It copies rows, keeps them until the WebAssembly runs, and tells what
// happens; everything that decides is behind it.

import type { Client, Subscription } from "#glue";

import { startCore } from "./core.js";
import { decodeRow } from "./decode.js";
import { encodeRow } from "./encode.js";
import { describe, StreamTableError } from "./errors.js";
import { Lines } from "./lines.js";
import { parseName, type TableName } from "./name.js";
import { readRows } from "./read.js";
import { nowMicros } from "./time.js";
import type { Ack, Cell, RowsOptions, Status, StoredRow, StreamTableOptions, SubscribeOptions } from "./types.js";

const DEFAULT_SERVER = "http://127.0.0.1:7700";

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
  readonly #options: StreamTableOptions;
  readonly #server: string;
  readonly #board: string;
  readonly #lines: Lines;
  readonly #listeners: { [K in Kind]: Set<StreamTableEvents[K]> } = { status: new Set(), error: new Set(), ack: new Set() };
  readonly #told = new Set<string>();
  #client: Client | undefined;
  #starting: Promise<Client> | undefined;
  #leave: (() => void) | undefined;
  #isBlocked = false;
  #finished: Promise<void> | undefined;
  #isFinished = false;
  #nRejected = 0;
  #nDropped = 0;
  #lastError: Status["lastError"] = null;
  #isHandOverDue = false;
  #isStatusDue = false;
  #isAnnounced = false;

  /**
   * @param table - `table`, `project/table` or `entity/project/table`; missing parts are `default` and `local`.
   * @throws {StreamTableError} when the name names no table; `code` starts with `name_`.
   */
  constructor(table: string, project?: string, entity?: string);
  constructor(name: string, options?: StreamTableOptions);
  constructor(name: string, projectOrOptions?: string | StreamTableOptions, entity?: string) {
    const hasOptions = typeof projectOrOptions === "object" && projectOrOptions !== null;
    const options = hasOptions ? { ...projectOrOptions } : { project: projectOrOptions, entity };
    this.#name = parseName(name, options.project, options.entity);
    this.#server = origin(options.server ?? DEFAULT_SERVER, "server");
    this.#options = { ...options, server: this.#server };
    this.#board = origin(options.board ?? this.#server, "board");
    const bounds = { maxRows: options.maxQueueRows ?? 1_000_000, maxUnits: options.maxQueueBytes ?? 64 << 20 };
    this.#lines = new Lines(bounds, () => this.#scheduleHandOver());
  }

  /** The table's full name, `entity/project/table`. */
  get name(): string {
    return `${this.#name.entity}/${this.#name.project}/${this.#name.table}`;
  }

  /** Where the board shows the table. */
  get url(): string {
    return `${this.#board}/table/${this.name}`;
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
    const now = nowMicros();
    if (Array.isArray(rows)) {
      for (let idx = 0; idx < rows.length; idx++) this.#take(rows, idx, now);
    } else {
      this.#take([rows], 0, now);
    }
    this.#announce();
    this.#scheduleHandOver();
    this.#scheduleStatus();
    return this.url;
  }

  #take(rows: readonly unknown[], idx: number, now: number): void {
    try {
      const line = encodeRow(rows[idx], now);
      const fits =
        typeof line === "string"
          ? this.#lines.push(line)
          : this.#lines.hold(line, (error) => this.#reject(error));
      if (!fits) this.#drop();
    } catch (error) {
      this.#reject(error);
    }
  }

  #reject(thrown: unknown): void {
    this.#nRejected += 1;
    const wrapped = () => new StreamTableError("bad_value", `a row was rejected: ${describe(thrown)}`, { cause: thrown });
    this.#fail(thrown instanceof StreamTableError ? thrown : wrapped());
  }

  #drop(): void {
    this.#nDropped += 1;
    this.#fail(new StreamTableError("queue_full", "too many rows wait: 1 row was dropped"));
  }

  /** Settles when the server has dealt with every row logged so far. */
  async flush(): Promise<void> {
    await this.#lines.settled;
    if (!this.#starting && !this.#lines.isReady) return;
    const client = await this.#start();
    this.#handOver();
    await client.flush();
  }

  /** Flushes, then closes: no row can be logged from the call on. */
  finish(): Promise<void> {
    this.#finished ??= this.#finish();
    return this.#finished;
  }

  async #finish(): Promise<void> {
    await this.flush();
    this.#client?.finish();
    this.#leave?.();
    this.#isFinished = true;
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
    return readRows(this.#rowsUrl, this.#options.key, options);
  }

  get #rowsUrl(): string {
    return `${this.#server}/api/v1/tables/${this.name}/rows`;
  }

  /**
   * Calls `f` with each new row and its offset, each row once and in order, until the function it returns is called.
   *
   * A lost connection is taken up again where it ended. Without `from`, rows are followed from the end the table has
   * when the connection stands, which `onLive` tells.
   */
  subscribe(f: (row: StoredRow, offset: number) => void, options: SubscribeOptions = {}): () => void {
    let subscription: Subscription | undefined;
    let isOver = false;
    let isLost = false;
    const notify = (kind: string, a: unknown, b: number) => {
      if (isOver) return;
      if (kind === "rows") {
        (a as Record<string, unknown>[]).forEach((row, idx) => {
          if (!isOver) guard(() => f(decodeRow(row), b + idx));
        });
      } else if (kind === "hello") {
        isLost = false;
        guard(() => options.onLive?.(b));
      } else if (kind === "lost" && !isLost) {
        isLost = true;
        this.#fail(new StreamTableError("tail_lost", `following ${this.name} was interrupted: ${a}`, { isRetried: true }));
      }
    };
    if (typeof WebSocket === "undefined") {
      this.#fail(new StreamTableError("no_websocket", "this platform has no WebSocket to follow a table with"));
      return () => undefined;
    }
    this.#start().then(
      (client) => {
        if (!isOver) subscription = client.subscribe(options.from, notify);
      },
      // That it cannot start is told where it is started.
      () => undefined,
    );
    return () => {
      isOver = true;
      subscription?.free();
      subscription = undefined;
    };
  }

  /** How the rows logged so far are doing. */
  get status(): Status {
    const inside = this.#client?.status();
    const nWaiting = this.#lines.nRows;
    const queued = nWaiting + (inside?.queued ?? 0);
    return {
      state: this.#state(inside?.state, nWaiting),
      queued,
      sent: inside?.sent ?? 0,
      acknowledged: inside?.acknowledged ?? 0,
      rejected: this.#nRejected + (inside?.rejected ?? 0),
      dropped: this.#nDropped + (inside?.dropped ?? 0),
      bytes: this.#lines.nUnits + (inside?.bytes ?? 0),
      lastError: this.#lastError,
    };
  }

  #state(inside: Status["state"] | undefined, nWaiting: number): Status["state"] {
    if (this.#isBlocked) return "blocked";
    if (this.#isFinished) return "finished";
    if (nWaiting === 0) return inside ?? "idle";
    return inside === undefined ? "loading" : inside === "idle" ? "sending" : inside;
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

  #fail(error: StreamTableError): void {
    this.#lastError = { code: error.code, message: error.message };
    this.#scheduleStatus();
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
    console.info(`StreamTable: see ${this.url}`);
  }

  /** The rows of a task go over together, in the microtask after it. */
  #scheduleHandOver(): void {
    if (this.#isHandOverDue || !this.#lines.isReady) return;
    this.#isHandOverDue = true;
    queueMicrotask(() => {
      this.#isHandOverDue = false;
      // That it cannot start is told where it is started.
      this.#start().then(() => this.#handOver(), () => undefined);
    });
  }

  #handOver(): void {
    if (!this.#client || !this.#lines.isReady) return;
    try {
      this.#client.push(this.#lines.take());
    } catch (fault) {
      this.#fail(toError(fault));
    }
    this.#scheduleStatus();
  }

  #scheduleStatus(): void {
    if (this.#isStatusDue || this.#listeners.status.size === 0) return;
    this.#isStatusDue = true;
    queueMicrotask(() => {
      this.#isStatusDue = false;
      this.#emit("status", this.status);
    });
  }

  #start(): Promise<Client> {
    this.#starting ??= startCore().then(
      (Core) => {
        this.#client = new Core(this.name, this.#options, (kind, value) => this.#notice(kind, value));
        this.#leave = onLeaving(() => this.#lastCall());
        return this.#client;
      },
      (error: StreamTableError) => {
        this.#isBlocked = true;
        this.#fail(error);
        throw error;
      },
    );
    return this.#starting;
  }

  /** Sends what waits in a request that outlives the page. If the page stays, the rows go again and are known. */
  #lastCall(): void {
    // A listener of the page's own may just have logged how the visit went.
    this.#handOver();
    const body = this.#client?.lastCall();
    if (body === undefined) return;
    const headers = { "content-type": "text/plain" };
    fetch(this.#rowsUrl, { method: "POST", headers, body, keepalive: true }).catch(() => undefined);
  }

  #notice(kind: string, value: unknown): void {
    if (kind === "ack") this.#emit("ack", value as Ack);
    if (kind === "error") this.#fail(toError(value));
    if (kind === "status") this.#keepReason();
    this.#scheduleStatus();
  }

  /** An outage is told once; its newest reason is shown. */
  #keepReason(): void {
    const inside = this.#client?.status();
    if (inside?.state === "retrying" && inside.lastError) this.#lastError = inside.lastError;
  }
}

/** Calls `f` whenever the page may be about to end; gives the function that ends that. */
function onLeaving(f: () => void): () => void {
  if (typeof document === "undefined") return () => undefined;
  // A page that a phone puts away may get no other notice than that it is hidden.
  const onHidden = () => document.visibilityState === "hidden" && f();
  document.addEventListener("visibilitychange", onHidden);
  addEventListener("pagehide", f);
  return () => {
    document.removeEventListener("visibilitychange", onHidden);
    removeEventListener("pagehide", f);
  };
}

function toError(fault: unknown): StreamTableError {
  const { code, message, isRetried } = fault as { code?: string; message?: string; isRetried?: boolean };
  return new StreamTableError(code ?? "internal", message ?? describe(fault), { isRetried: isRetried ?? false });
}

/** What a listener throws is its page's to see, and stops nothing here. */
function guard(f: () => void): void {
  try {
    f();
  } catch (error) {
    if (typeof reportError === "function") reportError(error);
    else console.error(error);
  }
}

function origin(url: unknown, what: string): string {
  if (typeof url !== "string" || !/^https?:\/\/[^/]/.test(url)) {
    throw new StreamTableError("bad_argument", `the ${what} is an address such as ${DEFAULT_SERVER}`);
  }
  return url.replace(/\/+$/, "");
}
