// The source of the entry `streamtable`: the WebAssembly that the script itself carries.

import deflated from "#wasm";

import { inflate } from "./inflate.js";

/** The WebAssembly's bytes. */
export function code(): Promise<ArrayBuffer> {
  return inflate(deflated);
}
