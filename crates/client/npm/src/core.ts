// Starts the WebAssembly half, once and when it is first needed.

import init, { Client } from "#glue";
import wasm from "#wasm";

import { describe, StreamTableError } from "./errors.js";
import { fromBase64 } from "./media.js";

let started: Promise<typeof Client> | undefined;

/**
 * The class that the WebAssembly half exports.
 *
 * @throws {StreamTableError} `wasm_blocked` where the platform or the page's policy does not let it run.
 */
export function startCore(): Promise<typeof Client> {
  started ??= start().catch((error: unknown) => {
    const hint = "a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src";
    const message = `the WebAssembly of StreamTable cannot run here (${hint}): ${describe(error)}`;
    throw new StreamTableError("wasm_blocked", message, { cause: error });
  });
  return started;
}

async function start(): Promise<typeof Client> {
  const deflated = new Blob([fromBase64(wasm) as Uint8Array<ArrayBuffer>]).stream();
  const inflated = deflated.pipeThrough(new DecompressionStream("deflate"));
  await init({ module_or_path: await new Response(inflated).arrayBuffer() });
  return Client;
}
