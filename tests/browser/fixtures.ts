// What each browser test is given: a real server, a page of another origin that has the npm package, and the board.

import { expect, test as base, type Page } from "@playwright/test";
import type * as Package from "../../crates/client/npm/src/index.ts";
import { BOARD, needs, type OwnFile, PACKAGE, servePages, StreamTableServer } from "./servers.ts";

export { expect };

// What a page that `logPage` made has.
declare global {
  /** The class of the npm package. */
  var StreamTable: typeof Package.StreamTable;
  /** The error of the npm package. */
  var StreamTableError: typeof Package.StreamTableError;
  /** The functions of the npm package. */
  var listBrowserTables: typeof Package.listBrowserTables;
  var deleteBrowserTable: typeof Package.deleteBrowserTable;
  /** The server's address. */
  var serverUrl: string;
  /** A cell or row as a test can carry it out of the page: blobs as `{ blob: type, bytes }`. */
  var carried: (value: unknown) => Promise<any>;
  /** The rows that `rows` gives, carried. */
  var collect: (rows: AsyncIterable<unknown>) => Promise<any[]>;
}

type WorkerFixtures = {
  /** One server for all tests of a worker: each test uses tables of its own. */
  server: StreamTableServer;
  /** Serves the npm package under `/streamtable/`, and a test's own `files`, from another origin than the server's. */
  pages: { url: string; files: Map<string, OwnFile> };
};

type TestFixtures = {
  /** The console errors that the test brings about on purpose. */
  expectedErrors: RegExp | undefined;
  /** How much memory the panels that `openPanel` opens may take, such as `1KB`; past it the server answers. */
  memory: string | undefined;
  /** A table's name that no other test uses. */
  table: string;
  /** A server of the test's own, to stop and start. */
  own: StreamTableServer;
  /** Makes a page of another origin that has the npm package, and the address of the server (or of another) as `serverUrl`. */
  logPage: (url?: string) => Promise<Page>;
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
      needs(PACKAGE);
      const files = new Map<string, OwnFile>();
      const { url, close } = await servePages({ "/streamtable/": PACKAGE }, files);
      await use({ url, files });
      close();
    },
    { scope: "worker" },
  ],
  expectedErrors: [undefined, { option: true }],
  memory: [undefined, { option: true }],
  table: async ({}, use, info) => {
    n_tables += 1;
    await use(`local/tests/t${info.workerIndex}-${n_tables}`);
  },
  own: async ({}, use) => {
    const own = new StreamTableServer();
    await own.start();
    await use(own);
    await own.remove();
  },
  // Every page of a test is watched: an error on its console fails the test.
  context: async ({ context, expectedErrors }, use) => {
    const errors: string[] = [];
    context.on("console", (message) => {
      if (message.type() === "error") errors.push(`${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => errors.push(String(error.error())));
    await use(context);
    const unexpected = errors.filter((error) => !expectedErrors?.test(error));
    expect(unexpected, "errors on the console").toEqual([]);
  },
  logPage: async ({ context, pages, server }, use) => {
    await use(async (url = server.url) => {
      const page = await context.newPage();
      await page.goto(pages.url);
      await page.evaluate(setUp, url);
      return page;
    });
  },
  openPanel: async ({ context, server, memory }, use) => {
    needs(BOARD);
    await use(async (table, expression) => {
      const page = await context.newPage();
      const params = { ...(memory !== undefined && { memory }), ...(expression !== undefined && { e: expression }) };
      await page.goto(`${server.url}/table/${table}?${new URLSearchParams(params)}`);
      await page.getByTestId("expression").waitFor();
      return page;
    });
  },
});

/** Runs in the page. */
async function setUp(url: string): Promise<void> {
  const module = (await import(new URL("/streamtable/index.js", location.href).href)) as typeof Package;
  Object.assign(globalThis, module, { serverUrl: url });
  globalThis.carried = async (value) => {
    if (value instanceof Blob) return { blob: value.type, bytes: [...new Uint8Array(await value.arrayBuffer())] };
    if (value instanceof Uint8Array) return { bytes: [...value] };
    if (Array.isArray(value)) return Promise.all(value.map(carried));
    if (typeof value !== "object" || value === null || value instanceof Date) return value;
    const fields = Object.entries(value).map(async ([key, field]) => [key, await carried(field)] as const);
    return Object.fromEntries(await Promise.all(fields));
  };
  globalThis.collect = async (rows) => {
    const all = [];
    for await (const row of rows) all.push(await carried(row));
    return all;
  };
}
