// What runs in the pages: rows at a steady rate, and counts of what a leak would hold. Each function is carried into a page
// by its text and uses nothing from around it.

import type * as Package from "../../crates/client/npm/src/index.ts";

/** Which rows to log, and where to. */
export interface Logging {
  readonly table: string;
  readonly server: string;
  readonly rowsPerSecond: number;
  /** One in so many rows has a picture. */
  readonly rowsPerPicture: number;
  /** One in so many rows has a nested object. */
  readonly rowsPerNested: number;
}

// What a page has that logs.
declare global {
  /** The class of the npm package. */
  var StreamTable: typeof Package.StreamTable;
  var soak: {
    /** The timers that are still to fire. */
    timers: Set<number>;
    memories: WebAssembly.Memory[];
    /** The browser's own timer, which is not counted. */
    every: typeof setInterval;
    nLogged: number;
    table: Package.StreamTable;
    /** What the package told that went wrong. */
    errors: { code: string; isRetried: boolean }[];
    stop: () => void;
  };
}

/** Runs before the page's own scripts: counts timers, and keeps the memories of WebAssembly at hand. */
export function instrument(): void {
  const { setTimeout: after, setInterval: every, clearTimeout: clear } = window;
  const timers = new Set<number>();
  const counted = (id: number) => (timers.add(id), id);
  const cleared = (id?: number) => (timers.delete(id!), clear(id));
  const once = (f: () => void, millis?: number) => {
    const id = after(() => (timers.delete(id), f()), millis);
    return counted(id);
  };
  const memories: WebAssembly.Memory[] = [];
  const instantiate: (...args: unknown[]) => Promise<unknown> = WebAssembly.instantiate as never;
  const instantiated = async (...args: unknown[]) => {
    const made = await instantiate(...args);
    // Of bytes it makes a module and its instance, of a module the instance.
    const { instance = made } = made as { instance?: unknown };
    const { exports } = instance as WebAssembly.Instance;
    memories.push(...Object.values(exports).filter((given) => given instanceof WebAssembly.Memory));
    return made;
  };
  Object.assign(WebAssembly, { instantiate: instantiated });
  Object.assign(window, {
    setTimeout: once,
    setInterval: (f: () => void, millis?: number) => counted(every(f, millis)),
    clearTimeout: cleared,
    clearInterval: cleared,
    soak: { timers, memories, every: every.bind(window), nLogged: 0, errors: [] },
  });
}

/** Logs rows, as many as the clock says are due, until `soak.stop` is called. */
export async function logRows({ table, server, rowsPerSecond, rowsPerPicture, rowsPerNested }: Logging): Promise<void> {
  Object.assign(globalThis, await import(new URL("/streamtable/index.js", location.href).href));
  soak.table = new StreamTable(table, { server });
  soak.table.on("error", ({ code, isRetried }) => soak.errors.push({ code, isRetried }));

  const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
  const context = canvas.getContext("2d")!;
  const png = Uint8Array.from(atob(canvas.toDataURL().split(",")[1]!), (char) => char.charCodeAt(0));
  // A canvas is copied during the call; a blob is read after it, and the rows behind it wait.
  const picture = (n: number) => {
    if ((n / rowsPerPicture) % 2 === 1) return new Blob([png], { type: "image/png" });
    context.fillStyle = `hsl(${n % 360} 80% 50%)`;
    context.fillRect(n % 16, 0, 4, 16);
    return canvas;
  };
  const row = (n: number) => ({
    n,
    text: `row ${n}`,
    share: n / 7,
    isThird: n % 3 === 0,
    at: new Date(1_700_000_000_000 + n),
    ...(n % rowsPerNested === 0 && { nested: { n, list: [n, `${n}`, null], deep: { is: true } } }),
    ...(n % rowsPerPicture === 0 && { picture: picture(n) }),
  });

  const began = performance.now();
  const logDue = () => {
    const nDue = ((performance.now() - began) / 1000) * rowsPerSecond;
    while (soak.nLogged < nDue) soak.table.log(row(soak.nLogged++));
  };
  const timer = soak.every(logDue, 1000 / rowsPerSecond);
  soak.stop = () => clearInterval(timer);
}

/** How a page that logs is doing. */
export interface PageSample {
  readonly nLogged: number;
  readonly status: Package.Status;
  readonly nTimers: number;
  /** The size of the memory of WebAssembly. */
  readonly wasmBytes: number;
}

/** Looks at the page it runs in. */
export function lookAtPage(): PageSample {
  const { nLogged, table, timers, memories } = soak;
  const wasmBytes = memories.reduce((n, memory) => n + memory.buffer.byteLength, 0);
  return { nLogged, status: table.status, nTimers: timers.size, wasmBytes };
}

/** How the storage of an origin is doing. */
export interface StorageSample {
  /** Chunks of rows that wait in IndexedDB. */
  readonly nChunks: number;
  /** What the origin stores, by the browser's estimate. */
  readonly diskBytes: number;
  /** Locks that are held or waited for. */
  readonly nLocks: number;
}

/** Looks at the storage of the origin of the page it runs in. */
export async function lookAtStorage(): Promise<StorageSample> {
  const settled = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const { usage = 0 } = await navigator.storage.estimate();
  const { held = [], pending = [] } = await navigator.locks.query();
  let nChunks = 0;
  // To open what is not there would make it.
  if ((await indexedDB.databases()).some(({ name }) => name === "streamtable")) {
    const db = await settled(indexedDB.open("streamtable"));
    nChunks = await settled(db.transaction("chunks").objectStore("chunks").count());
    db.close();
  }
  return { nChunks, diskBytes: usage, nLocks: held.length + pending.length };
}
