// Pages made by bundlers without a plugin for this package or for wasm: built, served as files, and logging.

import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

import { expect, test } from "../browser/fixtures.ts";
import { servePages } from "../browser/servers.ts";
import { expectLogged } from "./expected.ts";
import { node, project, run, serving, tool } from "./projects.ts";

/** Builds an entry of the project `page` into a folder and gives what the bundler printed. */
type Build = (entry: string, out: string) => string;

const page = project("page");

const webpack: Build = (entry, out) =>
  node(page, tool("webpack-cli/bin/cli.js"), "build", "--mode", "production", "--entry", `./src/${entry}`, "-o", out);

const esbuild: Build = (entry, out) =>
  run(page, tool(".bin/esbuild"), `src/${entry}`, "--bundle", "--minify", `--outfile=${out}/main.js`, "--loader:.wasm=file", "--log-level=warning");

// A stranger to Rollup gives it this plugin first of all: without it no package is found by its name.
const rollup: Build = (entry, out) =>
  node(page, tool("rollup/dist/bin/rollup"), "-i", `src/${entry}`, "-o", `${out}/main.js`, "-f", "es", "-p", "node-resolve", "--failAfterWarnings", "--silent");

const CASES: [string, Build, string, RegExp][] = [
  ["webpack", webpack, "main.js", /compiled successfully/],
  ["webpack", webpack, "required.cjs", /compiled successfully/],
  ["webpack", webpack, "slim.js", /compiled successfully/],
  ["webpack", webpack, "threads.js", /compiled successfully/],
  ["esbuild", esbuild, "main.js", /^$/],
  ["esbuild", esbuild, "required.cjs", /^$/],
  ["esbuild", esbuild, "slim_file.js", /^$/],
  ["Rollup", rollup, "main.js", /^$/],
];

for (const [name, build, entry, quiet] of CASES) {
  test(`${name} bundles ${entry}, which logs`, async ({ context, server, table }) => {
    const out = `dist/${name}-${entry}`;
    expect(build(entry, out), "no warnings").toMatch(quiet);
    const files = readdirSync(path.join(page, out));
    expect(files.some((file) => file.endsWith(".wasm")), "a wasm file only where it was asked for").toBe(entry.startsWith("slim"));
    const html = { body: `<!doctype html><link rel="icon" href="data:,"><script type="module" src="main.js"></script>` };
    const { url, close } = await servePages({ "/": path.join(page, out) }, new Map([["/page.html", html]]));
    await expectLogged(context, `${url}/page.html`, server, table);
    close();
  });
}

const vite = tool("vite/bin/vite.js");
const serve = ["--host", "127.0.0.1", "--port", "0"];

test.describe("Vite", () => {
  // What is built in one test is not read by another while that runs.
  test.describe.configure({ mode: "serial" });

  for (const how of ["", "slim", "worker"]) {
    test(`the dev server's page logs${how && `, ${how}`}`, async ({ context, server, table }) => {
      await serving(project("vite"), process.execPath, [vite, ...serve], async (url) => {
        await expectLogged(context, `${url}/?how=${how}`, server, table);
      });
    });
  }

  test("the built page logs, in each of these ways", async ({ context, server, table }) => {
    expect(node(project("vite"), vite, "build", "--logLevel", "warn"), "no warnings").toBe("");
    expect(existsSync(path.join(project("vite"), "dist/index.html"))).toBe(true);
    await serving(project("vite"), process.execPath, [vite, "preview", ...serve], async (url) => {
      for (const how of ["", "slim", "worker"]) await expectLogged(context, `${url}/?how=${how}`, server, `${table}${how}`);
    });
  });
});
