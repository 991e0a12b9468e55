// The outbox on disk: older databases are read, newer ones and ones that are held up are left alone, and the page is told.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

// A server is stopped on purpose.
test.use({ expectedErrors: /ERR_CONNECTION_REFUSED/ });

const WRITER = "00112233445566778899aabbccddeeff";

/** Puts a database as an older version of the package left it: `version`, with an outbox of three rows and no other store. */
async function leaveOutbox(page: Page, version: number, table: string, server: string): Promise<void> {
  await page.evaluate(
    ({ version, table, server, writer }) =>
      new Promise<void>((resolve, reject) => {
        const request = indexedDB.open("streamtable", version);
        request.onupgradeneeded = () => request.result.createObjectStore("chunks");
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const db = request.result;
          const tx = db.transaction("chunks", "readwrite");
          const put = (firstSeq: number, nRows: number, lines: string) => {
            const chunk = { table, server, key: undefined, lines, at: Date.now() };
            tx.objectStore("chunks").put(chunk, [writer, firstSeq, nRows, lines.length]);
          };
          put(7, 2, '{"n":1,"timestamp":{"$ts":1}}\n{"n":2,"timestamp":{"$ts":2}}\n');
          put(9, 1, '{"n":3,"timestamp":{"$ts":3}}\n');
          tx.oncomplete = () => {
            db.close();
            resolve();
          };
        };
      }),
    { version, table, server, writer: WRITER },
  );
}

/** How many chunks the outbox has. */
const nChunks = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const request = indexedDB.open("streamtable");
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          const count = request.result.transaction("chunks").objectStore("chunks").count();
          count.onsuccess = () => {
            request.result.close();
            resolve(count.result);
          };
        };
      }),
  );

for (const version of [1, 2]) {
  test(`an outbox that version ${version} left is delivered under its own numbers, and forgotten`, async ({ logPage, server, table }) => {
    const page = await logPage();
    await leaveOutbox(page, version, table, server.url);
    await page.evaluate((table) => void Object.assign(globalThis, { st: new StreamTable(table, { server: serverUrl }) }), table);
    await expect.poll(() => page.evaluate(() => (globalThis as any).st.status.recovered)).toBe(3);
    const rows = await server.rows(table, { system: "true" });
    expect(rows.map(({ n, _writer, _seq }) => [n, _writer, Number((_seq as any).$i64 ?? _seq)])).toEqual([
      [1, WRITER, 7],
      [2, WRITER, 8],
      [3, WRITER, 9],
    ]);
    await expect.poll(() => nChunks(page)).toBe(0);
  });
}

test("what an older version left in localStorage is delivered", async ({ logPage, server, table }) => {
  const page = await logPage();
  await page.evaluate(
    ({ table, writer }) => {
      const leave = (firstSeq: number, lines: string) => {
        const chunk = { table, server: serverUrl, lines, at: Date.now() };
        localStorage.setItem(`streamtable/${writer}/${firstSeq}/1/${lines.length}`, JSON.stringify(chunk));
      };
      leave(10, '{"n":2,"timestamp":{"$ts":2}}\n');
      leave(9, '{"n":1,"timestamp":{"$ts":1}}\n');
      Object.assign(globalThis, { st: new StreamTable(table, { server: serverUrl }) });
    },
    { table, writer: WRITER },
  );
  await expect.poll(() => page.evaluate(() => (globalThis as any).st.status.recovered)).toBe(2);
  const rows = await server.rows(table, { system: "true" });
  expect(rows.map(({ n, _seq }) => [n, Number((_seq as any).$i64 ?? _seq)])).toEqual([[1, 9], [2, 10]]);
  expect(await page.evaluate(() => localStorage.length)).toBe(0);
});

test("rows are in the storage within tens of milliseconds of the call, and gone from it once they are stored", async ({ logPage, own, table }) => {
  await own.stop();
  const page = await logPage(own.url);
  const millis = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl, maxRetryMillis: 200 });
    Object.assign(globalThis, { st });
    st.log({ n: 0 });
    while (st.status.volatile > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const from = performance.now();
    st.log({ n: 1 });
    while (st.status.volatile > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    return performance.now() - from;
  }, table);
  expect(millis).toBeLessThan(200);
  expect(await page.evaluate(() => (globalThis as any).st.status)).toMatchObject({ storage: "indexeddb", queued: 2, volatile: 0 });
  expect(await nChunks(page)).toBe(2);
  await own.start();
  await page.evaluate(() => (globalThis as any).st.finish());
  await expect.poll(() => nChunks(page)).toBe(0);
});

test("a database of a newer version is left alone: rows wait in memory, and it is told", async ({ logPage, server, table }) => {
  const page = await logPage();
  await leaveOutbox(page, 1000, table, server.url);
  const said = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const codes: string[] = [];
    st.on("error", (error) => codes.push(error.code));
    st.log({ n: 3 });
    await st.flush();
    return { codes, storage: st.status.storage };
  }, table);
  expect(said).toEqual({ codes: ["storage_unavailable"], storage: "memory" });
  expect(await server.rows(table, { columns: "n" })).toEqual([{ n: 3 }]);
  expect(await nChunks(page)).toBe(2);
});

test("a page that keeps an old version open holds up nobody's rows", async ({ logPage, server, table }) => {
  test.slow();
  const old = await logPage();
  await old.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const request = indexedDB.open("streamtable", 1);
        request.onupgradeneeded = () => request.result.createObjectStore("chunks");
        // It does not listen to `versionchange`, and so never closes by itself.
        request.onsuccess = () => (Object.assign(globalThis, { held: request.result }), resolve());
      }),
  );
  const page = await logPage();
  await page.evaluate((table) => {
    const st = new StreamTable(table, { server: serverUrl });
    Object.assign(globalThis, { st, codes: [] });
    st.on("error", (error) => (globalThis as any).codes.push(error.code));
    st.log({ n: 1 });
    return st.flush();
  }, table);
  expect(await server.rows(table, { columns: "n" })).toEqual([{ n: 1 }]);
  await expect.poll(() => page.evaluate(() => (globalThis as any).codes), { timeout: 20_000 }).toEqual(["storage_unavailable"]);
  await old.evaluate(() => (globalThis as any).held.close());
  await page.evaluate(() => (globalThis as any).st.log({ n: 2 }));
  await expect.poll(() => page.evaluate(() => (globalThis as any).st.status.storage), { timeout: 20_000 }).toBe("indexeddb");
});
