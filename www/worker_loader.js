// Starts the board's worker, whose program is the page's: it finds by itself where it runs. It reads the tables of this
// browser by a script that the page has, too.
const wasm = fetch("/board_bg.wasm");
importScripts("/browser_tables.js");
import("/board.js")
  .then(({ default: start }) => start({ module_or_path: wasm }))
  .catch((error) => {
    // The page is not told of a rejection, only of an error.
    setTimeout(() => {
      throw error;
    });
  });
