// What each fault test is given: a real server, a lossy way to it, and a site of another origin whose pages log.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, test as base } from "@playwright/test";

import type * as Package from "../../crates/client/npm/src/index.ts";
import { LossyProxy } from "../browser/proxy.ts";
import { needs, type OwnFile, PACKAGE, servePages, StreamTableServer } from "../browser/servers.ts";
import type { Bed } from "./rounds.ts";

// What the pages of the site have: see `pages/life.js`.
declare global {
  var life: {
    readonly number: number;
    readonly st: Package.StreamTable;
    /** The codes of the errors it was told. */
    readonly told: string[];
    makeRows(nRows: number, rowBytes: number): { life: number; n: number; text: string }[];
    log(nRows: number, rowBytes: number): void;
    stream(nRows: number, rowBytes: number): Promise<void>;
    opened(): Promise<void>;
    saved(): Promise<void>;
    nLeft(): Promise<number>;
  };
}

type WorkerFixtures = {
  /** One server for all tests of a worker. */
  server: StreamTableServer;
  /** A browser whose storage is on disk, as a visitor's is: what Playwright makes for each test has it in memory. */
  profile: BrowserContext;
  /** Pages of another origin than the server's. */
  site: { url: string; files: Map<string, OwnFile> };
};

type TestFixtures = {
  /** The worker's server behind a way that can fail. */
  bed: Bed & { readonly way: LossyProxy };
  /** A server of the test's own that pages talk to straight, to stop and start. */
  ownBed: Bed;
};

let n_tables = 0;

export const test = base.extend<TestFixtures, WorkerFixtures>({
  server: [
    async ({}, use) => {
      const server = new StreamTableServer("");
      await server.start();
      await use(server);
      await server.remove();
    },
    { scope: "worker" },
  ],
  profile: [
    async ({ launchOptions }, use) => {
      const folder = newProfile();
      const profile = await chromium.launchPersistentContext(folder, launchOptions);
      await use(profile);
      await profile.close();
      removeProfile(folder);
    },
    { scope: "worker" },
  ],
  site: [
    async ({}, use) => {
      needs(PACKAGE);
      const files = new Map<string, OwnFile>();
      const folders = { "/streamtable/": PACKAGE, "/faults/": fileURLToPath(new URL("pages", import.meta.url)) };
      const { url, close } = await servePages(folders, files);
      await use({ url, files });
      close();
    },
    { scope: "worker" },
  ],
  context: async ({ profile }, use) => {
    const [first] = profile.pages();
    await use(profile);
    for (const page of profile.pages()) if (page !== first) await page.close();
  },
  page: async ({ context }, use) => use(await context.newPage()),
  bed: async ({ server, site }, use, info) => {
    const way = await LossyProxy.start(server.url);
    await use({ server, way, site: site.url, newTable: () => newTable(info.workerIndex) });
    way.close();
  },
  ownBed: async ({ site }, use, info) => {
    const server = new StreamTableServer("");
    await server.start();
    await use({ server, way: undefined, site: site.url, newTable: () => newTable(info.workerIndex) });
    await server.remove();
  },
});

/** Makes a folder for a browser's profile. */
export function newProfile(): string {
  return mkdtempSync(path.join(tmpdir(), "streamtable-profile-"));
}

/** Removes one, whose browser may just be ending. */
export function removeProfile(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function newTable(workerIdx: number): string {
  n_tables += 1;
  return `local/faults/t${workerIdx}-${n_tables}`;
}
