// The glue that wasm-bindgen writes for the board, as a function of the window that it draws in and of what the board finds
// there as `streamTableHost`. The build puts it in place of `#panel-glue`.

import type { Host } from "./board.js";

export default function startGlue(
  frame: Window & typeof globalThis,
  host: Host,
): (source: { module_or_path: WebAssembly.Module }) => Promise<unknown>;
