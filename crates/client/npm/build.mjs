// Puts the package together: `node build.mjs GLUE_FOLDER OUT_FOLDER`, where GLUE_FOLDER holds what wasm-bindgen wrote.
// Called by `cargo xtask npm`.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const [glue, out] = process.argv.slice(2);
const bin = (name) => join(here, "node_modules/.bin", name);

function run(program, ...args) {
  const { status, error } = spawnSync(program, args, { cwd: here, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

// What every engine has had since 2021 (reference types: 2022), and the glue asks for.
const features = ["bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "reference-types", "multivalue"];
const optimized = join(glue, "streamtable.opt.wasm");
const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
run(bin("wasm-opt"), "-Oz", ...features.map((f) => `--enable-${f}`), ...strip, join(glue, "streamtable_bg.wasm"), "-o", optimized);

const deflated = deflateSync(readFileSync(optimized), { level: 9 });
const inlined = join(glue, "wasm.js");
writeFileSync(inlined, `export default ${JSON.stringify(deflated.toString("base64"))};\n`);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: here,
  alias: { "#glue": join(glue, "streamtable.js"), "#wasm": inlined },
  banner: { js: "/*! streamtable, MIT OR Apache-2.0 */" },
  bundle: true,
  entryPoints: ["src/index.ts"],
  format: "esm",
  legalComments: "none",
  minify: true,
  outfile: join(out, "index.js"),
  sourcemap: true,
  target: "es2022",
});

run(bin("tsc"), "-p", ".", "--outDir", join(out, "types"));
writeFileSync(join(out, "index.d.ts"), 'export * from "./types/index.js";\n');

cpSync(join(here, "README.md"), join(out, "README.md"));
for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) cpSync(join(root, name), join(out, name));

// Last of all: whoever asks whether the package is there asks for this file.
const { scripts, devDependencies, ...manifest } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
