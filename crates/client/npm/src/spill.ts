// The last resort of a page that goes before IndexedDB has opened: localStorage, which is written at once. The next page
// moves what it finds there to IndexedDB.

import { formatChunk, formatKey, formatOldChunk, formatTarget, parseKey, type StoredChunk, type Target } from "./chunk.js";
import { done, openDb, STORES } from "./db.js";
import type { Chunk } from "./outbox.js";

const PREFIX = "streamtable/";
const KEY = /^streamtable\/[0-9a-f]{32}(\/\d+){3}$/;

/** Leaves chunks behind; false where that is refused, or there is no such storage. */
export function spill(writer: string, target: Target, chunks: readonly Chunk[]): boolean {
  try {
    for (const { firstSeq, nRows, nBytes, lines } of chunks) {
      if (lines === undefined) continue;
      const key = formatKey({ writer, firstSeq, nRows, nBytes });
      localStorage.setItem(PREFIX + key, formatChunk(Date.now(), formatTarget(target), lines));
    }
    return true;
  } catch {
    return false;
  }
}

/** The writers that have left something. */
export function spilledWriters(): Set<string> {
  return new Set(keys().map((key) => key.split("/")[1]!));
}

function keys(): string[] {
  try {
    return Object.keys(localStorage).filter((key) => KEY.test(key));
  } catch {
    return [];
  }
}

/** Moves what a writer left to IndexedDB. */
export async function unspill(writer: string): Promise<void> {
  const own = keys().filter((key) => key.startsWith(`${PREFIX}${writer}/`));
  if (own.length === 0) return;
  const tx = (await openDb()).transaction(STORES.chunks, "readwrite");
  for (const key of own) {
    const stored = localStorage.getItem(key)!;
    // Older versions left objects, under keys whose seqs are not padded.
    const text = stored.startsWith("{") ? formatOldChunk(JSON.parse(stored) as StoredChunk) : stored;
    tx.objectStore(STORES.chunks).put(text, formatKey(parseKey(key.slice(PREFIX.length))));
  }
  tx.commit?.();
  await done(tx);
  forgetSpilled(writer);
}

/** Forgets what a writer left, which is stored elsewhere. */
export function forgetSpilled(writer: string): void {
  for (const key of keys()) if (key.startsWith(`${PREFIX}${writer}/`)) localStorage.removeItem(key);
}
