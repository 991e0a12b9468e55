// What the build takes from the built board. It puts it in place of `#panel-assets`.

/** The board's WebAssembly, deflated (zlib), in base64. */
export const boardWasm: string;
/** What the board's worker loads, as a classic script that makes a global `glue`. */
export const workerScript: string;
/** The board's styles. */
export const styles: string;
