// Rows that pages left behind: whoever finds them delivers them in the writer's name, and forgets the writer then.

import { type ChunkKey, keyRange, parseChunk, parseKey, type StoredChunk, type Target } from "./chunk.js";
import { startCore } from "./core.js";
import { ask, hasDb, STORES } from "./db.js";
import { destinationOf, type OnError } from "./destination.js";
import { StreamTableError } from "./errors.js";
import { hasLocks, type Hold, holdWriter, isOld } from "./locks.js";
import { Outbox } from "./outbox.js";
import { watchPage } from "./page.js";
import { Sender } from "./sender.js";
import { spilledWriters, unspill } from "./spill.js";

/** How often a page looks for rows that another left while this one was open, in milliseconds. */
const SCAN_MILLIS = 8000;
/** Rows that waited for longer are given up, in milliseconds. */
const MAX_AGE_MILLIS = 30 * 24 * 3_600_000;
/** A clock that shows less was never set: 2024-01-01. */
const MIN_TIME = 1_704_067_200_000;
/** How many writers' rows are sent to one server at a time. */
const MAX_ADOPTIONS = 2;

/** What is told of rows that were left behind. */
export interface AdoptEvents {
  /** The table whose rows are meant. */
  readonly target: Target;
  /** Rows are stored. */
  onRecovered(nRows: number): void;
  onError: OnError;
}

interface Adoption {
  readonly server: string | null;
  readonly sender: Sender;
  end(): void;
}

const listeners = new Set<AdoptEvents>();
const adoptions = new Map<string, Adoption>();
/** The writers of this page. */
const own = new Set<string>();
/** Those whose key the server does not take. They wait for another page, so that they keep nobody else's rows waiting. */
const locked = new Set<string>();
let timer: ReturnType<typeof setInterval> | undefined;
let stopWatching: (() => void) | undefined;
let isScanning = false;
let isScanDue = false;

/** Takes care of what other pages left, now and from time to time, until the function it returns is called. */
export function startAdopting(events: AdoptEvents): () => void {
  listeners.add(events);
  // It may have come with a key that is taken.
  locked.clear();
  if (hasDb() && timer === undefined) {
    timer = setInterval(adoptOrphans, SCAN_MILLIS);
    // A page that is frozen can send nothing, and its locks would keep others from it.
    stopWatching = watchPage({ onLeave: (_, isGoing) => (isGoing && stopAll(), 0), onReturn: adoptOrphans, onHint: hint });
    adoptOrphans();
    // The page that was here before may not quite be gone.
    setTimeout(adoptOrphans, 1000);
  }
  return () => {
    listeners.delete(events);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    stopWatching?.();
    stopAll();
  };
}

function stopAll(): void {
  for (const { end } of [...adoptions.values()]) end();
}

/** Leaves the rows of a writer of this page to it. */
export function keepOwn(writer: string): void {
  own.add(writer);
}

function hint(): void {
  for (const { sender } of adoptions.values()) sender.hint();
  adoptOrphans();
}

/** Looks for rows that were left behind. */
export function adoptOrphans(): void {
  if (timer === undefined) return;
  isScanDue = true;
  if (isScanning) return;
  isScanning = true;
  // What cannot be looked at now is looked at again.
  scan().catch(() => undefined).finally(() => {
    isScanning = false;
    if (isScanDue) adoptOrphans();
  });
}

async function scan(): Promise<void> {
  isScanDue = false;
  for (const writer of new Set([...(await storedWriters()), ...spilledWriters()])) {
    // What is wrong with one writer's rows is no other's fault, and may pass.
    if (!own.has(writer) && !locked.has(writer) && !adoptions.has(writer)) await adopt(writer).catch(() => undefined);
  }
}

/** The writers of all chunks; each is looked up once, however many chunks it has. */
async function storedWriters(): Promise<string[]> {
  const writers: string[] = [];
  let after = "";
  for (;;) {
    const [[key]] = await ask<[IDBValidKey[]]>(STORES.chunks, (store) => [store.getAllKeys(IDBKeyRange.lowerBound(after), 1)]);
    if (key === undefined) return writers;
    const { writer } = parseKey(key as string);
    writers.push(writer);
    after = keyRange(writer).upper as string;
  }
}

async function adopt(writer: string): Promise<void> {
  const hold = hasLocks() ? await holdWriter(writer, { ifAvailable: true }) : ({ release: () => undefined } as Hold);
  if (!hold) return;
  try {
    await unspill(writer);
    const [keys, first] = await left(writer);
    const isBusy = [...adoptions.values()].filter(({ server }) => server === first?.server).length >= MAX_ADOPTIONS;
    if (!first || isBusy || (!hasLocks() && !isOld(first.at))) return hold.release();
    await deliver(writer, first, keys, hold);
  } catch (error) {
    hold.release();
    throw error;
  }
}

/** The keys of a writer's chunks, and the first chunk. */
async function left(writer: string): Promise<[ChunkKey[], StoredChunk | undefined]> {
  const range = keyRange(writer);
  const [keys, first] = await ask<[IDBValidKey[], string | undefined]>(STORES.chunks, (store) => [store.getAllKeys(range), store.get(range)]);
  return [(keys as string[]).map(parseKey), first === undefined ? undefined : parseChunk(first)];
}

/** Whether rows stored at that time wait for too long. A clock that was never set says nothing. */
function isTooOld(at: number): boolean {
  return at > MIN_TIME && Date.now() - at > MAX_AGE_MILLIS;
}

/** Tells those whose table it is; where nobody asked for that table on this page, the console. */
function tell({ table, server }: Target, f: (events: AdoptEvents) => void, error?: StreamTableError): void {
  const concerned = [...listeners].filter(({ target }) => target.table === table && target.server === server);
  concerned.forEach(f);
  if (error && concerned.length === 0) console.warn(`StreamTable ${table}, rows of an earlier visit: ${error.message}`);
}

async function deliver(writer: string, { table, server, key, at }: StoredChunk, keys: readonly ChunkKey[], hold: Hold): Promise<void> {
  const { Delivery } = await startCore();
  // The last table of this page may be finished meanwhile. Others come with what these rows need: a key, perhaps.
  if (timer === undefined) return hold.release();
  // A key may have been changed for another since.
  const now = [...listeners].find(({ target }) => target.table === table && target.server === server);
  const target = { table, server, key: now?.target.key ?? key };
  const outbox = new Outbox(writer, target, { onReady: () => undefined, onStorage: () => undefined });
  outbox.adopt(keys);
  const machine = new Delivery(10_000, 1 << 20, 0, 30_000);
  machine.finish();
  let nStored = 0;
  const end = () => {
    if (!adoptions.delete(writer)) return;
    sender.stop();
    outbox.close();
    machine.free();
    hold.release();
  };
  const fail = (error: StreamTableError, isNews: boolean) => {
    tell(target, (events) => events.onError(error, isNews), isNews ? error : undefined);
  };
  const giveUp = () => {
    const nRows = machine.nQueued;
    outbox.dropBefore(Infinity);
    end();
    fail(new StreamTableError("expired", `${nRows} rows of an earlier visit waited for too long and were dropped`), true);
  };
  const sender = new Sender(machine, outbox, destinationOf(target), {
    onAck: () => undefined,
    onError(error, isNews) {
      fail(error, isNews);
      // After this turn: the sender has not done with it yet.
      if (error.isRetried && isTooOld(at)) queueMicrotask(giveUp);
      else if (error.code.startsWith("key_")) {
        locked.add(writer);
        queueMicrotask(end);
      }
    },
    // Another page delivered them.
    onGone: () => undefined,
    onChange() {
      const nNew = machine.nAcknowledged - nStored;
      nStored += nNew;
      if (nNew > 0) tell(target, (events) => events.onRecovered(nNew));
    },
    onFinished() {
      end();
      adoptOrphans();
    },
  });
  adoptions.set(writer, { server, sender, end });
  // Its page came back for it.
  hold.stolen?.then(end);
  sender.wake();
}
