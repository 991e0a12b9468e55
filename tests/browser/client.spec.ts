// The npm package in a real page against the real server: what is logged is what is read, by name, by path, in order.

import { readFileSync } from "node:fs";
import { expect, test } from "./fixtures.ts";
import { LossyProxy } from "./proxy.ts";

/** Rows as read back, without the column every row gets. */
function cells(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.map(({ timestamp: _, ...rest }) => rest);
}

test("ten rows come back with their values, order and nesting", async ({ logPage, table }) => {
  const page = await logPage();
  const rows = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    for (let i = 0; i < 10; i++) st.log({ hello: `world ${i}`, index: i, nested: { a: [i] } });
    await st.finish();
    return collect(st.rows());
  }, table);
  expect(cells(rows)).toStrictEqual(
    Array.from({ length: 10 }, (_, i) => ({ hello: `world ${i}`, index: i, nested: { a: [i] } })),
  );
});

test("three images come back as three images", async ({ logPage, table }) => {
  const page = await logPage();
  const colours = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 3 });
    const context = canvas.getContext("2d")!;
    for (const colour of ["#ff0000", "#00ff00", "#0000ff"]) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 4, 3);
      st.log({ image: canvas });
    }
    await st.finish();
    const seen = [];
    for await (const { image } of st.rows()) {
      const bitmap = await createImageBitmap(image as Blob);
      context.drawImage(bitmap, 0, 0);
      seen.push([(image as Blob).type, bitmap.width, bitmap.height, ...context.getImageData(3, 2, 1, 1).data]);
    }
    return seen;
  }, table);
  expect(colours).toEqual([
    ["image/png", 4, 3, 255, 0, 0, 255],
    ["image/png", 4, 3, 0, 255, 0, 255],
    ["image/png", 4, 3, 0, 0, 255, 255],
  ]);
});

test("a name without an entity is the default entity's", async ({ logPage, server, table }) => {
  const page = await logPage();
  const short = table.replace("/", "-").replace("/", "-");
  const made = await page.evaluate(async (short) => {
    const tables = [
      new StreamTable(`some-project/${short}`, { server: serverUrl }),
      new StreamTable(short, { server: serverUrl }),
      new StreamTable(short, { server: serverUrl, project: "apart", entity: "someone" }),
    ];
    for (const st of tables) st.log({ name: st.name });
    await Promise.all(tables.map((st) => st.finish()));
    return tables.map(({ name, url }) => ({ name, url }));
  }, short);
  const names = [`local/some-project/${short}`, `local/default/${short}`, `someone/apart/${short}`];
  expect(made).toEqual(names.map((name) => ({ name, url: `${server.url}/table/${name}` })));
  for (const name of names) expect(cells(await server.rows(name))).toEqual([{ name }]);
});

test("a table that is opened again goes on where it ended", async ({ logPage, table }) => {
  const page = await logPage();
  const writeTen = (from: number) =>
    page.evaluate(
      async ({ table, from }) => {
        const st = new StreamTable(table, { server: serverUrl });
        st.log(Array.from({ length: 10 }, (_, i) => ({ index: from + i })));
        await st.finish();
        return collect(st.rows({ columns: ["index"] }));
      },
      { table, from },
    );
  expect(await writeTen(0)).toEqual(Array.from({ length: 10 }, (_, index) => ({ index })));
  expect(await writeTen(10)).toEqual(Array.from({ length: 20 }, (_, index) => ({ index })));
});

test("two live writers of 100 rows give every row, in one order that keeps each writer's own", async ({ logPage, table }) => {
  const pages = await Promise.all([logPage(), logPage()]);
  const write = (who: number) =>
    pages[who]!.evaluate(
      async ({ table, who }) => {
        const st = new StreamTable(table, { server: serverUrl, lingerMillis: 5 });
        for (let i = 0; i < 100; i++) {
          st.log({ who, i });
          await new Promise((resolve) => setTimeout(resolve, 8));
        }
        await st.finish();
      },
      { table, who },
    );
  await Promise.all([write(0), write(1)]);
  const read = () => pages[0]!.evaluate((table) => collect(new StreamTable(table, { server: serverUrl }).rows({ system: true })), table);
  const rows = await read();
  expect(rows.map((row) => Number(row._offset))).toEqual(Array.from({ length: 200 }, (_, offset) => offset));
  for (const who of [0, 1]) {
    const own = rows.filter((row) => row.who === who);
    expect(own.map((row) => row.i)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(own.map((row) => Number(row._seq))).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(new Set(own.map((row) => row._writer)).size).toBe(1);
  }
  const n_turns = rows.filter((row, idx) => idx > 0 && row.who !== rows[idx - 1].who).length;
  expect(n_turns, "the writers did take turns").toBeGreaterThan(5);
  expect(await read(), "the order is one and stays").toEqual(rows);
});

test("ragged lists, lists of lists and empty ones keep their shape", async ({ logPage, table }) => {
  const page = await logPage();
  const lists = [[1], [], [1, 2, 3], [[1], [], [2, [3]]], [null, [null]], [{ a: [1] }, { b: [] }], ["x", 1, true, null]];
  const rows = await page.evaluate(
    async ({ table, lists }) => {
      const st = new StreamTable(table, { server: serverUrl });
      st.log(lists.map((list) => ({ list: list as [] })));
      await st.finish();
      return collect(st.rows({ columns: ["list"] }));
    },
    { table, lists },
  );
  expect(rows).toStrictEqual(lists.map((list) => ({ list })));
});

test("rows with nothing in common read null where they have no cell", async ({ logPage, table }) => {
  const page = await logPage();
  const rows = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    st.log({ a: 1 });
    st.log([{ b: "x" }, {}, { c: [1], a: undefined }]);
    await st.finish();
    return collect(st.rows({ columns: ["a", "b", "c"] }));
  }, table);
  expect(rows).toStrictEqual([
    { a: 1, b: null, c: null },
    { a: null, b: "x", c: null },
    { a: null, b: null, c: null },
    { a: null, b: null, c: [1] },
  ]);
});

test("a column of images and whole numbers keeps both", async ({ logPage, table }) => {
  const page = await logPage();
  const rows = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const image = new Blob([new Uint8Array([137, 80])], { type: "image/png" });
    st.log([{ mixed: image }, { mixed: 1n }, { mixed: image }, { mixed: 2 }, { mixed: null }]);
    await st.finish();
    return collect(st.rows({ columns: ["mixed"] }));
  }, table);
  const image = { blob: "image/png", bytes: [137, 80] };
  expect(rows.map(({ mixed }) => mixed)).toStrictEqual([image, 1n, image, 2, null]);
});

test("the column `b.c` and the path b, c are two things", async ({ logPage, table }) => {
  const page = await logPage();
  const read = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    st.log([{ n: 0, "b.c": 1 }, { n: 1, b: { c: 2 } }, { n: 2, b: { "c.d": 3, c: { d: 4 } } }, { n: 3, "b.c": 2, b: { c: 1 } }]);
    await st.finish();
    const where = async (filter: string) => (await collect(st.rows({ filter, columns: ["n"] }))).map(({ n }) => n);
    return {
      all: await collect(st.rows({ columns: ["b", "b.c"] })),
      byColumn: await where('row["b.c"] == 1'),
      byPath: await where('row["b"]["c"] == 1'),
      byPathOfTwo: await where('row["b"]["c"] == 2'),
      byDottedKey: await where('row["b"]["c.d"] == 3'),
      byDeepPath: await where('row["b"]["c"]["d"] == 4'),
    };
  }, table);
  expect(read).toStrictEqual({
    all: [
      { b: null, "b.c": 1 },
      { b: { c: 2 }, "b.c": null },
      { b: { "c.d": 3, c: { d: 4 } }, "b.c": null },
      { b: { c: 1 }, "b.c": 2 },
    ],
    byColumn: [0],
    byPath: [3],
    byPathOfTwo: [1],
    byDottedKey: [2],
    byDeepPath: [2],
  });
});

test("reading one column brings only that column", async ({ logPage, server, table }) => {
  const proxy = await LossyProxy.start(server.url);
  const page = await logPage(proxy.url);
  const rows = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const noise = () => Array.from(crypto.getRandomValues(new Uint32Array(2000)), (n) => n.toString(36)).join("");
    st.log(Array.from({ length: 50 }, (_, n) => ({ n, large: noise() })));
    await st.finish();
    const rows = await collect(st.rows({ columns: ["n"] }));
    await collect(st.rows({ limit: 2 }));
    return rows;
  }, table);
  expect(rows).toStrictEqual(Array.from({ length: 50 }, (_, n) => ({ n })));
  const [ofColumn, ofTwoRows] = proxy.readBytes;
  expect(ofColumn).toBeLessThan(1_000);
  expect(ofTwoRows).toBeGreaterThan(10_000);
  proxy.close();
});

test("rows are read from an offset, up to a limit, through a filter, with their numbers", async ({ logPage, table }) => {
  const page = await logPage();
  const read = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    st.log(Array.from({ length: 5000 }, (_, n) => ({ n, even: n % 2 === 0 })));
    await st.finish();
    const first = [];
    for await (const row of st.rows()) if (first.push(row.n) === 3) break;
    const [numbers] = await collect(st.rows({ from: 17, limit: 1, system: true }));
    return {
      first,
      some: await collect(st.rows({ from: 4000, limit: 3, filter: 'row["even"] == true', columns: ["n"] })),
      n_all: (await collect(st.rows())).length,
      none: await collect(st.rows({ from: 5000 })),
      numbers: { ...numbers, timestamp: numbers.timestamp instanceof Date, _received: numbers._received instanceof Date },
    };
  }, table);
  expect(read).toEqual({
    first: [0, 1, 2],
    some: [{ n: 4000 }, { n: 4002 }, { n: 4004 }],
    n_all: 5000,
    none: [],
    numbers: {
      n: 17,
      even: false,
      timestamp: true,
      _writer: expect.stringMatching(/^[0-9a-f]{32}$/),
      _seq: 18n,
      _offset: 17n,
      _received: true,
    },
  });
});

test.describe("what cannot be read", () => {
  test.use({ expectedErrors: /Failed to load resource/ });

  test("is told with the server's code", async ({ logPage, table }) => {
    const page = await logPage();
    const told = await page.evaluate(async (table) => {
      const st = new StreamTable(table, { server: serverUrl });
      const reason = (rows: AsyncIterable<unknown>) =>
        collect(rows).then(
          () => "read",
          (error) => (error instanceof StreamTableError ? error.code : `${error}`),
        );
      const unknown = await reason(st.rows());
      st.log({ a: 1 });
      await st.finish();
      return [
        unknown,
        await reason(st.rows({ filter: 'row["a" <' })),
        await reason(st.rows({ columns: ["b"] })),
        await reason(new StreamTable(table, { server: "http://127.0.0.1:1" }).rows()),
        await reason(st.rows()),
      ];
    }, table);
    expect(told).toEqual(["unknown_table", "bad_filter", "unknown_column", "network", "read"]);
  });
});

test("a bad name is a typed error that names the part", async ({ logPage }) => {
  const page = await logPage();
  const file = new URL("../data/names.json", import.meta.url);
  const vectors = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>[];
  const outcomes = await page.evaluate(
    (vectors) =>
      vectors.map(({ name, project, entity }) => {
        try {
          const apart = entity === undefined ? new StreamTable(name!, project) : new StreamTable(name!, project, entity);
          const inOptions = new StreamTable(name!, { project, entity });
          return apart.name === inOptions.name ? { is: apart.name } : { apart: apart.name, inOptions: inOptions.name };
        } catch (error) {
          const isTyped = error instanceof StreamTableError && error instanceof Error;
          return { isTyped, code: (error as any).code, message: (error as any).message };
        }
      }),
    vectors,
  );
  for (const [idx, { is, code, message }] of vectors.entries()) {
    // Here nobody is logged in, so the default is the entity of a server without accounts.
    const expected = is === undefined ? { isTyped: true, code, message } : { is: is.replace(/^me\//, "local/") };
    expect(outcomes[idx], JSON.stringify(vectors[idx])).toEqual(expected);
  }
  const parts = outcomes.map((outcome) => /^the (entity|project|table) /.exec(outcome.message ?? "")?.[1]);
  expect(new Set(parts.filter(Boolean))).toEqual(new Set(["entity", "project", "table"]));
});

test("the first row prints the link to its table, once, and every call returns it", async ({ logPage, server, table }) => {
  const page = await logPage();
  const printed: string[] = [];
  page.on("console", (message) => printed.push(message.text()));
  const urls = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const urls = [st.log({ a: 1 }), st.log({ a: 2 }), st.log([]), st.url];
    await st.finish();
    return urls;
  }, table);
  const url = `${server.url}/table/${table}`;
  expect(urls).toEqual([url, url, url, url]);
  expect(printed.filter((text) => text.includes(url))).toHaveLength(1);
});

test("new rows are followed, each once and in order, until told to stop", async ({ logPage, table }) => {
  const [writer, reader] = [await logPage(), await logPage()];
  await reader.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const seen: unknown[] = [];
    const fromStart: unknown[] = [];
    const stopped: unknown[] = [];
    await new Promise<void>((resolve) => st.subscribe((row, offset) => seen.push([row.n, offset]), { onLive: () => resolve() }));
    st.subscribe((row, offset) => fromStart.push([row.n, offset]), { from: 0 });
    const stop = st.subscribe((row) => {
      stopped.push(row.n);
      stop();
    }, { from: 0 });
    Object.assign(globalThis, { seen, fromStart, stopped });
  }, table);
  await writer.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    for (let n = 0; n < 30; n++) {
      st.log({ n });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    st.log(Array.from({ length: 1000 }, (_, i) => ({ n: 30 + i })));
    await st.finish();
  }, table);
  const all = Array.from({ length: 1030 }, (_, n) => [n, n]);
  for (const list of ["seen", "fromStart"]) {
    await expect.poll(() => reader.evaluate((list) => (globalThis as any)[list].length, list)).toBe(1030);
    expect(await reader.evaluate((list) => (globalThis as any)[list], list)).toEqual(all);
  }
  expect(await reader.evaluate(() => (globalThis as any).stopped)).toEqual([0]);
});

test("a followed row has the cells that were logged", async ({ logPage, table }) => {
  const page = await logPage();
  const row = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const followed = new Promise((resolve) => st.subscribe(resolve, { from: 0 }));
    st.log({ when: new Date(5), big: 2n ** 60n, nan: NaN, bytes: new Uint8Array([1]), image: new Blob(["x"], { type: "image/gif" }) });
    await st.finish();
    return carried(await followed);
  }, table);
  const { timestamp, ...rest } = row;
  expect(rest).toStrictEqual({
    when: new Date(5),
    big: 2n ** 60n,
    nan: NaN,
    bytes: { bytes: [1] },
    image: { blob: "image/gif", bytes: [120] },
  });
  expect(timestamp).toBeInstanceOf(Date);
});
