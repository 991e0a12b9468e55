// The package's wasm file as platforms give it that compile their code before it runs.

declare module "*/streamtable.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*/streamtable.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
