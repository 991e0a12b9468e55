// The source under the condition `workerd`: bytes cannot be compiled there, so the module is imported.

import module from "./streamtable.wasm";

/** The module. */
export function code(): WebAssembly.Module {
  return module;
}
