// An app made with Next.js: the package on its server, in its edge runtime, and in its page.

import { expect, test } from "../browser/fixtures.ts";
import { expectLogged, expectRows } from "./expected.ts";
import { node, project, serving, tool } from "./projects.ts";

const next = tool("next/dist/bin/next");

test("a built Next.js app logs from a client component, a route, and an edge route", async ({ context, request, server, table }) => {
  const app = project("next");
  const warnings = node(app, next, "build").match(/^.*(warn|⚠).*$/gim) ?? [];
  // It warns of its edge runtime as such, and where CI builds, that no earlier build is kept.
  expect(warnings.filter((warning) => !/edge runtime|no build cache/i.test(warning))).toEqual([]);
  await serving(app, process.execPath, [next, "start", "--port", "0"], async (url) => {
    expect(await (await request.get(url)).text()).toContain("local/project/made-on-the-server");
    await expectLogged(context, url, server, table);
    for (const route of ["on-node", "on-edge"]) {
      const response = await request.get(`${url}/${route}`, { params: { server: server.url, table: `${table}-${route}` } });
      expect(await response.text()).toBe("3");
      await expectRows(server, `${table}-${route}`);
    }
  });
});
