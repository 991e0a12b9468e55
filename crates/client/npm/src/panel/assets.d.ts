// What the build takes from the built board. It puts it in place of `#panel-assets`.

/** The board's WebAssembly, deflated (zlib), in base64. */
export const boardWasm: string;
/** The worker's, likewise. */
export const workerWasm: string;
/** The classic scripts of the worker, one after the other. */
export const workerScripts: string;
/** The board's styles. */
export const styles: string;
