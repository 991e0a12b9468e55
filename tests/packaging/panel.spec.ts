// The panel in pages made by bundlers without a plugin: the board's half is a script like any other.

import { readdirSync } from "node:fs";
import path from "node:path";

import type { BrowserContext } from "@playwright/test";

import { expect, test } from "../browser/fixtures.ts";
import { servePages, type StreamTableServer } from "../browser/servers.ts";
import { node, project, run, serving, tool } from "./projects.ts";

const page = project("page");

/** Opens a page that shows the table which its address names, and sees the table's rows there. */
async function expectShown(context: BrowserContext, address: string, server: StreamTableServer, table: string): Promise<void> {
  await server.append(table, [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const page = await context.newPage();
  await page.goto(`${address}?${new URLSearchParams({ server: server.url, table })}`);
  await expect(page.locator("stream-table iframe").contentFrame().getByTestId("rows-shown")).toHaveText("3");
  await page.close();
}

const webpack = (entry: string, out: string) =>
  node(page, tool("webpack-cli/bin/cli.js"), "build", "--mode", "production", "--entry", `./src/${entry}`, "-o", out);

const CASES: [string, string, (entry: string, out: string) => string][] = [
  ["webpack", "panel.js", webpack],
  ["webpack", "panel_required.cjs", webpack],
  [
    "esbuild, in parts",
    "panel.js",
    (entry, out) => run(page, tool(".bin/esbuild"), `main=src/${entry}`, "--bundle", "--minify", "--format=esm", "--splitting", `--outdir=${out}`),
  ],
  [
    "esbuild, in one piece",
    "panel_required.cjs",
    (entry, out) => run(page, tool(".bin/esbuild"), `main=src/${entry}`, "--bundle", "--minify", `--outdir=${out}`),
  ],
  [
    "Rollup",
    "panel.js",
    (entry, out) =>
      node(page, tool("rollup/dist/bin/rollup"), "-i", `main=src/${entry}`, "-d", out, "-f", "es", "-p", "node-resolve", "--failAfterWarnings", "--silent"),
  ],
];

for (const [name, entry, build] of CASES) {
  test(`${name} bundles ${entry}, which shows a table`, async ({ context, server, table }) => {
    const out = `dist/${name.replaceAll(/\W+/g, "-")}-${entry}`;
    build(entry, out);
    const others = readdirSync(path.join(page, out)).filter((file) => !/\.(js|txt)$/.test(file));
    expect(others, "no file but scripts").toEqual([]);
    const html = { body: `<!doctype html><link rel="icon" href="data:,"><body><script type="module" src="main.js"></script>` };
    const { url, close } = await servePages({ "/": path.join(page, out) }, new Map([["/page.html", html]]));
    await expectShown(context, `${url}/page.html`, server, table);
    close();
  });
}

test("Vite's dev server gives a page that shows a table", async ({ context, server, table }) => {
  await serving(project("vite"), process.execPath, [tool("vite/bin/vite.js"), "--host", "127.0.0.1", "--port", "0"], async (url) => {
    await expectShown(context, `${url}/panel.html`, server, table);
  });
});
