// Every kind of cell, logged in a real page and read back from the real server; and what is no cell.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";

/** Makes cells in the page. It is carried there as its text, so it knows nothing of this file. */
type Cells = () => unknown[];

/** Logs a row for each cell; gives the cells as they were and as they are read. */
async function roundTrip(page: Page, table: string, make: Cells): Promise<{ logged: unknown[]; read: unknown[] }> {
  return page.evaluate(
    async ({ table, make }) => {
      const cells = (0, eval)(`(${make})`)() as unknown[];
      const st = new StreamTable(table, { server: serverUrl });
      st.log(cells.map((cell) => ({ cell }) as {}));
      await st.finish();
      const rows = await collect(st.rows({ columns: ["cell"] }));
      return { logged: (await carried(cells)) as unknown[], read: rows.map(({ cell }) => cell) };
    },
    { table, make: make.toString() },
  );
}

const EVERY_TYPE: Cells = () => [
  null,
  true,
  false,
  0,
  -0,
  1.5,
  -1e-7,
  5e-324,
  Number.MAX_VALUE,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  2 ** 60,
  -(2 ** 63),
  1e21,
  NaN,
  Infinity,
  -Infinity,
  0n,
  2n ** 53n + 1n,
  2n ** 60n,
  -(2n ** 63n),
  2n ** 63n - 1n,
  "",
  "text",
  "é 日本 😀 \u0000 \u2028 \" \\ \n",
  "data:text/plain;base64,aGk=",
  "1",
  "NaN",
  new Date(0),
  new Date(1_700_000_000_123),
  new Date(-1),
  new Date(8.64e15),
  new Uint8Array(),
  new Uint8Array([0, 1, 254, 255]),
  [],
  {},
];

test("every type comes back as it was logged", async ({ logPage, table }) => {
  const { logged, read } = await roundTrip(await logPage(), table, EVERY_TYPE);
  expect(logged).toHaveLength(36);
  expect(read).toStrictEqual(logged);
});

test("every type comes back from a column of its own", async ({ logPage, table }) => {
  const page = await logPage();
  const { logged, read } = await page.evaluate(
    async ({ table, make }) => {
      const cells = (0, eval)(`(${make})`)() as unknown[];
      const st = new StreamTable(table, { server: serverUrl });
      st.log(Object.fromEntries(cells.map((cell, idx) => [`c${idx}`, cell])) as {});
      await st.finish();
      const [row] = await collect(st.rows());
      return { logged: (await carried(cells)) as unknown[], read: row };
    },
    { table, make: EVERY_TYPE.toString() },
  );
  expect(logged.map((_, idx) => read[`c${idx}`])).toStrictEqual(logged);
});

test("every type comes back from lists, from objects, and all at once", async ({ logPage, table }) => {
  const page = await logPage();
  const { logged, read } = await page.evaluate(
    async ({ table, make }) => {
      const cells = (0, eval)(`(${make})`)() as unknown[];
      const image = new Blob([new Uint8Array([1, 2])], { type: "image/webp" });
      const all = [...cells, image];
      const rows = [
        ...all.map((cell) => ({ v: [cell] })),
        ...all.map((cell) => ({ v: { a: { b: [{ c: cell }] } } })),
        { v: all },
        { v: Object.fromEntries(all.map((cell, idx) => [`k${idx}`, cell])) },
        { v: [[all], { a: all }] },
      ];
      const st = new StreamTable(table, { server: serverUrl });
      st.log(rows as {}[]);
      await st.finish();
      return { logged: (await carried(rows)) as unknown[], read: await collect(st.rows({ columns: ["v"] })) };
    },
    { table, make: EVERY_TYPE.toString() },
  );
  expect(logged).toHaveLength(37 + 37 + 3);
  expect(read).toStrictEqual(logged);
});

test("pictures of every kind are images with the pixels they had", async ({ logPage, table }) => {
  const page = await logPage();
  const seen = await page.evaluate(async (table) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 2, height: 2 });
    const context = canvas.getContext("2d")!;
    context.fillStyle = "#0a141e";
    context.fillRect(0, 0, 2, 2);
    const offscreen = new OffscreenCanvas(2, 2);
    offscreen.getContext("2d")!.drawImage(canvas, 0, 0);
    const pictures = {
      canvas,
      offscreen,
      data: context.getImageData(0, 0, 2, 2),
      bitmap: await createImageBitmap(canvas),
      blob: await new Promise<Blob>((resolve) => canvas.toBlob((blob) => resolve(blob!))),
      url: canvas.toDataURL("image/png"),
    };
    const st = new StreamTable(table, { server: serverUrl });
    st.log(pictures);
    // What is drawn after the call is not in the row.
    context.clearRect(0, 0, 2, 2);
    offscreen.getContext("2d")!.clearRect(0, 0, 2, 2);
    pictures.data.data.fill(0);
    pictures.bitmap.close();
    await st.finish();
    const seen: Record<string, unknown> = {};
    const row = (await st.rows({ columns: Object.keys(pictures) }).next()).value!;
    for (const [name, blob] of Object.entries(row)) {
      const bitmap = await createImageBitmap(blob as Blob);
      context.clearRect(0, 0, 2, 2);
      context.drawImage(bitmap, 0, 0);
      seen[name] = [(blob as Blob).type, bitmap.width, bitmap.height, ...context.getImageData(1, 1, 1, 1).data];
    }
    return seen;
  }, table);
  const picture = ["image/png", 2, 2, 10, 20, 30, 255];
  expect(seen).toEqual({ canvas: picture, offscreen: picture, data: picture, bitmap: picture, blob: picture, url: picture });
});

test("blobs of any type and size come back byte for byte", async ({ logPage, table }) => {
  const page = await logPage();
  const read = await page.evaluate(async (table) => {
    const bytes = new Uint8Array(1_000_000).map((_, i) => (i * 2654435761) >> 13);
    const st = new StreamTable(table, { server: serverUrl });
    st.log([
      { b: new Blob([bytes], { type: "image/png" }) },
      { b: new Blob([bytes], { type: "video/mp4; codecs=\"x\"" }) },
      { b: new Blob([]) },
      { b: new File(["hi"], "a.txt", { type: "text/plain" }) },
      { b: bytes },
      { b: bytes.subarray(10, 20) },
    ]);
    await st.finish();
    const read = [];
    for await (const { b } of st.rows()) {
      const isBlob = b instanceof Blob;
      const back = isBlob ? new Uint8Array(await b.arrayBuffer()) : (b as Uint8Array);
      const n_same = back.findIndex((byte, i) => byte !== bytes[i]);
      read.push([isBlob ? b.type : "bytes", back.length, n_same]);
    }
    return read;
  }, table);
  expect(read).toEqual([
    ["image/png", 1_000_000, -1],
    ["video/mp4", 1_000_000, -1],
    ["application/octet-stream", 0, -1],
    ["text/plain", 2, 0],
    ["bytes", 1_000_000, -1],
    ["bytes", 10, 0],
  ]);
});

test("keys come back as logged: dotted, empty, unicode, like a tag, __proto__", async ({ logPage, table }) => {
  const page = await logPage();
  const check = await page.evaluate(async (table) => {
    const text = '{"a.b":1,"":2,"日本":3,"a b\\"":4,"__proto__":{"__proto__":{"x":[1]}},"constructor":5,"toString":6,"tag":{"$f64":"NaN"},"more":{"$f64":"NaN","b":1},"$ts":7,"tags":[{"$obj":{"$i64":"1"}}]}';
    const row = JSON.parse(text) as {};
    const st = new StreamTable(table, { server: serverUrl });
    st.log(row);
    await st.finish();
    const read = (await st.rows().next()).value!;
    const followed = await new Promise<object>((resolve) => st.subscribe(resolve, { from: 0 }));
    const isClean = ({} as any).x === undefined && Object.getPrototypeOf(read) === Object.prototype;
    delete read["timestamp"];
    delete (followed as any)["timestamp"];
    return { text, read: JSON.stringify(read), followed: JSON.stringify(followed), isClean };
  }, table);
  expect(check.read).toBe(check.text);
  expect(check.followed).toBe(check.text);
  expect(check.isClean).toBe(true);
});

test("a lone surrogate reads back as U+FFFD, in texts and in keys, and whole pairs stay", async ({ logPage, table }) => {
  const page = await logPage();
  const rows = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    st.log({ text: "a\ud800b\udc00\ud83d\ude00", nested: { "k\udfff": ["\ud83d"] }, "c\ud800": 1 });
    await st.finish();
    return collect(st.rows({ columns: ["text", "nested", "c\ufffd"] }));
  }, table);
  expect(rows).toStrictEqual([{ text: "a\ufffdb\ufffd😀", nested: { "k\ufffd": ["\ufffd"] }, "c\ufffd": 1 }]);
});

test("undefined is a missing cell, and null within a list", async ({ logPage, server, table }) => {
  const page = await logPage();
  await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    st.log({ a: undefined, b: { c: undefined, d: 1 }, e: [undefined, 1] });
    await st.finish();
  }, table);
  const [row] = await server.rows(table);
  expect(Object.keys(row!)).toEqual(["b", "e", "timestamp"]);
  expect(row).toMatchObject({ b: { d: 1 }, e: [null, 1] });
  expect(Object.keys(row!["b"] as object)).toEqual(["d"]);
});

test("collections and objects of a class are stored as what they hold", async ({ logPage, table }) => {
  const page = await logPage();
  const rows = await page.evaluate(async (table) => {
    class Point {
      x = 1;
      #secret = 2;
      get y() {
        return this.#secret;
      }
    }
    const st = new StreamTable(table, { server: serverUrl });
    const cells = [
      new Map<string, unknown>([["a", new Set([1, "b"])]]),
      new Float32Array([0.5, NaN]),
      new BigInt64Array([1n]),
      new Uint16Array([1]).buffer,
      new Point(),
      new URL("http://x.example/"),
      Object.assign(new TypeError("no"), { extra: 1 }),
      Object.create(null, { k: { value: 1, enumerable: true } }),
      Object.freeze([Object.freeze({ a: 1 })]),
      new Proxy({ a: 1 }, {}),
    ];
    st.log(cells.map((cell) => ({ cell }) as {}));
    st.log(new Map([["cell", 7]]) as {});
    await st.finish();
    return collect(st.rows({ columns: ["cell"] }));
  }, table);
  expect(rows.map(({ cell }) => cell)).toStrictEqual([
    { a: [1, "b"] },
    [0.5, NaN],
    [1n],
    { bytes: [1, 0] },
    { x: 1 },
    "http://x.example/",
    { name: "TypeError", message: "no", extra: 1 },
    { k: 1 },
    [{ a: 1 }],
    { a: 1 },
    7,
  ]);
});

test("what is no cell rejects its row alone, with a typed error that says where", async ({ logPage, table }) => {
  const page = await logPage();
  const outcome = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const errors: unknown[] = [];
    st.on("error", (error) => errors.push([error instanceof StreamTableError, error.code, error.path]));
    const cycle: Record<string, unknown> = { n: 1 };
    cycle["self"] = { again: [cycle] };
    const shared = { s: 1 };
    const empty = Object.assign(document.createElement("canvas"), { width: 0, height: 0 });
    const bad: [string, unknown][] = [
      ["function", () => 1],
      ["symbol", Symbol("s")],
      ["cycle", cycle],
      ["deep", { a: [{ b: () => 1 }] }],
      ["bigint", 2n ** 63n],
      ["date", new Date(NaN)],
      ["promise", Promise.resolve(1)],
      ["element", document.body],
      ["canvas", empty],
      ["getter", Object.defineProperty({}, "boom", { enumerable: true, get: () => { throw new Error("no"); } })],
    ];
    st.log({ n: 0 });
    for (const [name, cell] of bad) st.log({ [name]: cell } as {});
    st.log([{ n: 1 }, { f: () => 1 } as {}, null as unknown as {}, 5 as unknown as {}, { _seq: 1 }, { n: 2 }]);
    st.log({ n: 3, twice: [shared, shared] });
    await st.finish();
    return { errors, rows: await collect(st.rows({ columns: ["n", "twice"] })), status: st.status };
  }, table);
  expect(outcome.errors).toEqual([
    [true, "bad_value", "function"],
    [true, "bad_value", "symbol"],
    [true, "bad_value", "cycle.self.again[0]"],
    [true, "bad_value", "deep.a[0].b"],
    [true, "bigint_range", "bigint"],
    [true, "invalid_date", "date"],
    [true, "bad_value", "promise"],
    [true, "bad_value", "element"],
    [true, "bad_value", "canvas"],
    [true, "bad_value", "getter.boom"],
    [true, "bad_value", "f"],
    [true, "not_a_row", ""],
    [true, "not_a_row", ""],
    [true, "system_column", "_seq"],
  ]);
  expect(outcome.rows.map(({ n }) => n)).toEqual([0, 1, 2, 3]);
  expect(outcome.rows[3].twice).toEqual([{ s: 1 }, { s: 1 }]);
  expect(outcome.status).toMatchObject({ acknowledged: 4, rejected: 14, queued: 0, dropped: 0 });
});

test("a row is copied by the call: what changes afterwards changes nothing", async ({ logPage, table }) => {
  const page = await logPage();
  const [row] = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const row = { n: 1, list: [1, { a: 1 }], bytes: new Uint8Array([1, 2]), date: new Date(5), map: new Map([["k", 1]]) };
    st.log(row);
    row.n = 9;
    row.list.push(9);
    (row.list[1] as { a: number }).a = 9;
    row.bytes.fill(9);
    row.date.setTime(9);
    row.map.set("k", 9);
    (row as any).more = 9;
    await st.finish();
    return collect(st.rows());
  }, table);
  const { timestamp: _, ...rest } = row;
  expect(rest).toStrictEqual({ n: 1, list: [1, { a: 1 }], bytes: { bytes: [1, 2] }, date: new Date(5), map: { k: 1 } });
});

test("the timestamp is the microsecond of the call, unless the row brings its own", async ({ logPage, server, table }) => {
  const page = await logPage();
  const bounds = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const clock = () => Math.floor((performance.timeOrigin + performance.now()) * 1000);
    const bounds = [];
    for (let i = 0; i < 20; i++) {
      const before = clock();
      st.log({ i });
      bounds.push([before, clock()]);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    // Rows that wait for long keep the time of their call.
    await new Promise((resolve) => setTimeout(resolve, 300));
    st.log([{ i: 20, timestamp: new Date(1_234) }, { i: 21, timestamp: "yesterday" }, { i: 22, timestamp: null }]);
    await st.finish();
    return bounds;
  }, table);
  const rows = await server.rows(table, { system: "true" });
  const micros = rows.slice(0, 20).map((row) => (row["timestamp"] as { $ts: number }).$ts);
  for (const [i, [before, after]] of bounds.entries()) {
    expect(micros[i]).toBeGreaterThanOrEqual(before! - 1_000);
    expect(micros[i]).toBeLessThanOrEqual(after! + 1_000);
  }
  expect(micros).toEqual([...micros].sort((a, b) => a - b));
  expect(micros.some((at) => at % 1000 !== 0), "finer than a millisecond").toBe(true);
  expect(rows.slice(20).map((row) => row["timestamp"])).toEqual([{ $ts: 1_234_000 }, "yesterday", null]);
  const received = rows.map((row) => (row["_received"] as { $ts: number }).$ts);
  expect(received.every((at, i) => i >= 20 || at >= micros[i]! - 20_000)).toBe(true);
});
