// The database of an origin: rows that wait for a server, and the tables that live in this browser.

import { formatKey, formatOldChunk, type StoredChunk } from "./chunk.js";
import { StreamTableError } from "./errors.js";

const NAME = "streamtable";
/**
 * What each version added; whoever opens an older database brings it up to date.
 *
 * 1: `chunks`, the outbox. 2: `tables` and `rows`, the tables of this browser. 3: chunks are texts; they were objects, under
 * lists of writer, first seq, number of rows and size.
 */
const VERSION = 3;
/** A browser may leave a request to open unanswered; rows wait in memory meanwhile. */
const OPEN_TIMEOUT_MILLIS = 5000;

/** The stores and what they hold. */
export const STORES = {
  /** Rows that wait for a server: what `chunk.ts` tells of. */
  chunks: "chunks",
  /** The tables of this browser, by their full name. */
  tables: "tables",
  /** Rows of these tables, by `[full name, first offset]`. */
  rows: "rows",
} as const;

let opening: Promise<IDBDatabase> | undefined;
let current: IDBDatabase | undefined;
const closed = new Set<() => void>();

/** The connection, where there is one already. */
export function openedDb(): IDBDatabase | undefined {
  return current;
}

/**
 * The connection that all tables of a page share; made anew when the last one was lost.
 *
 * @throws {StreamTableError} `storage_unavailable` where the browser has no storage for this page, or refuses it.
 */
export function openDb(): Promise<IDBDatabase> {
  opening ??= connect().then(
    (db) => {
      current = db;
      const lose = () => {
        if (current !== db) return;
        current = undefined;
        opening = undefined;
        for (const f of [...closed]) f();
      };
      // Another page brings a newer version: it must not wait for us.
      db.onversionchange = () => {
        db.close();
        lose();
      };
      // The browser closed it: storage was cleared, or is gone.
      db.onclose = lose;
      return db;
    },
    (error: unknown) => {
      opening = undefined;
      const reason = error instanceof Error || error instanceof DOMException ? error.message : String(error);
      throw new StreamTableError("storage_unavailable", `this browser gives no storage: ${reason}`, { cause: error });
    },
  );
  return opening;
}

/** Calls `f` whenever the connection is lost; gives the function that ends that. */
export function onDbClosed(f: () => void): () => void {
  closed.add(f);
  return () => void closed.delete(f);
}

/** Whether the platform has a database at all; Node has none, and some browsers throw when asked. */
export function hasDb(): boolean {
  try {
    return typeof indexedDB === "object" && indexedDB !== null;
  } catch {
    return false;
  }
}

function connect(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    if (!hasDb()) throw new Error("there is no IndexedDB");
    const request = indexedDB.open(NAME, VERSION);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new Error("it does not answer"));
    }, OPEN_TIMEOUT_MILLIS);
    request.onupgradeneeded = ({ oldVersion }) => {
      const db = request.result;
      // Whoever opened a database of this name for another purpose may have left it without stores.
      for (const store of Object.values(STORES)) if (!db.objectStoreNames.contains(store)) db.createObjectStore(store);
      if (oldVersion > 0 && oldVersion < 3) chunksToTexts(request.transaction!.objectStore(STORES.chunks));
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      if (isLate) request.result.close();
      else resolve(request.result);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error);
    };
  });
}

/** Brings the chunks of versions 1 and 2 up to date. */
function chunksToTexts(store: IDBObjectStore): void {
  // Lists sort after all texts.
  const request = store.openCursor(IDBKeyRange.lowerBound([]));
  request.onsuccess = () => {
    const cursor = request.result;
    if (!cursor) return;
    const [writer, firstSeq, nRows, nBytes] = cursor.key as [string, number, number, number];
    store.put(formatOldChunk(cursor.value as StoredChunk), formatKey({ writer, firstSeq, nRows, nBytes }));
    cursor.delete();
    cursor.continue();
  };
}

/** The result of a request. */
export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * Asks a store for things, and settles with the answers, in their order.
 *
 * What others write waits for who reads, so the transaction ends without another word of this page, which may be busy,
 * frozen, or about to go.
 */
export async function ask<T extends readonly unknown[]>(
  store: string,
  requests: (store: IDBObjectStore) => { readonly [K in keyof T]: IDBRequest<T[K]> },
): Promise<T> {
  const tx = (await openDb()).transaction(store);
  const results = requests(tx.objectStore(store)).map(result);
  tx.commit?.();
  return Promise.all(results) as Promise<unknown> as Promise<T>;
}

/** Settles when a transaction's changes are kept; `strict` ones are then on the disk, others with the system. */
export function done(tx: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error ?? new Error("the browser gave the change up"));
  });
}
