// The way of a table's rows: they are numbered, kept, and sent when the machine of the WebAssembly half says so.

import type { Delivery } from "#glue";

import { keepOwn, startAdopting } from "./adopt.js";
import type { Target } from "./chunk.js";
import { type Core, startCore } from "./core.js";
import { hasDb } from "./db.js";
import { describe, StreamTableError } from "./errors.js";
import { type Destination, destinationOf, header, type OnError, rowsUrl, type ServerTarget } from "./destination.js";
import type { Piece } from "./lines.js";
import { hasLocks, type Hold, holdWriter } from "./locks.js";
import { Outbox } from "./outbox.js";
import { watchPage } from "./page.js";
import { Sender } from "./sender.js";
import { forgetSpilled } from "./spill.js";
import type { Ack, RowsOptions, Status, StoredRow, StreamTableOptions, SubscribeOptions } from "./types.js";

/** What a way tells. */
export interface WayEvents {
  onAck(ack: Ack): void;
  onError: OnError;
  /** The status changed. */
  onChange(): void;
  /** The page goes: rows that are still gathered are to be pushed now. */
  onLeave(): void;
}

/** How the rows that were pushed are doing. */
type WayStatus = Omit<Status, "state" | "dropped" | "lastError">;

/** The rows of one page life for one table. */
export class Way {
  readonly #outbox: Outbox;
  readonly #destination: Destination;
  #lastSeq = 0;
  #pushed = { nRows: 0, nUnits: 0 };
  #machine: Delivery | undefined;
  #sender: Sender | undefined;
  #starting: Promise<Core> | undefined;
  #blocked: StreamTableError | undefined;
  #begin: ReturnType<typeof setTimeout> | undefined;
  #hold: Hold | undefined;
  #isHeld = false;
  #isClosed = false;
  #storage: WayStatus["storage"] = hasDb() ? "indexeddb" : "memory";
  #nRecovered = 0;
  #sentSeq = 0;
  #waiting: { seq: number; settle: () => void; fail: (error: unknown) => void }[] = [];
  readonly #stopWatching: () => void;
  readonly #stopAdopting: () => void;

  constructor(
    readonly target: Target,
    readonly options: StreamTableOptions,
    readonly events: WayEvents,
  ) {
    this.#destination = destinationOf(target, options.requestTimeoutMillis);
    this.#outbox = new Outbox(newWriter(), target, {
      onReady: () => this.#sender?.wake(),
      onStorage: (error) => this.#onStorage(error),
    });
    keepOwn(this.#outbox.writer);
    this.#stopWatching = watchPage({
      onLeave: (budget, isGoing) => this.#leave(budget, isGoing),
      onReturn: () => this.#return(),
      onHint: () => this.#hint(),
    });
    this.#stopAdopting = startAdopting({
      target,
      onRecovered: (nRows) => {
        this.#nRecovered += nRows;
        events.onChange();
      },
      onError: events.onError,
    });
  }

  /** Takes in rows that were logged together: JSON objects. */
  push(pieces: readonly Piece[]): void {
    for (const { lines, nRows } of pieces) {
      const { firstSeq, nBytes } = this.#outbox.push(this.#lastSeq + 1, nRows, lines);
      this.#lastSeq += nRows;
      this.#pushed.nRows += nRows;
      this.#pushed.nUnits += nBytes;
      this.#machine?.push(firstSeq, nRows, nBytes);
    }
    this.#outbox.save();
    // The page's own task is not to wait for what happens once.
    const isBegun = this.#isHeld && (this.#machine || this.#blocked);
    if (!isBegun) this.#begin ??= setTimeout(() => this.#beginSending());
  }

  #beginSending(): void {
    this.#begin = undefined;
    if (this.#isClosed) return;
    this.#holdWriter();
    // That it cannot start is told where it is started.
    this.start().catch(() => undefined);
  }

  /** How many rows wait. */
  get nQueued(): number {
    return this.#machine?.nQueued ?? this.#pushed.nRows;
  }

  /** Their size in UTF-16 units. */
  get nUnits(): number {
    return this.#machine?.nBytes ?? this.#pushed.nUnits;
  }

  /** Lets go of up to so many of the oldest rows; says how many there were. */
  dropOldest(nRows: number): number {
    if (!this.#machine) return 0;
    const nDropped = this.#outbox.dropAfter(Math.max(this.#sender!.busyThrough, this.#machine.settledSeq), nRows);
    this.#machine.dropOldest(nDropped);
    if (nDropped > 0) this.#settle();
    return nDropped;
  }

  /** Settles when every row pushed so far was dealt with. */
  async flush(): Promise<void> {
    if (this.#lastSeq === 0) return;
    await this.start();
    const seq = this.#lastSeq;
    if (this.#machine!.settledSeq >= seq) return;
    this.#machine!.hurry();
    this.#sender!.wake();
    await new Promise<void>((settle, fail) => this.#waiting.push({ seq, settle, fail }));
  }

  /** Ends, every row having been dealt with. */
  close(): void {
    this.#isClosed = true;
    this.#sender?.stop();
    this.#stopWatching();
    this.#stopAdopting();
    this.#outbox.close();
    this.#hold?.release();
  }

  /** Starts the machine. */
  start(): Promise<Core> {
    this.#starting ??= startCore().then(
      (core) => {
        this.#blocked = undefined;
        const { maxBatchRows = 10_000, maxBatchBytes = 1 << 20, lingerMillis = 50, maxRetryMillis = 30_000 } = this.options;
        this.#machine = new core.Delivery(maxBatchRows, maxBatchBytes, lingerMillis, maxRetryMillis);
        this.#sender = new Sender(this.#machine, this.#outbox, this.#destination, {
          ...this.events,
          onChange: () => this.#settle(),
          onGone: (nRows) => this.#onGone(nRows),
          onFinished: () => undefined,
        });
        this.#sender.wake();
        return core;
      },
      (error: StreamTableError) => {
        this.events.onError(error, this.#blocked === undefined);
        this.#blocked = error;
        // A later call tries again: what was missing may have come.
        this.#starting = undefined;
        throw error;
      },
    );
    return this.#starting;
  }

  #settle(): void {
    const { settledSeq, sentSeq, keptSeq } = this.#machine!;
    this.#sentSeq = Math.max(this.#sentSeq, sentSeq);
    this.#outbox.dropBefore(keptSeq);
    if (this.#waiting.length > 0) {
      const settled = this.#waiting.filter(({ seq }) => seq <= settledSeq);
      this.#waiting = this.#waiting.filter(({ seq }) => seq > settledSeq);
      for (const { settle } of settled) settle();
    }
    this.events.onChange();
  }

  #onGone(nRows: number): void {
    const message = `${nRows} rows are no longer in this browser's storage: another page has delivered them, or they were cleared`;
    this.events.onError(new StreamTableError("storage_lost", message), true);
  }

  #onStorage(error: unknown): void {
    this.#storage = error === undefined ? "indexeddb" : "memory";
    if (error === undefined) return this.events.onChange();
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    const what = isFull ? "this browser's storage is full" : describe(error);
    const code = isFull ? "storage_full" : "storage_unavailable";
    const message = `rows wait in memory alone, and are lost if the page ends before they are sent: ${what}`;
    this.events.onError(new StreamTableError(code, message, { isRetried: true, cause: error }), true);
  }

  /** The lock says to other pages that this one takes care of its rows. */
  #holdWriter(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    if (!hasLocks() || this.#storage === "memory") return;
    holdWriter(this.#outbox.writer, { steal: true }).then((hold) => {
      this.#hold = hold;
      if (this.#isClosed || !this.#isHeld) hold?.release();
    }).catch(() => undefined);
  }

  #hint(): void {
    this.#sender?.hint();
  }

  /** Sends what waits in a request that outlives the page. If the page stays, the rows go again and are known. */
  #leave(budget: number, isGoing: boolean): number {
    this.events.onLeave();
    const seq = (this.#machine?.settledSeq ?? 0) + 1;
    if (this.#lastSeq < seq) return 0;
    let nBytes = 0;
    if (this.target.server === null) return this.#go(isGoing);
    const head = header(this.#outbox.writer, seq, this.target);
    const { nRows, lines } = this.#outbox.oldest(seq, budget - head.length);
    if (nRows > 0) {
      const body = head + lines;
      nBytes = new TextEncoder().encode(body).length;
      this.#sentSeq = Math.max(this.#sentSeq, seq + nRows - 1);
      const headers = { "content-type": "text/plain" };
      fetch(rowsUrl(this.target as ServerTarget), { method: "POST", headers, body, keepalive: true }).catch(() => undefined);
    }
    this.#go(isGoing);
    return nBytes;
  }

  #go(isGoing: boolean): number {
    if (!isGoing) return 0;
    // Rows that stay behind here alone come before those that others can see, and must be sent before them.
    if (!this.#outbox.spill()) return 0;
    // A page that is kept for coming back to may hold no lock; others may take care of its rows meanwhile.
    this.#hold?.release();
    this.#hold = undefined;
    this.#isHeld = false;
    return 0;
  }

  #return(): void {
    forgetSpilled(this.#outbox.writer);
    if (this.#lastSeq > 0) this.#holdWriter();
    this.#outbox.save();
    this.#hint();
  }

  get status(): WayStatus {
    return {
      queued: this.nQueued,
      sent: this.#sentSeq,
      acknowledged: this.#machine?.nAcknowledged ?? 0,
      rejected: this.#machine?.nRejected ?? 0,
      recovered: this.#nRecovered,
      volatile: this.#outbox.nVolatile,
      bytes: this.nUnits,
      storage: this.#storage === "indexeddb" && this.target.server === null ? "browser" : this.#storage,
    };
  }

  /** What is going on, where so many rows wait. */
  state(nQueued: number): Status["state"] {
    if (this.#blocked) return "blocked";
    if (nQueued === 0) return this.#isClosed ? "finished" : "idle";
    if (!this.#machine) return "loading";
    return this.#machine.nFailures > 0 ? "retrying" : "sending";
  }

  rows(options: RowsOptions): AsyncGenerator<StoredRow, void, undefined> {
    return this.#destination.rows(options);
  }

  subscribe(f: (row: StoredRow, offset: number) => void, options: SubscribeOptions): () => void {
    return this.#destination.subscribe(f, options, () => this.start(), this.events.onError);
  }
}

/** An id that nobody else has. */
function newWriter(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
