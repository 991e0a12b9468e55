// The entry `streamtable/slim`: the same class without the WebAssembly, which the page hands over.

import { startCore } from "./core.js";
import { give } from "./given.js";

export * from "./index.js";

/** Where `streamtable/streamtable.wasm` is, or what is in it. */
export type WasmSource = string | URL | Request | Response | BufferSource | WebAssembly.Module;

/**
 * Hands over the WebAssembly, `streamtable/streamtable.wasm`, and starts it. Every page that uses this entry must call it
 * once; rows that are logged before that are kept. Settles when the WebAssembly runs. After a failure it may be called
 * again; once the WebAssembly runs, a call changes nothing.
 *
 * @example
 * import { start, StreamTable } from "streamtable/slim";
 * start("/assets/streamtable.wasm");
 *
 * @throws {StreamTableError} `wasm_unavailable` when it cannot be fetched, `wasm_blocked` when it may not run,
 * `bad_argument` when it is none of the things that it can be. Tables tell it too, so that the promise may be left alone.
 */
export function start(source: WasmSource | PromiseLike<WasmSource>): Promise<void> {
  give(source);
  const running = startCore().then(() => undefined);
  running.catch(() => undefined);
  return running;
}
