// Builds the script by which the board reads the tables of this browser: `node build_board.mjs OUT_FILE`.
// Called by `cargo xtask demo`.

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

await build({
  absWorkingDir: dirname(fileURLToPath(import.meta.url)),
  bundle: true,
  entryPoints: ["src/browser_tables.ts"],
  // The board's worker begins as a classic script, and so imports no module before it runs.
  format: "iife",
  globalName: "browserTables",
  minify: true,
  outfile: process.argv[2],
  target: "es2022",
});
