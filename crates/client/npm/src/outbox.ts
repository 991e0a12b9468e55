// The rows that wait for their server: in memory, and in IndexedDB so that they outlive the page.

import { type ChunkKey, formatChunk, formatKey, formatTarget, keyRange, parseChunk, type Target } from "./chunk.js";
import { ask, done, hasDb, onDbClosed, openDb, openedDb, STORES } from "./db.js";
import { cutRows } from "./lines.js";
import { spill } from "./spill.js";

/** Rows that are kept together. */
export interface Chunk {
  readonly firstSeq: number;
  readonly nRows: number;
  /** Its size in UTF-16 units, which is close to bytes. */
  readonly nBytes: number;
  /** A JSON object a line, each with its line end; undefined where they are in IndexedDB alone. */
  lines: string | undefined;
  /** Whether IndexedDB has it. */
  isSaved: boolean;
  /** Whether its rows were dealt with. */
  isDropped: boolean;
}

/** How much of what is saved is kept in memory too, in UTF-16 units. */
const MAX_CACHED_UNITS = 8 << 20;
/** How often storage that refused is tried again, in milliseconds. */
const RETRY_MILLIS = 3000;
/** How long rows wait to be written before they are sent all the same, in milliseconds. */
const PATIENCE_MILLIS = 1000;

/** Tells what the storage does. */
export interface OutboxEvents {
  /** Rows were written, or cannot be now: either way they may be sent. */
  onReady(): void;
  /** Rows could not be written, or can be again (no error). Rows are kept in memory meanwhile. */
  onStorage(error: unknown): void;
}

/** The rows of one writer, oldest first. */
export class Outbox {
  #chunks: Chunk[] = [];
  #unsaved: Chunk[] = [];
  #nCachedUnits = 0;
  #nVolatile = 0;
  #isFailing = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #impatient: ReturnType<typeof setTimeout> | undefined;
  readonly #target: string;
  readonly #stopWatching: () => void;

  constructor(
    readonly writer: string,
    readonly target: Target,
    readonly events: OutboxEvents,
  ) {
    this.#target = formatTarget(target);
    this.#stopWatching = onDbClosed(() => this.#saveAgain());
  }

  /** How many rows are in memory alone. */
  get nVolatile(): number {
    return this.#nVolatile;
  }

  /** Takes rows in, which `save` writes. */
  push(firstSeq: number, nRows: number, lines: string): Chunk {
    const chunk = { firstSeq, nRows, nBytes: lines.length, lines, isSaved: false, isDropped: false };
    this.#chunks.push(chunk);
    this.#unsaved.push(chunk);
    this.#nCachedUnits += chunk.nBytes;
    this.#nVolatile += nRows;
    return chunk;
  }

  /** Takes in the chunks of a writer that is gone, by their keys. */
  adopt(keys: readonly ChunkKey[]): void {
    for (const { firstSeq, nRows, nBytes } of keys) {
      this.#chunks.push({ firstSeq, nRows, nBytes, lines: undefined, isSaved: true, isDropped: false });
    }
  }

  /** The chunks that wait. */
  get chunks(): readonly Chunk[] {
    return this.#chunks;
  }

  /** Writes what is not written yet, in one transaction that is under way when this returns. */
  save(): void {
    if (!hasDb()) return this.events.onReady();
    const chunks = this.#unsaved;
    if (chunks.length === 0) return;
    this.#impatient ??= setTimeout(() => {
      this.#impatient = undefined;
      if (this.#nVolatile > 0) this.events.onReady();
    }, PATIENCE_MILLIS);
    const db = openedDb();
    if (!db) {
      openDb().then(() => this.save(), (error: unknown) => this.#fail(this.#unsaved, error));
      return;
    }
    this.#unsaved = [];
    try {
      // Relaxed: what the system has outlives the page and the browser. Waiting for the disk would lose more rows (those
      // of a page that is killed meanwhile) than a power cut does.
      const tx = db.transaction(STORES.chunks, "readwrite", { durability: "relaxed" });
      const store = tx.objectStore(STORES.chunks);
      const at = Date.now();
      for (const chunk of chunks) store.put(formatChunk(at, this.#target, chunk.lines!), this.#key(chunk));
      tx.oncomplete = () => this.#saved(chunks);
      tx.onabort = () => this.#fail(chunks, tx.error);
      // A page that is killed now has nothing left to say to its transaction.
      tx.commit?.();
    } catch (error) {
      this.#fail(chunks, error);
    }
  }

  #key({ firstSeq, nRows, nBytes }: Chunk): string {
    return formatKey({ writer: this.writer, firstSeq, nRows, nBytes });
  }

  #saved(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      if (chunk.isDropped || chunk.isSaved) continue;
      chunk.isSaved = true;
      this.#nVolatile -= chunk.nRows;
      // The newest is what is needed last.
      if (this.#nCachedUnits > MAX_CACHED_UNITS) this.#uncache(chunk);
    }
    if (this.#isFailing) {
      this.#isFailing = false;
      this.events.onStorage(undefined);
    }
    this.events.onReady();
  }

  #uncache(chunk: Chunk): void {
    if (chunk.lines === undefined) return;
    this.#nCachedUnits -= chunk.nBytes;
    chunk.lines = undefined;
  }

  #fail(chunks: readonly Chunk[], error: unknown): void {
    const waiting = chunks.filter((chunk) => !chunk.isDropped);
    this.#unsaved = chunks === this.#unsaved ? waiting : [...waiting, ...this.#unsaved];
    if (!this.#isFailing) {
      this.#isFailing = true;
      this.events.onStorage(error);
    }
    if (this.#unsaved.length > 0) {
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.save(), RETRY_MILLIS);
    }
    this.events.onReady();
  }

  /** The connection was lost, and perhaps all that was stored: what is in memory is written again. */
  #saveAgain(): void {
    for (const chunk of this.#chunks) if (chunk.lines !== undefined) chunk.isSaved = false;
    this.#unsaved = this.#chunks.filter((chunk) => !chunk.isSaved);
    this.#nVolatile = this.#unsaved.reduce((n, chunk) => n + chunk.nRows, 0);
    if (this.#unsaved.length > 0) this.save();
  }

  /**
   * The lines of rows that follow each other, as far as the storage still has them: another page may have delivered the
   * others, or the user cleared them. `nGone` rows are missing at the start, or the lines end before the next that are.
   *
   * @throws where the storage cannot be read now.
   */
  async read(firstSeq: number, nRows: number): Promise<{ lines: string; nRows: number; nGone: number }> {
    const endSeq = firstSeq + nRows;
    const chunks = this.#chunks.filter((chunk) => chunk.firstSeq < endSeq && chunk.firstSeq + chunk.nRows > firstSeq);
    const loaded = chunks.some((chunk) => chunk.lines === undefined) ? await this.#load(chunks) : undefined;
    let lines = "";
    let nRead = 0;
    for (const [idx, chunk] of chunks.entries()) {
      const text = chunk.lines ?? loaded?.[idx];
      const from = Math.max(firstSeq - chunk.firstSeq, 0);
      const to = Math.min(endSeq - chunk.firstSeq, chunk.nRows);
      if (text === undefined) return { lines, nRows: nRead, nGone: nRead === 0 ? to - from : 0 };
      lines += cutRows(text, from, to, chunk.nRows);
      nRead += to - from;
    }
    return { lines, nRows: nRead, nGone: 0 };
  }

  async #load(chunks: readonly Chunk[]): Promise<(string | undefined)[]> {
    const stored = await ask<(string | undefined)[]>(STORES.chunks, (store) => chunks.map((chunk) => store.get(this.#key(chunk))));
    return stored.map((text) => text && parseChunk(text).lines);
  }

  /** The oldest rows whose lines are in memory, as many as fit; they are what a last request takes along. */
  oldest(fromSeq: number, maxBytes: number): { nRows: number; lines: string } {
    let lines = "";
    let nRows = 0;
    let nBytes = 0;
    let nextSeq = fromSeq;
    for (const chunk of this.#chunks) {
      if (chunk.firstSeq + chunk.nRows <= nextSeq) continue;
      // Rows that are missing in between would be taken for known ones once later ones are stored.
      if (chunk.lines === undefined || chunk.firstSeq > nextSeq) break;
      const rows = chunk.lines.split("\n").slice(nextSeq - chunk.firstSeq, chunk.nRows);
      for (const row of rows) {
        nBytes += utf8Length(row) + 1;
        if (nBytes > maxBytes) return { nRows, lines };
        lines += `${row}\n`;
        nRows += 1;
      }
      nextSeq = chunk.firstSeq + chunk.nRows;
    }
    return { nRows, lines };
  }

  /** Lets go of the chunks that start before `seq`. */
  dropBefore(seq: number): void {
    const nDropped = this.#chunks.findIndex((chunk) => chunk.firstSeq >= seq);
    this.#drop(0, nDropped < 0 ? this.#chunks.length : nDropped);
  }

  /** Lets go of the oldest chunks after `seq`, of some `nRows` rows; says how many rows there were. */
  dropAfter(seq: number, nRows: number): number {
    const from = this.#chunks.findIndex((chunk) => chunk.firstSeq > seq);
    const before = this.#chunks[from - 1];
    // Rows of one chunk are under way in part, and it cannot go.
    if (from < 0 || (before && before.firstSeq + before.nRows - 1 > seq)) return 0;
    let to = from;
    let nDropped = 0;
    for (; to < this.#chunks.length && nDropped < nRows; to++) nDropped += this.#chunks[to]!.nRows;
    this.#drop(from, to);
    return nDropped;
  }

  #drop(from: number, to: number): void {
    const dropped = this.#chunks.splice(from, to - from);
    const [first] = dropped;
    if (!first) return;
    const endSeq = this.#chunks[from]?.firstSeq;
    for (const chunk of dropped) {
      this.#uncache(chunk);
      chunk.isDropped = true;
      if (!chunk.isSaved) this.#nVolatile -= chunk.nRows;
    }
    if (this.#unsaved.length > 0) this.#unsaved = this.#unsaved.filter((chunk) => !chunk.isDropped);
    const db = openedDb();
    if (!db) return;
    try {
      const tx = db.transaction(STORES.chunks, "readwrite", { durability: "relaxed" });
      tx.objectStore(STORES.chunks).delete(keyRange(this.writer, from === 0 ? 0 : first.firstSeq, endSeq));
      tx.commit?.();
      // Where this is lost the rows are sent again, and are known.
      done(tx).catch(() => undefined);
    } catch {
      // The connection is being closed, and `#saveAgain` follows.
    }
  }

  /** Ends: every row was dealt with, or is somebody else's now. */
  close(): void {
    this.#stopWatching();
    clearTimeout(this.#retry);
    clearTimeout(this.#impatient);
  }

  /** Leaves what IndexedDB does not have yet where a page that goes can still leave something; false where it cannot. */
  spill(): boolean {
    return spill(this.writer, this.target, this.#chunks.filter((chunk) => !chunk.isSaved));
  }
}

const encoder = new TextEncoder();

function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
