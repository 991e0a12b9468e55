// Following a table against a connection that a test speaks for: rows join up, and whatever is said, it goes on.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { StreamTable, type StreamTableError } from "../src/index.js";

class FakeSocket {
  static all: FakeSocket[] = [];
  onmessage: ((event: { data: unknown }) => void) | undefined;
  onclose: ((event: { code: number; reason: string }) => void) | undefined;
  isClosed = false;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  close(): void {
    this.isClosed = true;
  }
  say(message: unknown): void {
    this.onmessage?.({ data: typeof message === "object" && !(message instanceof ArrayBuffer) ? JSON.stringify(message) : message });
  }
}
Object.assign(globalThis, { WebSocket: FakeSocket });

beforeEach(() => {
  FakeSocket.all = [];
  console.warn = () => undefined;
});

async function socket(n: number): Promise<FakeSocket> {
  for (let tries = 0; FakeSocket.all.length < n; tries++) {
    assert.ok(tries < 400, `connection ${n} never came`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return FakeSocket.all[n - 1]!;
}

function open(): { st: StreamTable; errors: StreamTableError[] } {
  const st = new StreamTable("e/p/t", { server: "https://x.example" });
  const errors: StreamTableError[] = [];
  st.on("error", (error) => errors.push(error));
  return { st, errors };
}

test("a tail joins up and is taken up where it ended", async () => {
  const { st, errors } = open();
  const seen: unknown[] = [];
  const live: number[] = [];
  const end = st.subscribe((row, offset) => seen.push([offset, row["n"]]), { from: 5, onLive: (next) => live.push(next) });
  const first = await socket(1);
  assert.equal(first.url, "wss://x.example/api/v1/tail/e/p/t?format=json&from=5");
  const rows = (first_offset: number, ...numbers: number[]) => ({ type: "rows", first_offset, rows: numbers.map((n) => ({ n })) });
  first.say({ type: "hello", next_offset: 20 });
  first.say(rows(5, 5, 6));
  first.say(rows(6, 6, 7));
  first.say(rows(5, 5));
  first.say(rows(9, 9));
  const second = await socket(2);
  assert.equal(second.url, "wss://x.example/api/v1/tail/e/p/t?format=json&from=8");
  assert.ok(first.isClosed);
  first.say(rows(8, 88));
  second.say({ type: "hello", next_offset: 20 });
  second.say(rows(8, 8));
  assert.deepEqual(seen, [[5, 5], [6, 6], [7, 7], [8, 8]]);
  assert.deepEqual([live, errors.map(({ code }) => code)], [[20, 20], ["tail_lost"]]);
  assert.match(errors[0]!.message, /rows from offset 8 are missing/);
  // The table was made anew, with fewer rows than were read.
  second.say({ type: "hello", next_offset: 2 });
  const third = await socket(3);
  assert.ok(third.url.endsWith("&from=0") && second.isClosed);
  third.say({ type: "hello", first_offset: 0, next_offset: 2, created_micros: 10 });
  third.say(rows(0, 0, 1));
  assert.deepEqual(seen.slice(4), [[0, 0], [1, 1]]);
  // Made anew once more, and with more rows; the first of them were dropped already.
  third.say({ type: "hello", first_offset: 3, next_offset: 9, created_micros: 20 });
  const fourth = await socket(4);
  assert.ok(fourth.url.endsWith("&from=3") && third.isClosed);
  // What was dropped meanwhile is not waited for.
  fourth.say({ type: "hello", first_offset: 7, next_offset: 9, created_micros: 20 });
  fourth.say(rows(7, 7));
  assert.deepEqual(seen.slice(6), [[7, 7]]);
  end();
  assert.ok(fourth.isClosed);
  fourth.say(rows(8, 8));
  assert.equal(seen.length, 7);
});

test("no message however odd ends a tail", async () => {
  for (const message of ["", "{", "null", "5", "{}", { type: "rows", rows: [] }, { type: "rows", first_offset: 0, rows: {} },
    { type: "error", error: { code: "io", message: "The disk broke." } }, { type: "error" }, new ArrayBuffer(3)]) {
    FakeSocket.all = [];
    const { st, errors } = open();
    const end = st.subscribe(() => assert.fail("no row came"));
    const first = await socket(1);
    assert.equal(first.url, "wss://x.example/api/v1/tail/e/p/t?format=json");
    first.say(message);
    await socket(2);
    assert.equal(errors[0]?.code, "tail_lost", JSON.stringify(message));
    end();
  }
});

test("a closed connection says why, and a listener that throws loses no row", async () => {
  for (const [code, reason, expect] of [
    [1006, "", "the server cannot be reached"],
    [1001, "the server is stopping", "the server is stopping"],
    [1000, "", "the server closed the connection (1000)"],
  ] as const) {
    FakeSocket.all = [];
    const { st, errors } = open();
    const thrown: unknown[] = [];
    globalThis.reportError = (error: unknown) => void thrown.push(error);
    const end = st.subscribe((row) => {
      throw row;
    });
    const first = await socket(1);
    first.say({ type: "rows", first_offset: 0, rows: [{ n: 1 }, { n: 2 }] });
    assert.equal(thrown.length, 2);
    first.onclose?.({ code, reason });
    await socket(2);
    assert.ok(errors[0]?.message.endsWith(expect), errors[0]?.message);
    end();
  }
});
