// The class, with no storage and a network that a test answers: what it keeps, in which order, and what it tells.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { StreamTable, StreamTableError } from "../src/index.js";
import type { Status } from "../src/index.js";
import { checkClock, nowMicros } from "../src/time.js";
import { ack, answerWith, requests, reset, rows } from "./fake_server.js";

beforeEach(() => {
  reset();
  console.info = () => undefined;
  console.warn = () => undefined;
});

test("the address is returned, and told once", async () => {
  const told: string[] = [];
  console.info = (text: string) => void told.push(text);
  const st = new StreamTable("t", { project: "p", server: "https://x.org/", board: "https://y.org" });
  assert.equal(st.log({}), "https://y.org/table/local/p/t");
  assert.equal(st.log([]), st.url);
  assert.equal(new StreamTable("e/p/t").url, "http://127.0.0.1:7700/table/e/p/t");
  assert.equal(new StreamTable("t", "p", "e").name, "e/p/t");
  await st.flush();
  assert.deepEqual([told.length, told[0]?.includes(st.url)], [1, true]);
});

test("what cannot be a table or a server throws", () => {
  assert.throws(() => new StreamTable("a/b/c/d"), { name: "StreamTableError", code: "name_too_many_parts" });
  assert.throws(() => new StreamTable("p/t", "q"), { code: "name_part_twice" });
  assert.throws(() => new StreamTable("t", { server: "example.org" }), { code: "bad_argument" });
  assert.throws(() => new StreamTable(undefined as unknown as string), { code: "bad_argument" });
});

test("rows are copied at the call and handed over once a task, in order", async () => {
  const st = new StreamTable("t");
  const row = { a: 1, b: { c: [1] } };
  st.log(row);
  row.a = 9;
  row.b.c.push(9);
  st.log([{ n: 2 }, { n: 3 }]);
  assert.deepEqual(requests, [], "not within the call");
  assert.equal(st.status.queued, 3);
  await st.flush();
  assert.equal(requests.length, 1);
  assert.deepEqual(rows(), ['{"a":1,"b":{"c":[1]}}', '{"n":2}', '{"n":3}']);
});

test("a row whose media is still being read holds its place", async () => {
  const st = new StreamTable("t");
  let release = () => {};
  const slow = new Blob(["hi"], { type: "image/png" });
  slow.arrayBuffer = () => new Promise((resolve) => (release = () => resolve(new TextEncoder().encode("hi").buffer as ArrayBuffer)));
  st.log({ n: 1 });
  st.log({ n: 2, b: slow });
  st.log({ n: 3 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual([rows(), st.status.queued], [['{"n":1}'], 2]);
  const flushed = st.flush();
  release();
  await flushed;
  assert.deepEqual(rows(), ['{"n":1}', '{"n":2,"b":{"$media":"data:image/png;base64,aGk="}}', '{"n":3}']);
});

test("media that cannot be read rejects its row alone", async () => {
  const st = new StreamTable("t");
  const errors: StreamTableError[] = [];
  st.on("error", (error) => errors.push(error));
  const broken = new Blob(["x"]);
  broken.arrayBuffer = () => Promise.reject(new Error("gone"));
  st.log([{ n: 1 }, { b: broken }, { n: 3 }]);
  await st.flush();
  assert.deepEqual(rows(), ['{"n":1}', '{"n":3}']);
  assert.deepEqual([st.status.rejected, errors.length, errors[0]?.code], [1, 1, "bad_value"]);
});

test("bad rows are rejected alone, counted and told", async () => {
  const st = new StreamTable("t");
  const codes: string[] = [];
  st.on("error", (error) => codes.push(error.code));
  const log = (row: unknown) => st.log(row as object as {});
  log([{ n: 1 }, { f: () => 1 }, 5, { n: 2 }, { _seq: 1 }]);
  log(null);
  log("x");
  await st.flush();
  assert.deepEqual(rows(), ['{"n":1}', '{"n":2}']);
  assert.deepEqual(codes, ["bad_value", "not_a_row", "system_column", "not_a_row", "not_a_row"]);
  assert.equal(st.status.rejected, 5);
  assert.equal(st.status.lastError?.code, "not_a_row");
});

test("the queue is bounded before the WebAssembly runs too", async () => {
  const st = new StreamTable("t", { maxQueueRows: 2 });
  const codes: string[] = [];
  st.on("error", (error) => codes.push(error.code));
  st.log([{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.deepEqual([st.status.queued, st.status.dropped, codes], [2, 1, ["queue_full"]]);
  await st.flush();
  assert.deepEqual(rows(), ['{"n":1}', '{"n":2}']);
});

test("log after finish throws, and finish is one", async () => {
  const st = new StreamTable("t");
  st.log({ n: 1 });
  const finished = st.finish();
  assert.throws(() => st.log({ n: 2 }), { name: "StreamTableError", code: "finished" });
  assert.equal(st.finish(), finished);
  await finished;
  assert.equal(st.status.state, "finished");
  assert.deepEqual(rows(), ['{"n":1}']);
});

test("listeners are told, can leave, and cannot break anything", async () => {
  const st = new StreamTable("t");
  const seen: Status[] = [];
  const errors: unknown[] = [];
  globalThis.reportError = (error: unknown) => void errors.push(error);
  st.on("status", () => {
    throw new Error("mine");
  });
  const f = (status: Status) => void seen.push(status);
  const off = st.on("status", f);
  st.on("status", f);
  let nStored = 0;
  st.on("ack", (ack) => (nStored += ack.stored));
  st.log({ n: 1 });
  await st.flush();
  await Promise.resolve();
  const nSeen = seen.length;
  assert.ok(nSeen >= 2 && nSeen % 2 === 0 && errors.length === nSeen / 2);
  assert.equal(nStored, 1);
  off();
  st.log({ n: 2 });
  await st.flush();
  await Promise.resolve();
  assert.ok(seen.length > nSeen);
  assert.throws(() => st.on("nothing" as "status", f), { code: "bad_argument" });
});

test("the time of a call follows the wall clock, and never lags after a sleep", (t) => {
  const near = () => {
    checkClock();
    return Math.abs(nowMicros() / 1000 - Date.now()) < 25;
  };
  assert.ok(near());
  const real = performance.now.bind(performance);
  t.mock.method(performance, "now", () => real() - 3_600_000);
  assert.ok(near(), "the fine clock stood still for an hour");
  t.mock.restoreAll();
  assert.ok(near(), "and went on");
});
