// The source under the condition `edge-light`: as for workerd, but there a module is asked for by `?module`.

import module from "./streamtable.wasm?module";

/** The module. */
export function code(): WebAssembly.Module {
  return module;
}
