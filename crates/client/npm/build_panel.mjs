// Adds the entry `streamtable/panel` to the built package: `node build_panel.mjs BOARD_FOLDER OUT_FOLDER`, where BOARD_FOLDER
// is what trunk built. What the board's own page serves and what the element draws with are the same bytes.
// Called by `cargo xtask npm`.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { deflateSync } from "node:zlib";

import { build, transform } from "esbuild";

import { here } from "./build/run.mjs";

const [board, out] = process.argv.slice(2);
const TARGET = "es2022";

/** A file of the board; `pattern` matches its name with the hash that the build puts there. */
function read(pattern) {
  const names = readdirSync(board).filter((name) => pattern.test(name));
  if (names.length !== 1) throw new Error(`${board} has ${names.length} files like ${pattern}: build the board anew`);
  return readFileSync(join(board, names[0]));
}

const deflated = (bytes) => deflateSync(bytes, { level: 9 }).toString("base64");

/** What the board's worker loads, as one classic script; `glue.default` starts it. */
async function workerScript() {
  const tables = read(/^browser_tables-[0-9a-f]+\.js$/).toString();
  return `${tables}\n${await classicGlue()}`;
}

/** The board's glue as a classic script. */
async function classicGlue() {
  const { code } = await transform(read(/^board-[0-9a-f]+\.js$/).toString(), {
    define: { "import.meta.url": "undefined" },
    format: "iife",
    globalName: "glue",
  });
  return code;
}

/** The styles that the board's page has, in its order. */
function styles() {
  const page = read(/^index\.html$/).toString();
  const names = [...page.matchAll(/<link rel="stylesheet" href="\/([^"]+)"/g)].map(([, name]) => name);
  // The list of tables stays behind.
  return names.filter((name) => !name.startsWith("home-")).map((name) => readFileSync(join(board, name), "utf8")).join("\n");
}

/**
 * The board's glue as a function of a window: it draws there, whichever window it runs in. What it takes from the window
 * are classes that it makes or asks after, and the window itself; all else is the same in every window.
 */
async function startGlue() {
  const code = await classicGlue();
  const ofTheLanguage = new Set(runInNewContext("Object.getOwnPropertyNames(globalThis)"));
  const classes = [...code.matchAll(/\b(?:new|instanceof) ([A-Z]\w*)/g)].map(([, name]) => name);
  const own = new Set([...code.matchAll(/\bclass ([A-Z]\w*)/g)].map(([, name]) => name));
  const ofTheWindow = [...new Set(classes)].filter((name) => !ofTheLanguage.has(name) && !own.has(name));
  const names = ["globalThis", "self", "window", ...ofTheWindow].join(", ");
  return `export default function (frame, streamTableHost) { const { ${names} } = frame; ${code}; return glue.default; }`;
}

const assets = {
  boardWasm: deflated(read(/^board-[0-9a-f]+_bg\.wasm$/)),
  workerScript: (await transform(await workerScript(), { minifySyntax: true, minifyWhitespace: true, target: TARGET })).code,
  styles: (await transform(styles(), { loader: "css", minify: true, target: TARGET })).code,
};
const generated = {
  "#panel-assets": Object.entries(assets).map(([name, text]) => `export const ${name} = ${JSON.stringify(text)};`).join("\n"),
  "#panel-glue": await startGlue(),
};

/** Gives the generated modules to the bundler. */
const generatedModules = {
  name: "generated modules",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^#panel-/ }, ({ path }) => ({ path, namespace: "generated" }));
    onLoad({ filter: /./, namespace: "generated" }, ({ path }) => ({ contents: generated[path] }));
  },
};

/** To who requires the entry, the board's half is a module all the same. */
const boardApart = {
  name: "the board apart",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/board\.js$/ }, () => ({ path: "./panel_board.js", external: true }));
  },
};

const common = {
  absWorkingDir: here,
  banner: { js: "/*! streamtable, MIT OR Apache-2.0 */" },
  bundle: true,
  legalComments: "none",
  minify: true,
  outdir: out,
  platform: "neutral",
  sourcemap: true,
  target: TARGET,
  write: false,
};
const imported = await build({
  ...common,
  chunkNames: "panel_shared",
  entryPoints: { panel: "src/panel/index.ts", panel_board: "src/panel/board.ts" },
  format: "esm",
  plugins: [generatedModules],
  splitting: true,
});
const required = await build({
  ...common,
  entryPoints: { panel: "src/panel/index.ts" },
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  plugins: [boardApart],
});

/** The map names the files by where they stand in the package's own folder, and leaves out what is not to be read. */
function cleanMap(text) {
  const map = JSON.parse(text);
  map.sourcesContent = map.sourcesContent.map((content, idx) => (map.sources[idx].startsWith("generated:") ? null : content));
  map.sources = map.sources.map((source) => source.replace(/^.*\/(?=src\/)/, ""));
  return JSON.stringify(map);
}

// The entry last of all: whoever asks whether the panel is there asks for this file.
const isEntry = ({ path }) => path.endsWith("/panel.js");
const files = [...required.outputFiles, ...imported.outputFiles].sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)));
for (const { path, text } of files) writeFileSync(path, path.endsWith(".map") ? cleanMap(text) : text);
