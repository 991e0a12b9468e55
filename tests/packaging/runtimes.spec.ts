// The package outside of a page: in Node by import and by require, in Deno, and in workerd.

import { createRequire } from "node:module";

import { expect, test } from "../browser/fixtures.ts";
import { expectRows } from "./expected.ts";
import { node, project, run, serving, tool } from "./projects.ts";

const READ_BACK = ["1152921504606846976", [1, 2], "image/png", "x", true, 1];
const lastLine = (text: string) => text.trim().split("\n").at(-1)!;

test("Node imports it, logs and reads back", async ({ server, table }) => {
  expect(JSON.parse(lastLine(node(project("node"), "log.mjs", server.url, table)))).toEqual(READ_BACK);
});

for (const file of ["log.cjs", "slim.cjs"]) {
  test(`Node requires it and logs: ${file}`, async ({ server, table }) => {
    expect(lastLine(node(project("node"), file, server.url, table))).toBe("1");
    expect(await server.rows(table, { columns: "n" })).toEqual([{ n: 1 }]);
  });
}

test("Deno imports it, logs and reads back", async ({ server, table }) => {
  const args = ["run", "--no-remote", "--no-lock", "--node-modules-dir=manual", "--allow-net=127.0.0.1", "log.mjs", server.url, table];
  expect(JSON.parse(lastLine(node(project("node"), tool("deno/bin.cjs"), ...args)))).toEqual(READ_BACK);
});

test("workerd runs what its condition names", async ({ request, server, table }) => {
  const resolve = ["--input-type=module", "--eval", `console.log(import.meta.resolve("streamtable"))`];
  for (const [condition, file] of [["workerd", "workerd.js"], ["edge-light", "edge-light.js"], ["browser", "index.js"]]) {
    const url = run(project("workerd"), process.execPath, `--conditions=${condition}`, ...resolve);
    expect(url.trim()).toMatch(new RegExp(`/streamtable/${file}$`));
  }
  const { default: workerd } = createRequire(import.meta.url)("workerd") as { default: string };
  await serving(project("workerd"), workerd, ["serve", "config.capnp", "--control-fd=1"], async (url) => {
    const response = await request.get(url, { params: { server: server.url, table } });
    expect(await response.text()).toBe("3");
    await expectRows(server, table);
  });
});
