// The WebAssembly module, deflated (zlib), in base64. The build puts it in place of `#wasm`.

declare const base64: string;
export default base64;
