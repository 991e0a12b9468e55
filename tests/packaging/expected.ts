// A page, and the rows that it should have logged.

import type { BrowserContext } from "@playwright/test";

import { expect } from "../browser/fixtures.ts";
import type { StreamTableServer } from "../browser/servers.ts";

/** Opens a page that logs three rows to the table that its address names, and sees that the server has them. */
export async function expectLogged(context: BrowserContext, address: string, server: StreamTableServer, table: string): Promise<void> {
  const page = await context.newPage();
  const url = new URL(address);
  url.searchParams.set("server", server.url);
  url.searchParams.set("table", table);
  await page.goto(url.href);
  await expect(page).toHaveTitle("stored 3");
  await page.close();
  await expectRows(server, table);
}

/** Sees that the server has the three rows of `page/src/log.js`. */
export async function expectRows(server: StreamTableServer, table: string): Promise<void> {
  const rows = await server.rows(table, { columns: "n,text,when,image" });
  expect(rows).toEqual([
    { n: 0, text: "from a page", when: { $ts: 0 }, image: null },
    { n: 1, text: null, when: null, image: null },
    { n: 2, text: null, when: null, image: { $media: "data:image/png;base64,eA==" } },
  ]);
}
