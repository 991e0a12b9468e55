// Tables of this browser on an IndexedDB in memory: dense offsets, each row once, rows as a server gives them, live.

import "fake-indexeddb/auto";

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { onTableChanged, tellTableChanged } from "../src/browser_news.js";
import { appendChunk, listRecords } from "../src/browser_store.js";
import { BrowserTable, deleteBrowserTable, listBrowserTables } from "../src/browser_table.js";
import { openDb, result } from "../src/db.js";
import { encodeRow } from "../src/encode.js";
import type { RowsOptions, StoredRow } from "../src/types.js";

const WRITER = "0123456789abcdef0123456789abcdef";
const OTHER = "f".repeat(32);

let nTables = 0;
const newTable = () => new BrowserTable(`local/tests/t${nTables++}`);
/** Lines of rows of one number each. */
const lines = (...ns: number[]) => ns.map((n) => `{"n":${n}}\n`).join("");
const logged = (...rows: object[]) => rows.map((row) => `${encodeRow(row, 5) as string}\n`).join("");

async function collect(table: BrowserTable, options?: RowsOptions): Promise<StoredRow[]> {
  const rows = [];
  for await (const row of table.rows(options)) rows.push(row);
  return rows;
}

const numbers = async (table: BrowserTable, options?: RowsOptions) => (await collect(table, options)).map((row) => row["n"]);

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** What following a table brings, as it comes. */
function follow(table: BrowserTable, from?: number) {
  const seen = { rows: [] as [unknown, number][], hellos: [] as number[], lost: [] as string[] };
  const onLive = (end: number) => void seen.hellos.push(end);
  const onLost = (reason: string) => void seen.lost.push(reason);
  const end = table.subscribe((row, offset) => seen.rows.push([row["n"], offset]), { from, onLive, onLost });
  ends.push(end);
  return { ...seen, end };
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const start = Date.now(); !isSo(); ) {
    assert.ok(Date.now() - start < 5000, `waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("offsets are dense whoever appends, and known rows are not stored again", async () => {
  const table = newTable();
  assert.deepEqual(await table.append(lines(1, 2), 2, WRITER, 1), { firstOffset: 0, nStored: 2 });
  assert.deepEqual(await table.append(lines(10), 1, OTHER, 1), { firstOffset: 2, nStored: 1 });
  assert.deepEqual(await table.append(lines(1, 2), 2, WRITER, 1), { firstOffset: 3, nStored: 0 });
  assert.deepEqual(await table.append(lines(2, 3, 4), 3, WRITER, 2), { firstOffset: 3, nStored: 2 });
  assert.deepEqual(await table.append(lines(9), 1, WRITER, 9), { firstOffset: 5, nStored: 1 });
  assert.deepEqual(await numbers(table), [1, 2, 10, 3, 4, 9]);
  const system = await collect(table, { system: true, columns: ["n"] });
  assert.deepEqual(
    system.map((row) => [row["_writer"], row["_seq"], row["_offset"]]),
    [[WRITER, 1n, 0n], [WRITER, 2n, 1n], [OTHER, 1n, 2n], [WRITER, 3n, 3n], [WRITER, 4n, 4n], [WRITER, 9n, 5n]],
  );
  assert.ok(system.every((row) => Math.abs(Number(row["_received"]) - Date.now()) < 10_000));
});

test("appends that were made at once are stored in the order of the calls", async () => {
  const table = newTable();
  const calls = Array.from({ length: 20 }, (_, idx) => table.append(lines(idx), 1, idx % 2 ? WRITER : OTHER, idx + 1));
  assert.deepEqual((await Promise.all(calls)).map((appended) => appended.firstOffset), calls.map((_, idx) => idx));
  assert.deepEqual(await numbers(table), calls.map((_, idx) => idx));
});

test("rows come back as they were logged, with every column of the table", async () => {
  const table = newTable();
  const row = { text: "a\nb\u2028", nan: NaN, minus: -0, big: 2n ** 60n, when: new Date(7), bytes: new Uint8Array([1]), list: [1, null] };
  const odd = JSON.parse('{"__proto__":1,"toString":null}') as object;
  await table.append(logged(row), 1, WRITER, 1);
  await table.append(logged(odd, {}), 2, WRITER, 2);
  const [first, second, third] = await collect(table);
  const columns = [...Object.keys(row), "timestamp", "__proto__", "toString"];
  for (const read of [first!, second!, third!]) assert.deepEqual(Object.keys(read), columns);
  assert.deepEqual({ ...first, ["__proto__"]: 0 }, { ...row, timestamp: new Date(0), ["__proto__"]: 0, toString: null });
  assert.equal(Object.getOwnPropertyDescriptor(second, "__proto__")?.value, 1);
  assert.equal(Object.getOwnPropertyDescriptor(third, "__proto__")?.value, null);
  assert.deepEqual([second!["text"], second!["toString"], third!["toString"]], [null, null, null]);
});

test("from, limit and columns choose what is read", async () => {
  const table = newTable();
  for (let at = 0; at < 12; at += 4) await table.append(lines(at, at + 1, at + 2, at + 3), 4, WRITER, at + 1);
  assert.deepEqual(await numbers(table, { from: 3, limit: 3 }), [3, 4, 5]);
  assert.deepEqual(await numbers(table, { from: 11 }), [11]);
  assert.deepEqual(await numbers(table, { limit: 0 }), []);
  assert.deepEqual(await numbers(table, { from: 12 }), []);
  assert.deepEqual(await collect(table, { from: 11, columns: ["_seq", "n", "n"] }), [{ _seq: 12n, n: 11 }]);
  await assert.rejects(collect(table, { columns: ["m"] }), { code: "unknown_column" });
  await assert.rejects(collect(table, { from: -1 }), { code: "bad_parameter" });
  await assert.rejects(collect(table, { limit: 0.5 }), { code: "bad_parameter" });
  await assert.rejects(collect(newTable()), { code: "unknown_table" });
});

test("what is larger than one look is read in pieces, up to the end there was at the call", async () => {
  const table = newTable();
  const wide = (n: number) => `${JSON.stringify({ n, text: "x".repeat(400_000) })}\n`;
  for (let n = 0; n < 8; n++) await table.append(wide(n), 1, WRITER, n + 1);
  const read: unknown[] = [];
  for await (const row of table.rows()) {
    if (read.length === 0) await table.append(lines(99), 1, WRITER, 9);
    read.push(row["n"]);
  }
  assert.deepEqual(read, [0, 1, 2, 3, 4, 5, 6, 7]);
  const followed = follow(table, 0);
  await until(() => followed.rows.length >= 9, "every row");
  assert.deepEqual(followed.rows.map(([n]) => n), [...read, 99]);

  const half = table.rows();
  assert.equal((await half.next()).value?.["n"], 0);
  await deleteBrowserTable(table.name);
  await table.append(wide(100), 1, OTHER, 1);
  const rest = async () => {
    for await (const row of half) assert.notEqual(row["n"], 100);
  };
  await assert.rejects(rest(), { code: "unknown_table", message: /deleted/ });
});

test("a follower gets the rows there are, then each new one once, in order", async () => {
  const table = newTable();
  const [all, fresh] = [follow(table, 0), follow(table)];
  await until(() => all.hellos.length + fresh.hellos.length === 2, "the greetings");
  for (let n = 0; n < 30; n += 3) await table.append(lines(n, n + 1, n + 2), 3, WRITER, n + 1);
  const [late, middle] = [follow(table), follow(table, 28)];
  await until(() => late.hellos.length === 1, "the greeting");
  await table.append(lines(30), 1, WRITER, 31);
  await until(() => [all, fresh, late, middle].every((follower) => follower.rows.at(-1)?.[1] === 30), "the last row");
  assert.deepEqual(all.rows, Array.from({ length: 31 }, (_, n) => [n, n]));
  assert.deepEqual(fresh.rows, all.rows);
  assert.deepEqual([late.rows, late.hellos], [[[30, 30]], [30]]);
  assert.deepEqual(middle.rows, [[28, 28], [29, 29], [30, 30]]);
  all.end();
  await table.append(lines(31), 1, WRITER, 32);
  await until(() => fresh.rows.at(-1)?.[1] === 31, "one more row");
  assert.equal(all.rows.length, 31);
});

test("a follower hears of rows that another tab adds, and finds those of which it hears nothing", async () => {
  const table = newTable();
  const followed = follow(table, 0);
  await until(() => followed.hellos.length === 1, "the greeting");
  // Another tab shares the database and the channel, and none of this page's memory.
  const channel = new BroadcastChannel("streamtable");
  const heard: unknown[] = [];
  channel.onmessage = ({ data }: MessageEvent) => void heard.push(data);
  const put = async (n: number, tell: boolean) => {
    const tx = (await openDb()).transaction(["tables", "rows"], "readwrite");
    const record = { id: "x", nextOffset: n + 1, nBytes: 0, created: 0, lastReceived: 0, columns: ["n"] };
    tx.objectStore("tables").put(record, table.name);
    tx.objectStore("rows").put({ lines: lines(n), nRows: 1, writer: OTHER, firstSeq: n + 1, received: 0 }, [table.name, n]);
    await new Promise((resolve) => (tx.oncomplete = resolve));
    if (tell) channel.postMessage({ table: table.name });
  };
  const start = Date.now();
  await put(0, true);
  await until(() => followed.rows.length === 1, "the row that was told of");
  assert.ok(Date.now() - start < 1000, "a message wakes the follower");
  await put(1, false);
  await until(() => followed.rows.length === 2, "the row that was not told of");
  tellTableChanged(table.name);
  await until(() => heard.length === 1, "the message");
  assert.deepEqual(heard, [{ table: table.name }]);
  channel.close();
});

test("a table that was deleted and made anew is followed from its first row", async () => {
  const table = newTable();
  await table.append(lines(1, 2, 3), 3, WRITER, 1);
  const followed = follow(table, 0);
  await until(() => followed.rows.length === 3, "the first rows");
  await deleteBrowserTable(table.name);
  await until(() => followed.hellos.at(-1) === 0, "the end of the table");
  await table.append(lines(4), 1, WRITER, 4);
  await until(() => followed.rows.length === 4, "the new table's row");
  // As many rows as before by the time that anybody looks: only the id tells.
  const before = await idOf(table);
  await Promise.all([deleteBrowserTable(table.name), table.append(lines(5, 6), 2, OTHER, 1)]);
  assert.notEqual(await idOf(table), before);
  await until(() => followed.rows.length === 6, "the third table's rows");
  assert.deepEqual(followed.rows.map(([n]) => n), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(followed.rows.slice(3).map(([, offset]) => offset), [0, 0, 1]);
  assert.deepEqual(followed.hellos, [3, 0, 0, 2]);
});

const idOf = async (table: BrowserTable) => (await listBrowserTables()).find(({ name }) => name === table.name)?.id;

test("tables are listed with what is known of them, and deleted with all that was", async () => {
  for (const { name } of await listBrowserTables()) await deleteBrowserTable(name);
  const [first, second] = [new BrowserTable("local/tests/a"), new BrowserTable("local/tests/b")];
  await second.append(lines(1), 1, WRITER, 1);
  await first.append(logged({ a: 1 }, { b: 2 }), 2, WRITER, 1);
  const listed = await listBrowserTables();
  assert.deepEqual(listed.map(({ name, nRows, columns }) => [name, nRows, columns]), [
    [first.name, 2, ["a", "timestamp", "b"]],
    [second.name, 1, ["n"]],
  ]);
  assert.equal(listed[1]!.nBytes, lines(1).length);
  assert.ok(listed.every(({ created, lastReceived }) => created <= lastReceived && Date.now() - Number(created) < 10_000));
  await deleteBrowserTable(first.name);
  await deleteBrowserTable("local/tests/never");
  const rows = (await openDb()).transaction("rows").objectStore("rows");
  assert.deepEqual(await result(rows.getAllKeys()), [[second.name, 0]]);
  assert.deepEqual((await listRecords()).map(([name]) => name), [second.name]);
  // The numbers of its writers went with it.
  assert.deepEqual(await first.append(lines(7), 1, WRITER, 1), { firstOffset: 0, nStored: 1 });
  assert.deepEqual(await numbers(first), [7]);
  assert.deepEqual(await numbers(second), [1]);
});

test("what the storage refuses has a code, and nothing of it is stored", async (t) => {
  const table = newTable();
  const put = IDBObjectStore.prototype.put;
  const fail = (name: string) =>
    t.mock.method(IDBObjectStore.prototype, "put", function (this: IDBObjectStore, value: unknown, key: IDBValidKey) {
      // The record is the last that an append puts.
      if (typeof key === "string") throw new DOMException("no", name);
      return put.call(this, value, key);
    });
  fail("QuotaExceededError");
  await assert.rejects(table.append(lines(1), 1, WRITER, 1), { name: "StreamTableError", code: "storage_full" });
  t.mock.restoreAll();
  fail("UnknownError");
  await assert.rejects(table.append(lines(1), 1, WRITER, 1), { code: "storage_unavailable" });
  t.mock.restoreAll();
  const wide = Object.fromEntries(Array.from({ length: 4097 }, (_, idx) => [`c${idx}`, 1]));
  await assert.rejects(table.append(logged(wide), 1, WRITER, 1), { code: "too_many_columns" });
  await assert.rejects(collect(table), { code: "unknown_table" });
  assert.deepEqual(await table.append(lines(1), 1, WRITER, 1), { firstOffset: 0, nStored: 1 });
});

test("a follower takes up a storage that failed where it stood", async (t) => {
  const table = newTable();
  await table.append(lines(1), 1, WRITER, 1);
  const followed = follow(table, 0);
  await until(() => followed.rows.length === 1, "the first row");
  t.mock.method(IDBDatabase.prototype, "transaction", () => {
    throw new DOMException("gone", "InvalidStateError");
  });
  tellTableChanged(table.name);
  await until(() => followed.lost.length > 0, "the failure");
  t.mock.restoreAll();
  await appendChunk(table.name, { lines: lines(2), nRows: 1, writer: WRITER, firstSeq: 2 });
  await until(() => followed.rows.length === 2, "the second row");
  assert.deepEqual([followed.rows.at(-1), followed.hellos.at(-1)], [[2, 1], 2]);
  assert.match(followed.lost[0]!, /gone/);
});

test("an append and a deletion are told, and what changes nothing is not", async () => {
  const table = newTable();
  const heard: string[] = [];
  ends.push(onTableChanged((name) => heard.push(name)));
  await table.append(lines(1), 1, WRITER, 1);
  assert.deepEqual(heard, [table.name]);
  await table.append(lines(1), 1, WRITER, 1);
  assert.deepEqual(heard, [table.name]);
  await deleteBrowserTable(table.name);
  assert.deepEqual(heard, [table.name, table.name]);
});

test("a followed row has only the cells that are not null", async () => {
  const table = newTable();
  await table.append('{"n":1,"none":null,"list":[null]}\n', 1, WRITER, 1);
  const rows: StoredRow[] = [];
  ends.push(table.subscribe((row) => rows.push(row), { from: 0 }));
  await until(() => rows.length === 1, "the row");
  assert.deepEqual(rows, [{ n: 1, list: [null] }]);
});

test("who listens no more is told no more", () => {
  const heard: string[] = [];
  const [off, offAgain] = [onTableChanged((name) => heard.push(name)), onTableChanged((name) => heard.push(`${name}!`))];
  tellTableChanged("t");
  off();
  tellTableChanged("u");
  offAgain();
  tellTableChanged("v");
  assert.deepEqual(heard, ["t", "t!", "u!"]);
});
