// The source of the entry `streamtable/slim`: the WebAssembly that the page hands over.

import type { Code } from "#source";

import { describe, StreamTableError } from "./errors.js";
import type { WasmSource } from "./slim.js";

/** How long the first table waits for it, in milliseconds. */
const PATIENCE_MILLIS = 5000;

let given: WasmSource | PromiseLike<WasmSource> | undefined;
let wake: (() => void) | undefined;

/** Takes the WebAssembly, in place of what was given before. */
export function give(source: WasmSource | PromiseLike<WasmSource>): void {
  given = source;
  wake?.();
}

/**
 * The WebAssembly that was given, which is waited for.
 *
 * @throws {StreamTableError} `wasm_missing` when none was given for long, `wasm_unavailable` when it cannot be fetched,
 * `bad_argument` when it is none of the things that it can be.
 */
export async function code(): Promise<Code> {
  if (given === undefined) await arrival();
  if (given === undefined) {
    const message = "streamtable/slim has no WebAssembly: call start() with the address or the bytes of streamtable/streamtable.wasm";
    throw new StreamTableError("wasm_missing", message);
  }
  const code = await load(given).catch((cause: unknown) => {
    const message = `the WebAssembly of StreamTable could not be fetched: ${describe(cause)}`;
    throw new StreamTableError("wasm_unavailable", message, { cause });
  });
  if (typeof code === "object" && code !== null) return code;
  const message = "start() takes the address, the response, the bytes or the module of streamtable/streamtable.wasm";
  throw new StreamTableError("bad_argument", message);
}

/** Settles when something is given, or was not for long. */
function arrival(): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MILLIS);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function load(from: WasmSource | PromiseLike<WasmSource>): Promise<Code> {
  let source = await from;
  if (typeof source === "string" || source instanceof URL || source instanceof Request) source = await fetch(source);
  if (!(source instanceof Response)) return source;
  if (!source.ok) throw new Error(`the server answered with status ${source.status}`);
  return source.arrayBuffer();
}
