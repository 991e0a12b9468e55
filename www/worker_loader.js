// Starts the board's worker: its glue is a classic script, its wasm stands beside it. It reads the tables of this browser by
// a script that the page has, too.
const wasm = fetch("/worker_bg.wasm");
importScripts("/browser_tables.js", "/worker.js");
wasm_bindgen({ module_or_path: wasm }).catch((error) => {
  // The page is not told of a rejection, only of an error.
  setTimeout(() => {
    throw error;
  });
});
