// How a page is doing at a moment.

import { lookAtPage, lookAtStorage, type PageSample, type StorageSample } from "./page.ts";
import type { UnwatchedPage } from "./unwatched.ts";

/** What is measured at a moment, when the garbage has been collected. */
export interface Sample extends Omit<PageSample, "status">, StorageSample {
  /** Since the first row. */
  readonly seconds: number;
  readonly state: string;
  readonly nQueued: number;
  readonly nAcknowledged: number;
  /** What JavaScript holds. */
  readonly heapBytes: number;
  /** What is held of the browser's own objects: requests, transactions, signals, blobs. */
  readonly embedderBytes: number;
  /** Listeners of the page's objects, of requests under way too. */
  readonly nListeners: number;
}

/** Measures a page. Its storage is looked at from `other`, a page of the same origin, so that looking weighs nothing. */
export async function sample(page: UnwatchedPage, other: UnwatchedPage, began: number): Promise<Sample> {
  const storage = await other.run(lookAtStorage);
  // The second takes what the first has let go of.
  for (let i = 0; i < 2; i++) await page.call("HeapProfiler.collectGarbage");
  const { usedSize, embedderHeapUsedSize } = await page.call("Runtime.getHeapUsage");
  const { jsEventListeners } = await page.call("Memory.getDOMCounters");
  const { status, ...counts } = await page.run(lookAtPage);
  return {
    seconds: Math.round((performance.now() - began) / 1000),
    state: status.state,
    ...counts,
    nAcknowledged: status.acknowledged,
    nQueued: status.queued,
    ...storage,
    heapBytes: usedSize,
    embedderBytes: embedderHeapUsedSize,
    nListeners: jsEventListeners,
  };
}

const COLUMNS: readonly [title: string, cell: (sample: Sample) => string | number][] = [
  ["s", ({ seconds }) => seconds],
  ["state", ({ state }) => state],
  ["logged", ({ nLogged }) => nLogged],
  ["acked", ({ nAcknowledged }) => nAcknowledged],
  ["queued", ({ nQueued }) => nQueued],
  ["chunks", ({ nChunks }) => nChunks],
  ["disk KB", ({ diskBytes }) => kb(diskBytes)],
  ["heap KB", ({ heapBytes }) => kb(heapBytes)],
  ["embedder KB", ({ embedderBytes }) => kb(embedderBytes)],
  ["wasm KB", ({ wasmBytes }) => kb(wasmBytes)],
  ["timers", ({ nTimers }) => nTimers],
  ["listeners", ({ nListeners }) => nListeners],
  ["locks", ({ nLocks }) => nLocks],
];

/** The head of a table of samples. */
export const HEAD = line(COLUMNS.map(([title]) => title));

/** A sample as a line of that table. */
export function shown(sample: Sample): string {
  return line(COLUMNS.map(([, cell]) => cell(sample)));
}

function line(cells: readonly (string | number)[]): string {
  return cells.map((cell, idx) => String(cell).padStart(Math.max(COLUMNS[idx]![0].length, 8))).join("  ");
}

function kb(n_bytes: number): string {
  return (n_bytes / 1024).toFixed(0);
}
