// The WebAssembly and its glue, made small.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import zopfli from "@gfx/zopfli";

import { run } from "./run.mjs";

// What every engine has had since 2021 (reference types: 2022), and the glue asks for.
const FEATURES = ["bulk-memory", "sign-ext", "mutable-globals", "nontrapping-float-to-int", "reference-types", "multivalue"];
const PASSES = ["-Oz", "--flatten", "--rereloop", "-Oz", "--minify-imports-and-exports-and-modules"];
const STRIP = ["--strip-debug", "--strip-producers", "--strip-target-features"];

/**
 * Optimises what wasm-bindgen wrote into the folder `glue` for the module `name`. Gives the files that were made: the module
 * `wasm`, the module `inlined` as a script that exports it as text, and the `script` around it.
 */
export async function shrink(glue, name) {
  const wasm = join(glue, `${name}.opt.wasm`);
  const enable = FEATURES.map((feature) => `--enable-${feature}`);
  const names = run("wasm-opt", ...PASSES, ...enable, ...STRIP, join(glue, `${name}_bg.wasm`), "-o", wasm);

  // A page's gzip undoes base64 but for a hundredth; text of more than 64 signs comes out larger, and bytes are not safe
  // from a bundler that escapes them. Zopfli is 6 % ahead of zlib.
  const deflated = await zopfli.zlibAsync(readFileSync(wasm), { numiterations: 30 });
  const inlined = join(glue, "wasm.js");
  writeFileSync(inlined, `export default ${JSON.stringify(Buffer.from(deflated).toString("base64"))};\n`);

  const script = join(glue, "glue.js");
  writeFileSync(script, rename(trim(readFileSync(join(glue, `${name}.js`), "utf8")), JSON.parse(names)));
  return { wasm, inlined, script };
}

/** What the glue does for engines and callers that this package does not have. */
const UNUSED = [
  // Its loader, which fetches and guesses; in its place stands `LOADER`.
  /^let wasmModule, wasmInstance, wasm;\n[^]*/m,
  /^if \(Symbol\.dispose\) .*\n/gm,
  /\(typeof FinalizationRegistry === 'undefined'\)\n    \? \{ register: \(\) => \{\}, unregister: \(\) => \{\} \}\n    : /g,
  /^if \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[^]*?^\}\n/m,
];

const LOADER = `let wasm;
export default async function init(code) {
    const made = await WebAssembly.instantiate(code, __wbg_get_imports());
    wasm = (made.instance ?? made).exports;
    wasm.__wbindgen_start();
}
`;

function trim(text) {
  if (!UNUSED[0].test(text)) throw new Error("the glue has no loader where it used to be");
  for (const pattern of UNUSED) text = text.replace(pattern, "");
  return text + LOADER;
}

/** The glue with the short names that `wasm-opt` gave to what the module takes and gives. */
function rename(text, { imports, exports }) {
  const replace = (pattern, short) => {
    if (!pattern.test(text)) throw new Error(`the glue has no ${pattern}`);
    text = text.replace(pattern, short);
  };
  for (const [, name, short] of imports) replace(new RegExp(`(?<=^ +)${name}(?=: function)`, "m"), JSON.stringify(short));
  for (const [name, short] of exports) text = text.replace(new RegExp(`(?<=\\bwasm\\.)${name}\\b`, "g"), short);
  replace(/"\.\/\w+_bg\.js"(?=: import0)/, '"a"');
  return text;
}
