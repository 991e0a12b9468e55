// What the slim entry's types allow and forbid. It is checked, never run.

import { start, StreamTable, StreamTableError, type WasmSource } from "streamtable/slim";

export async function allowed(module: WebAssembly.Module, source: WasmSource): Promise<void> {
  const started: Promise<void> = start("/streamtable.wasm");
  start(new URL("https://example.org/streamtable.wasm"));
  start(fetch("/streamtable.wasm"));
  start(new Uint8Array(8));
  start(Promise.resolve(new ArrayBuffer(8)));
  start(module);
  start(source);
  new StreamTable("t").log({ n: 1 });
  await started.catch((error: unknown) => error instanceof StreamTableError && error.code === "wasm_missing");
}

export function forbidden(): void {
  // @ts-expect-error: the WebAssembly must be given.
  start();
  // @ts-expect-error: and not be missing.
  start(undefined);
}
