// Tables that live in this browser, through the package: exact, dense, live across tabs, and nothing is asked of a network.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

const TABLE = "local/tests/here";

/** Logs rows of one number each, a task each, and waits until they are stored. */
function logNumbers(page: Page, from: number, n_rows: number, table = TABLE): Promise<void> {
  return page.evaluate(
    async ([table, from, n_rows]) => {
      const st = new StreamTable(table, { server: null });
      for (let n = from; n < from + n_rows; n++) {
        st.log({ n });
        await new Promise((resolve) => setTimeout(resolve));
      }
      await st.finish();
    },
    [table, from, n_rows] as const,
  );
}

/** The numbers of a table's rows with their offsets, as the page reads them. */
function numbers(page: Page, table = TABLE): Promise<[n: number, offset: number][]> {
  return page.evaluate(async (table) => {
    const rows = await collect(new StreamTable(table, { server: null }).rows({ columns: ["n", "_offset"] }));
    return rows.map((row) => [row.n, Number(row._offset)] as [number, number]);
  }, table);
}

const dense = (n_rows: number) => Array.from({ length: n_rows }, (_, offset) => offset);

test("rows come back as they were logged, after a reload too, and no request is made", async ({ logPage }) => {
  const page = await logPage();
  const requests: string[] = [];
  page.context().on("request", (request) => requests.push(request.url()));
  const logged = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(2, 3);
    canvas.getContext("2d")!.fillRect(0, 0, 1, 1);
    const st = new StreamTable("tests/here", { server: null });
    const url = st.log({
      text: "é\n\u2028\0", nan: NaN, minus: -0, big: 2n ** 62n, yes: true, when: new Date(86_400_001), list: [1, [null, "x"]],
      bytes: new Uint8Array([0, 255]), literal: { $f64: "NaN" }, nothing: null, picture: canvas,
    });
    st.log([{ text: "second" }, JSON.parse('{"__proto__":1}')]);
    await st.finish();
    return { url, status: st.status, origin: location.origin };
  });
  expect(logged.url).toBe(`${logged.origin}/table/${TABLE}?in=browser`);
  expect(logged.status).toMatchObject({ state: "finished", acknowledged: 3, queued: 0, rejected: 0, dropped: 0, lastError: null });
  const read = async (page: Page) => page.evaluate(async () => {
    const rows = [];
    for await (const row of new StreamTable("tests/here", { server: null }).rows()) {
      const own = Object.getOwnPropertyDescriptor(row, "__proto__")?.value as unknown;
      rows.push(await carried({ ...row, timestamp: 0, isMinus: Object.is(row["minus"], -0), own }));
    }
    return rows;
  });
  const rows = await read(page);
  expect(rows[0]).toMatchObject({
    text: "é\n\u2028\0", nan: NaN, isMinus: true, big: 2n ** 62n, yes: true, when: new Date(86_400_001), list: [1, [null, "x"]],
    bytes: { bytes: [0, 255] }, literal: { $f64: "NaN" }, nothing: null, picture: { blob: "image/png" },
  });
  expect(rows[1]).toMatchObject({ text: "second", nan: null, big: null, picture: null });
  expect(rows.map((row) => row.own), "the cells of `__proto__`").toEqual([null, null, 1]);
  expect(requests).toEqual([]);

  await page.close();
  expect(await read(await logPage())).toEqual(rows);
});

test("two tabs add to one table: offsets are dense, and each tab hears every row once", async ({ logPage }) => {
  const [one, two] = [await logPage(), await logPage()];
  for (const page of [one, two]) {
    await page.evaluate((table) => {
      const heard: [number, number][] = [];
      Object.assign(globalThis, { heard });
      new StreamTable(table, { server: null }).subscribe((row, offset) => heard.push([row["n"] as number, offset]), { from: 0 });
    }, TABLE);
  }
  await Promise.all([logNumbers(one, 0, 150), logNumbers(two, 1000, 150)]);
  const rows = await numbers(one);
  expect(rows.map(([, offset]) => offset)).toEqual(dense(300));
  for (const from of [0, 1000]) {
    const ofTab = rows.map(([n]) => n).filter((n) => n >= from && n < from + 1000);
    expect(ofTab, "each row once, those of a tab in order").toEqual(dense(150).map((n) => n + from));
  }
  expect(await numbers(two)).toEqual(rows);
  for (const page of [one, two]) {
    const heard = () => page.evaluate(() => (globalThis as unknown as { heard: [number, number][] }).heard);
    await expect.poll(async () => (await heard()).length).toBe(300);
    expect(await heard()).toEqual(rows);
  }
});

test("a table that is deleted in another tab and made anew is followed from its first row", async ({ logPage }) => {
  const [reader, writer] = [await logPage(), await logPage()];
  await logNumbers(writer, 0, 3);
  await reader.evaluate((table) => {
    const heard: string[] = [];
    Object.assign(globalThis, { heard });
    const onLive = (end: number) => heard.push(`end ${end}`);
    new StreamTable(table, { server: null }).subscribe((row, offset) => heard.push(`${row["n"]} at ${offset}`), { from: 0, onLive });
  }, TABLE);
  const heard = () => reader.evaluate(() => (globalThis as unknown as { heard: string[] }).heard);
  await expect.poll(heard).toEqual(["end 3", "0 at 0", "1 at 1", "2 at 2"]);
  const list = () => reader.evaluate(async () => (await listBrowserTables()).map(({ name, nRows, columns }) => [name, nRows, columns]));
  expect(await list()).toEqual([[TABLE, 3, ["n", "timestamp"]]]);
  await writer.evaluate((table) => deleteBrowserTable(table), TABLE);
  await expect.poll(heard).toContain("end 0");
  expect(await list()).toEqual([]);
  await logNumbers(writer, 7, 1);
  await expect.poll(async () => (await heard()).at(-1)).toBe("7 at 0");
  expect(await numbers(reader)).toEqual([[7, 0]]);
});

test("a burst of ten thousand rows is stored whole and in order", async ({ logPage }) => {
  const page = await logPage();
  await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: null });
    for (let n = 0; n < 10_000; n++) st.log({ n, text: `row ${n}`, even: n % 2 === 0 });
    await st.finish();
  }, TABLE);
  expect(await numbers(page)).toEqual(dense(10_000).map((n) => [n, n]));
});

test("rows logged right before the page goes are there after the next visit, each once", async ({ logPage, pages }) => {
  for (let round = 0; round < 5; round++) {
    const page = await logPage();
    await page.evaluate(
      ([table, from]) => {
        const st = new StreamTable(table, { server: null });
        for (let n = from; n < from + 10; n++) st.log({ n });
        location.href = "/?gone";
      },
      [TABLE, round * 10] as const,
    );
    await page.waitForURL(`${pages.url}/?gone`);
    await page.close();
  }
  const page = await logPage();
  await page.evaluate((table) => Object.assign(globalThis, { st: new StreamTable(table, { server: null }) }), TABLE);
  // Until the first rows were taken over there is no table.
  const stored = () => numbers(page).catch(() => []);
  await expect.poll(async () => (await stored()).length, { timeout: 30_000 }).toBe(50);
  const rows = await numbers(page);
  expect(rows.map(([, offset]) => offset)).toEqual(dense(50));
  for (let round = 0; round < 5; round++) {
    const ofRound = rows.map(([n]) => n).filter((n) => Math.floor(n / 10) === round);
    expect(ofRound, "in the order in which they were logged").toEqual(dense(10).map((n) => round * 10 + n));
  }
});

test.describe("with filters", () => {
  // Of those that are no expression.
  test.use({ expectedErrors: /status of 400/ });

  test("a filter lets the rows pass that a server would let pass", async ({ logPage, table }) => {
    const page = await logPage();
    const read = (filter: string, isImported: boolean) => page.evaluate(
      async ([table, filter, isImported]) => {
        if (isImported) await import(new URL("/streamtable/filter.js", location.href).href);
        const read = async (server: string | null) => {
          try {
            const rows = await collect(new StreamTable(table, { server }).rows({ filter, limit: 250, columns: ["n"] }));
            return rows.map((row) => row.n as number);
          } catch (error) {
            return (error as { code: string }).code;
          }
        };
        return [await read(null), await read(serverUrl)] as const;
      },
      [table, filter, isImported] as const,
    );
    await page.evaluate(async (table) => {
      const tables = [null, serverUrl].map((server) => new StreamTable(table, { server }));
      for (const st of tables) {
        for (let n = 0; n < 3000; n++) {
          const day = new Date(Date.UTC(2024, 0, 1 + (n % 300)));
          const mixed = [n, `${n}`, null, BigInt(n), NaN, [n], { part: n }][n % 7]!;
          st.log({ n, text: `row ${n}`, mixed, day, ...(n % 5 === 0 ? { sparse: n / 10 } : {}) });
          if (n % 400 === 0) await st.flush();
        }
        await st.finish();
      }
    }, table);
    expect((await read('row["n"] < 3', false))[0], "without the entry").toBe("filter_missing");
    for (const filter of [
      'row["n"] >= 2990', 'row["sparse"] > 250 && row["n"] % 2 == 0', 'row["text"].contains("99")', 'row["sparse"] == null',
      'row["mixed"] > 1000', 'row["mixed"] == null', 'row["mixed"]["part"] > 2000', 'row["mixed"][0] == 5', 'row["_offset"] == 1234',
      'row["_seq"] <= 3', 'row["day"] >= date("2024-10-20")', 'row["nothing"] == 1', 'row["n"] in', "row[", 'row["n"]',
    ]) {
      const [ofBrowser, ofServer] = await read(filter, true);
      expect(ofBrowser, filter).toEqual(ofServer);
    }
    expect((await read('row["mixed"] > 1000', true))[0]).toHaveLength(250);
    expect((await read("row[", true))[0]).toBe("bad_filter");
  });
});

test("a storage that is full is told, and the rows go in once there is room", async ({ logPage }) => {
  const page = await logPage();
  const { origin } = new URL(page.url());
  const devtools = await page.context().newCDPSession(page);
  // Once a write was let through, the browser does not look at the quota for a while.
  await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1000 });
  await page.evaluate((table) => {
    const st = new StreamTable(table, { server: null });
    const codes: string[] = [];
    st.on("error", (error) => codes.push(error.code));
    st.log({ n: 1, text: "x".repeat(100_000) });
    st.log({ n: 2 });
    Object.assign(globalThis, { st, codes });
  }, TABLE);
  const told = () => page.evaluate(() => {
    const { st, codes } = globalThis as unknown as { st: { status: { queued: number } }; codes: string[] };
    return [[...new Set(codes)], st.status.queued];
  });
  await expect.poll(told).toEqual([["storage_full"], 2]);
  await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  await expect.poll(told).toEqual([["storage_full"], 0]);
  expect(await numbers(page)).toEqual([[1, 0], [2, 1]]);
});
