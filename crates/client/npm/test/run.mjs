// Bundles the tests with the TypeScript they test, and runs them: `npm test`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = mkdtempSync(join(tmpdir(), "streamtable-test-"));
const tests = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await build({
  alias: { "#glue": join(here, "fake_glue.ts"), "#wasm": join(here, "fake_wasm.ts") },
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
