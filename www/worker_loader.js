// Starts the board's worker: its glue is a classic script, its wasm stands beside it. It reads the tables of this browser by
// a script that the page has, too.
importScripts("/browser_tables.js", "/worker.js");
wasm_bindgen({ module_or_path: "/worker_bg.wasm" }).catch((error) => {
  // The page is not told of a rejection, only of an error.
  setTimeout(() => {
    throw error;
  });
});
