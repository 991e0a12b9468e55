// Starts the WebAssembly half, once and when it is first needed.

import init, { Delivery, Following } from "#glue";
import { code } from "#source";

import { describe, StreamTableError } from "./errors.js";

/** What the WebAssembly half exports. */
export interface Core {
  readonly Delivery: typeof Delivery;
  readonly Following: typeof Following;
}

let started: Promise<Core> | undefined;

/**
 * The machines of the WebAssembly half. After a failure the next call tries again.
 *
 * @throws {StreamTableError} `wasm_blocked` where the platform or the page's policy does not let it run; in the slim
 * entry also what `code` throws there.
 */
export function startCore(): Promise<Core> {
  started ??= start().catch((error: unknown) => {
    started = undefined;
    throw error;
  });
  return started;
}

async function start(): Promise<Core> {
  const given = await code();
  try {
    await init(given);
  } catch (error) {
    const hint = "a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src";
    const message = `the WebAssembly of StreamTable cannot run here (${hint}): ${describe(error)}`;
    throw new StreamTableError("wasm_blocked", message, { cause: error });
  }
  return { Delivery, Following };
}
