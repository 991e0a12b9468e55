// Starts the board's worker: its glue is a classic script, its wasm stands beside it.
importScripts("/worker.js");
wasm_bindgen({ module_or_path: "/worker_bg.wasm" }).catch((error) => {
  // The page is not told of a rejection, only of an error.
  setTimeout(() => {
    throw error;
  });
});
