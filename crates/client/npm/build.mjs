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

/** Runs a program to its end and gives what it printed. */
function run(program, ...args) {
  const { status, error, stdout } = spawnSync(program, args, { cwd: here, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) {
    console.error(stdout);
    process.exit(status ?? 1);
  }
  return stdout;
}

/** The glue with the short names that `wasm-opt` gave to what the module takes and gives. */
function rename(text, { imports, exports }) {
  const replace = (pattern, short) => {
    if (!pattern.test(text)) throw new Error(`the glue has no ${pattern}`);
    text = text.replace(pattern, short);
  };
  for (const [, name, short] of imports) replace(new RegExp(`(?<=^ +)${name}(?=: function)`, "m"), JSON.stringify(short));
  for (const [name, short] of exports) text = text.replace(new RegExp(`(?<=\\bwasm\\.)${name}\\b`, "g"), short);
  replace(/"\.\/streamtable_bg\.js"(?=: import0)/, '"a"');
  return text;
}

// What every engine has had since 2021 (reference types: 2022), and the glue asks for.
const features = ["bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "reference-types", "multivalue"];
const passes = ["-Oz", "--flatten", "--rereloop", "-Oz", "--minify-imports-and-exports-and-modules"];
const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
const enable = features.map((feature) => `--enable-${feature}`);
const optimized = join(glue, "streamtable.opt.wasm");
const names = run(bin("wasm-opt"), ...passes, ...enable, ...strip, join(glue, "streamtable_bg.wasm"), "-o", optimized);

const deflated = deflateSync(readFileSync(optimized), { level: 9 });
const inlined = join(glue, "wasm.js");
writeFileSync(inlined, `export default ${JSON.stringify(deflated.toString("base64"))};\n`);
const renamed = join(glue, "streamtable.renamed.js");
writeFileSync(renamed, rename(readFileSync(join(glue, "streamtable.js"), "utf8"), JSON.parse(names)));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: here,
  alias: { "#glue": renamed, "#wasm": inlined },
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

// The map names the files by where they stand in the package's own folder, and leaves the bytes out.
const mapFile = join(out, "index.js.map");
const map = JSON.parse(readFileSync(mapFile, "utf8"));
const isBytes = map.sources.map((source) => source.endsWith("/wasm.js"));
map.sources = map.sources.map((source) => source.replace(/^.*\/(?=(src|glue)\/)/, ""));
map.sourcesContent = map.sourcesContent.map((content, idx) => (isBytes[idx] ? null : content));
writeFileSync(mapFile, JSON.stringify(map));

run(bin("tsc"), "-p", ".", "--outDir", join(out, "types"));
writeFileSync(join(out, "index.d.ts"), 'export * from "./types/index.js";\n');

cpSync(join(here, "README.md"), join(out, "README.md"));
for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) cpSync(join(root, name), join(out, name));

// Last of all: whoever asks whether the package is there asks for this file.
const { scripts, devDependencies, ...manifest } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
