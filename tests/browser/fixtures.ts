// What each browser test is given: a real server, a page of another origin that has the npm package, and the board.

import { expect, test as base, type Page } from "@playwright/test";
import { PACKAGE, servePages, StreamTableServer } from "./servers.ts";

export { expect };

type WorkerFixtures = {
  /** One server for all tests of a worker: each test uses tables of its own. */
  server: StreamTableServer;
  /** Serves the npm package under `/streamtable/`, from another origin than the server's. */
  pages: { url: string };
};

type TestFixtures = {
  /** Patterns of console errors that the test brings about on purpose. */
  expectedErrors: RegExp[];
  /** A table's name that no other test uses. */
  table: string;
  /** Makes a page that has the npm package as `globalThis.StreamTable` and the server's address as `globalThis.server`. */
  logPage: () => Promise<Page>;
  /** Opens a table's panel, with an expression if given, and waits until it is drawn. */
  openPanel: (table: string, expression?: string) => Promise<Page>;
};

let n_tables = 0;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  server: [
    async ({}, use) => {
      const server = new StreamTableServer();
      await server.start();
      await use(server);
      await server.remove();
    },
    { scope: "worker" },
  ],
  pages: [
    async ({}, use) => {
      const { url, close } = await servePages({ "/streamtable/": PACKAGE });
      await use({ url });
      close();
    },
    { scope: "worker" },
  ],
  expectedErrors: [[], { option: true }],
  table: async ({}, use, info) => {
    n_tables += 1;
    await use(`local/tests/t${info.workerIndex}-${n_tables}`);
  },
  // Every page of a test is watched: an error on its console fails the test.
  context: async ({ context, expectedErrors }, use) => {
    const errors: string[] = [];
    context.on("console", (message) => {
      if (message.type() === "error") errors.push(`${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => errors.push(String(error.error())));
    await use(context);
    const unexpected = errors.filter((error) => !expectedErrors.some((pattern) => pattern.test(error)));
    expect(unexpected, "errors on the console").toEqual([]);
  },
  logPage: async ({ context, pages, server }, use) => {
    await use(async () => {
      const page = await context.newPage();
      await page.goto(pages.url);
      await page.evaluate(async (url) => {
        const module = await import(new URL("/streamtable/index.js", location.href).href);
        Object.assign(globalThis, module, { server: url });
      }, server.url);
      return page;
    });
  },
  openPanel: async ({ context, server }, use) => {
    await use(async (table, expression) => {
      const page = await context.newPage();
      const query = expression === undefined ? "" : `?${new URLSearchParams({ e: expression })}`;
      await page.goto(`${server.url}/table/${table}${query}`);
      await page.getByTestId("expression").waitFor();
      return page;
    });
  },
});
