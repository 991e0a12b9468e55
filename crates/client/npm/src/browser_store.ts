// The tables of this browser as IndexedDB holds them: for each a record, the last number of each of its writers, and its rows
// in chunks of JSON lines whose offsets follow each other without a gap.

import { tellTableChanged } from "./browser_news.js";
import { done, openDb, openedDb, result, STORES } from "./db.js";
import { describe, StreamTableError } from "./errors.js";
import { checkClock, nowMicros } from "./time.js";

/** The most columns of a table, as on a server. */
const MAX_COLUMNS = 4096;
/** About how much one look takes out, in UTF-16 units. */
const READ_UNITS = 1 << 20;

/** What is known of a table. Stands in `tables` under the table's full name. */
export interface TableRecord {
  /** Random, so that a table is told from one of its name that was deleted before. */
  readonly id: string;
  /** The offset the next row will have, which is how many rows there are. */
  readonly nextOffset: number;
  /** The size of the rows as JSON, in UTF-16 units: bytes, as far as they are ASCII. */
  readonly nBytes: number;
  /** When the first row came, in microseconds since 1970-01-01T00:00:00Z. */
  readonly created: number;
  /** When the last row came, in the same unit. */
  readonly lastReceived: number;
  /** The names of the columns, in the order in which rows brought them. */
  readonly columns: readonly string[];
}

/** Rows that came together. Stands in `rows` under the table's full name and the first row's offset. */
export interface StoredChunk {
  /** The rows' JSON, each with its line end. */
  readonly lines: string;
  readonly nRows: number;
  /** Who logged them: 32 hexadecimal digits. */
  readonly writer: string;
  /** The writer's number of the first row; the others follow. */
  readonly firstSeq: number;
  /** When they came, in microseconds since 1970-01-01T00:00:00Z. */
  readonly received: number;
}

/** Rows and where they stand in their table. */
export interface Chunk extends StoredChunk {
  readonly firstOffset: number;
}

/** What became of an append. */
export interface Appended {
  /** The offset of the first row that was stored; where none was, the one that the next row will have. */
  readonly firstOffset: number;
  /** How many rows were stored; the others were known already. */
  readonly nStored: number;
}

/** What one look at a table finds. */
export interface Look {
  /** Undefined where there is no such table. */
  readonly record: TableRecord | undefined;
  /** Rows from the offset asked for on, as many as fit one look. */
  readonly chunks: readonly Chunk[];
}

/**
 * Stores rows of a writer at the table's end, all or none of them; settles once that is done.
 *
 * Rows at or below the last number of this writer are known and not stored again, so an append whose outcome was not heard
 * may be made again. Hence a writer's rows must come in the order of their numbers: what comes late is taken for known.
 *
 * @throws {StreamTableError} `storage_full`, `storage_unavailable` or `too_many_columns`; nothing was stored.
 */
export async function appendChunk(table: string, chunk: Omit<StoredChunk, "received">): Promise<Appended> {
  const appended = await inTransaction("readwrite", async (tables, rows) => {
    const { writer, firstSeq, nRows } = chunk;
    const [record, lastSeq = 0] = await Promise.all([
      result<TableRecord | undefined>(tables.get(table)),
      result<number | undefined>(tables.get([table, writer])),
    ]);
    const nKnown = Math.min(Math.max(lastSeq - firstSeq + 1, 0), nRows);
    const firstOffset = record?.nextOffset ?? 0;
    const nStored = nRows - nKnown;
    if (nStored === 0) return { firstOffset, nStored };
    checkClock();
    const received = nowMicros();
    const stored = withoutFirst({ ...chunk, received }, nKnown);
    rows.put(stored, [table, firstOffset]);
    tables.put(firstSeq + nRows - 1, [table, writer]);
    const grown: TableRecord = {
      id: record?.id ?? randomId(),
      nextOffset: firstOffset + nStored,
      nBytes: (record?.nBytes ?? 0) + stored.lines.length,
      created: record?.created ?? received,
      lastReceived: received,
      columns: withColumnsOf(stored.lines, record?.columns ?? []),
    };
    tables.put(grown, table);
    return { firstOffset, nStored };
  });
  if (appended.nStored > 0) tellTableChanged(table);
  return appended;
}

/** Looks at a table: what is known of it, and its rows from offset `from` on. */
export function lookAt(table: string, from = Infinity): Promise<Look> {
  return inTransaction("readonly", async (tables, rows) => {
    const record = await result<TableRecord | undefined>(tables.get(table));
    const chunks: Chunk[] = [];
    if (!record || from >= record.nextOffset) return { record, chunks };
    // The chunk that holds the row may start before it.
    const first = await result(rows.openKeyCursor(IDBKeyRange.bound([table, 0], [table, from]), "prev"));
    if (first) await gather(rows.openCursor(IDBKeyRange.bound(first.key, [table, Infinity])), from, chunks);
    return { record, chunks };
  });
}

/** Every table of this browser, by name. */
export function listRecords(): Promise<[name: string, TableRecord][]> {
  return inTransaction("readonly", async (tables) => {
    // Keys that are lists, those of writers, come after all that are texts.
    const all = IDBKeyRange.bound("", [], false, true);
    const [names, records] = await Promise.all([result(tables.getAllKeys(all)), result<TableRecord[]>(tables.getAll(all))]);
    return records.map((record, idx) => [names[idx] as string, record]);
  });
}

/** Deletes a table with its rows; one that is not there is deleted already. */
export async function deleteRecord(table: string): Promise<void> {
  await inTransaction("readwrite", async (tables, rows) => {
    const itsOwn = IDBKeyRange.bound([table], [table, []]);
    tables.delete(table);
    tables.delete(itsOwn);
    rows.delete(itsOwn);
  });
  tellTableChanged(table);
}

/** A chunk without its first rows. */
export function withoutFirst<C extends StoredChunk>(chunk: C, nSkip: number): C {
  if (nSkip === 0) return chunk;
  let at = 0;
  for (let n = 0; n < nSkip; n++) at = chunk.lines.indexOf("\n", at) + 1;
  return { ...chunk, lines: chunk.lines.slice(at), nRows: chunk.nRows - nSkip, firstSeq: chunk.firstSeq + nSkip };
}

/** Puts chunks into `chunks`, without the rows before `from`, until they are enough for one look. */
function gather(request: IDBRequest<IDBCursorWithValue | null>, from: number, chunks: Chunk[]): Promise<void> {
  let nUnits = 0;
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve();
      const start = (cursor.key as [string, number])[1];
      const nSkip = Math.max(from - start, 0);
      const chunk = withoutFirst(cursor.value as StoredChunk, nSkip);
      chunks.push({ ...chunk, firstOffset: start + nSkip });
      nUnits += chunk.lines.length;
      if (nUnits < READ_UNITS) cursor.continue();
      else resolve();
    };
  });
}

/** The columns with those that are new in these lines after them. */
function withColumnsOf(lines: string, known: readonly string[]): readonly string[] {
  const columns = new Set(known);
  const rows = JSON.parse(`[${lines.slice(0, -1).replaceAll("\n", ",")}]`) as object[];
  for (const row of rows) for (const column of Object.keys(row)) columns.add(column);
  if (columns.size > MAX_COLUMNS) {
    throw new StreamTableError("too_many_columns", `a table has at most ${MAX_COLUMNS} columns, and these rows bring more`);
  }
  return columns.size === known.length ? known : [...columns];
}

/** Does `work` in one transaction and settles with what that gave, once its changes are kept. */
async function inTransaction<T>(
  mode: IDBTransactionMode,
  work: (tables: IDBObjectStore, rows: IDBObjectStore) => Promise<T>,
): Promise<T> {
  // Where there is a connection the requests are made within the call.
  const db = openedDb() ?? (await openDb());
  let tx: IDBTransaction | undefined;
  try {
    tx = db.transaction([STORES.tables, STORES.rows], mode, { durability: "relaxed" });
    const kept = done(tx);
    // What went wrong with a request is told by it; that the transaction ended of it need not be told again.
    kept.catch(() => undefined);
    const worked = await work(tx.objectStore(STORES.tables), tx.objectStore(STORES.rows));
    await kept;
    return worked;
  } catch (error) {
    giveUp(tx);
    throw error instanceof StreamTableError ? error : toStorageError(error);
  }
}

function giveUp(tx: IDBTransaction | undefined): void {
  try {
    tx?.abort();
  } catch {
    // It ended by itself.
  }
}

function toStorageError(error: unknown): StreamTableError {
  const isFull = (error as { name?: unknown } | null)?.name === "QuotaExceededError";
  const [code, what] = isFull ? ["storage_full", "is full"] : ["storage_unavailable", "failed"];
  return new StreamTableError(code!, `the storage of this browser ${what}: ${describe(error)}`, { cause: error });
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
