// What a soak finds: rows that are not there once, and what the page or its storage still holds in the end.

import { isDeepStrictEqual } from "node:util";

import type { Logging } from "./page.ts";
import type { Sample } from "./samples.ts";

/** A row as the server gives it, tags and system columns too. */
export type TaggedRow = Record<string, unknown>;

/** How the rows of a table differ from those that were logged. */
export interface RowCounts {
  readonly nStored: number;
  /** Numbers that are not there. */
  readonly nLost: number;
  /** Rows whose number is there before. */
  readonly nDoubled: number;
  /** Rows that stand before one that their writer logged earlier. */
  readonly nDisordered: number;
  /** Rows that have a cell that was not logged so. */
  readonly nAltered: number;
  readonly nWriters: number;
}

/** Compares a table's rows, in the table's order, with the `nLogged` rows that `logRows` logged. */
export function countRows(rows: readonly TaggedRow[], nLogged: number, logging: Logging): RowCounts {
  const seen = new Set<unknown>();
  const last = new Map<unknown, { n: number; seq: number }>();
  let [nDoubled, nDisordered, nAltered] = [0, 0, 0];
  for (const row of rows) {
    const n = row.n as number;
    const seq = Number((row._seq as { $i64: string }).$i64);
    if (seen.has(n)) nDoubled += 1;
    seen.add(n);
    const before = last.get(row._writer);
    if (before && (before.n >= n || before.seq >= seq)) nDisordered += 1;
    last.set(row._writer, { n, seq });
    if (!isAsLogged(row, logging)) nAltered += 1;
  }
  const nLost = Array.from({ length: nLogged }, (_, n) => n).filter((n) => !seen.has(n)).length;
  return { nStored: rows.length, nLost, nDoubled, nDisordered, nAltered, nWriters: last.size };
}

/** Whether a row's cells follow from its number. */
function isAsLogged(row: TaggedRow, { rowsPerNested, rowsPerPicture }: Logging): boolean {
  const { n, text, share, isThird, at, nested, picture } = row as TaggedRow & { n: number };
  const expected = {
    text: `row ${n}`,
    share: n / 7,
    isThird: n % 3 === 0,
    at: { $ts: (1_700_000_000_000 + n) * 1000 },
    nested: n % rowsPerNested === 0 ? { n, list: [n, `${n}`, null], deep: { is: true } } : null,
  };
  const url = (picture as { $media?: unknown } | null)?.$media;
  const isPictureWell = n % rowsPerPicture === 0 ? /^data:image\/png;base64,iVBOR/.test(String(url)) : picture === null;
  return isPictureWell && isDeepStrictEqual({ text, share, isThird, at, nested }, expected);
}

const KIB = 1 << 10;

/**
 * How much more than in the beginning is no leak. In half an hour 36,000 rows of about 300 bytes are logged, in as many tasks
 * and nearly as many requests: who keeps eight bytes of each is found out. Less is the engine's own, which compiles what runs
 * often, and the storage's free pages. WebAssembly never gives memory back, so it keeps the room that the longest outage took.
 */
const MEASURES = [
  ["heapBytes", "the heap of JavaScript", 256 * KIB],
  ["embedderBytes", "the heap of the browser's objects", 256 * KIB],
  ["wasmBytes", "the memory of WebAssembly", 512 * KIB],
  ["diskBytes", "the storage on the disk", 256 * KIB],
  ["nTimers", "the number of timers", 0],
  ["nListeners", "the number of listeners", 0],
  ["nLocks", "the number of locks", 0],
] as const satisfies (readonly [keyof Sample, string, number])[];

/** What the end is measured against. */
export type Beginning = Pick<Sample, (typeof MEASURES)[number][0]>;

/** The median of each measure over samples. */
export function beginning(samples: readonly Sample[]): Beginning {
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return Object.fromEntries(MEASURES.map(([key]) => [key, median(samples.map((sample) => sample[key]))])) as Beginning;
}

/** What is wrong in the end, a sentence each. */
export function faultsOf(begin: Beginning, end: Sample, rows: RowCounts): string[] {
  const faults: string[] = [];
  const check = (isWell: boolean, fault: string) => void (isWell || faults.push(fault));
  for (const [key, what, more] of MEASURES) {
    check(end[key] <= begin[key] + more, `${what} went from ${begin[key]} to ${end[key]}`);
  }
  check(begin.wasmBytes > 0, "the memory of WebAssembly was not found");
  check(end.nChunks === 0, `${end.nChunks} chunks are left in IndexedDB`);
  check(end.nQueued === 0 && end.state === "idle", `${end.nQueued} rows wait, and the table is ${end.state}`);
  check(end.nAcknowledged === end.nLogged, `${end.nAcknowledged} of ${end.nLogged} rows are acknowledged`);
  check(rows.nStored === end.nLogged, `${rows.nStored} of ${end.nLogged} rows are stored`);
  check(rows.nLost === 0, `${rows.nLost} rows are lost`);
  check(rows.nDoubled === 0, `${rows.nDoubled} rows are doubled`);
  check(rows.nDisordered === 0, `${rows.nDisordered} rows are out of order`);
  check(rows.nAltered === 0, `${rows.nAltered} rows are not as they were logged`);
  return faults;
}
