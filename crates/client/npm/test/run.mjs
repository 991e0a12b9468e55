// Bundles the tests with the TypeScript they test and the WebAssembly as it was built, and runs them: `npm test`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
/** What `cargo xtask npm` made on its way. */
const glue = process.env.STREAMTABLE_GLUE ?? join(here, "../../../../target/npm/glue");
const outdir = mkdtempSync(join(tmpdir(), "streamtable-test-"));
const tests = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await build({
  alias: {
    "#filter": join(glue, "filter/glue.js"),
    "#filter-wasm": join(glue, "filter/wasm.js"),
    "#glue": join(glue, "glue.js"),
    "#source": join(here, "../src/inlined.ts"),
    "#wasm": join(glue, "wasm.js"),
  },
  bundle: true,
  entryPoints: tests.map((name) => join(here, name)),
  format: "esm",
  outdir,
  outExtension: { ".js": ".mjs" },
  platform: "node",
  sourcemap: "inline",
  target: "node20",
});
const files = tests.map((name) => join(outdir, name.replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" });
rmSync(outdir, { recursive: true, force: true });
process.exit(status ?? 1);
