// Delivery against answers that no real server gives: whatever comes, no row is lost, none is doubled, and it is told.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { StreamTable, type StreamTableError, type StreamTableOptions } from "../src/index.js";
import { ack, answerWith, requests, reset, rows } from "./fake_server.js";

beforeEach(() => {
  reset();
  console.info = () => undefined;
  console.warn = () => undefined;
});

/** A table that does not wait long, and the errors it tells. */
function open(options: StreamTableOptions = {}): { st: StreamTable; errors: StreamTableError[] } {
  const st = new StreamTable("e/p/t", { server: "https://x.example", maxRetryMillis: 30, lingerMillis: 0, ...options });
  const errors: StreamTableError[] = [];
  st.on("error", (error) => errors.push(error));
  return { st, errors };
}

/** Answers the first requests in turn, and those after them as a server does. */
function answer(...answers: (() => Response)[]): void {
  answerWith((request) => (answers.shift() ?? (() => ack(request)))());
}

test("a request has its header and rows, and its ack and refusals are told", async () => {
  const refused = [{ index: 1, code: "bad_tag", message: "No." }];
  answerWith((request) => ack(request, { n_stored: 1, first_offset: 7, refused }));
  const { st, errors } = open({ key: 'k"ey' });
  const acks: unknown[] = [];
  st.on("ack", (ack) => acks.push(ack));
  st.log([{ a: 1, timestamp: 0 }, { a: 2, timestamp: 0 }]);
  await st.flush();
  const { url, init, header, isGzipped } = requests[0]!;
  assert.equal(url, "https://x.example/api/v1/tables/e/p/t/rows");
  assert.deepEqual([init.method, init.headers, isGzipped], ["POST", { "content-type": "text/plain" }, false]);
  assert.match(header.writer, /^[0-9a-f]{32}$/);
  assert.deepEqual([header.v, header.seq, header.key], [1, 1, 'k"ey']);
  assert.deepEqual(acks, [{ ackedSeq: 2, stored: 1, duplicates: 0, refused: 1, firstOffset: 7 }]);
  const [error] = errors;
  assert.deepEqual([error?.code, error?.message, error?.isRetried], ["bad_tag", "the server refused a row: No.", false]);
  assert.deepEqual([error?.seq, error?.rows], [2, [{ a: 2, timestamp: 0 }]]);
  const { acknowledged, rejected, queued, sent, bytes } = st.status;
  assert.deepEqual([acknowledged, rejected, queued, sent, bytes], [1, 1, 0, 2, 0]);
});

test("a large body is gzipped", async () => {
  const { st } = open();
  st.log(Array.from({ length: 100 }, () => ({ a: "é" })));
  await st.flush();
  assert.deepEqual([requests[0]?.isGzipped, rows().length, rows()[99]], [true, 100, '{"a":"é"}']);
});

test("no answer however odd loses a row", async () => {
  const throws = (thrown: unknown) => () => {
    throw thrown;
  };
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const thrown = [new TypeError("Failed to fetch"), undefined, Symbol("s"), { get message() { throw new Error("no"); } }, proxy];
  const bodies = ["", "<html>", "null", "[]", "{}", "5", '""', '{"acked_seq":-1}', '{"acked_seq":"1","n_stored":1}',
    '{"acked_seq":0,"n_stored":0,"refused":5}', '{"acked_seq":null,"refused":5}'];
  const faults: [number, string][] = [[500, ""], [502, "<html>"], [503, '{"error":null}'], [404, "no such page"], [429, '{"error":{"code":"busy","message":"Later."}}']];
  const answers = [
    ...thrown.map(throws),
    ...bodies.map((body) => () => new Response(body)),
    ...faults.map(([status, body]) => () => new Response(body, { status })),
  ];
  const nOdd = answers.length;
  answer(...answers);
  const { st, errors } = open();
  st.log({ a: 1 });
  await st.flush();
  assert.equal(requests.length, nOdd + 1);
  assert.equal(new Set(requests.map(({ header, lines }) => JSON.stringify([header, lines]))).size, 1, "the same rows, the same numbers");
  assert.deepEqual(errors.map(({ code, isRetried }) => [code, isRetried]), [["network", true]], "an outage is told once");
  assert.equal(st.status.lastError?.code, "busy", "and its newest reason is kept");
  assert.deepEqual([st.status.acknowledged, st.status.rejected], [1, 0]);
});

test("a request that is too much is split down to the row at fault, which is set aside", async () => {
  answerWith((request) => {
    const isTooMuch = request.lines.some((line) => line.includes('"n":3'));
    return isTooMuch ? new Response("", { status: 413 }) : ack(request);
  });
  const { st, errors } = open();
  st.log([1, 2, 3, 4, 5].map((n) => ({ n, timestamp: 0 })));
  await st.flush();
  assert.deepEqual([st.status.acknowledged, st.status.rejected], [4, 1]);
  assert.deepEqual(errors.map(({ code, rows, seq }) => [code, rows, seq]), [["http_413", [{ n: 3, timestamp: 0 }], 3]]);
});

test("rows that the server never takes are set aside, and the rest goes on", async () => {
  answer(() => Response.json({ error: { code: "unknown_path", message: "There is no such place." } }, { status: 404 }));
  const { st, errors } = open();
  st.log([{ n: 1 }, { n: 2 }]);
  await st.flush();
  st.log({ n: 3 });
  await st.flush();
  assert.deepEqual([st.status.acknowledged, st.status.rejected], [1, 2]);
  assert.match(errors[0]!.message, /refused 2 rows: There is no such place\./);
  assert.deepEqual(errors[0]!.rows.map(({ n }) => n), [1, 2]);
});

test("rows whose key is not taken wait for one that is", async () => {
  const no = () => Response.json({ error: { code: "key_revoked", message: "The key was revoked." } }, { status: 401 });
  answer(no, no);
  const { st, errors } = open();
  st.log([{ n: 1 }, { n: 2 }]);
  await st.flush();
  assert.deepEqual([st.status.acknowledged, st.status.rejected, requests.length], [2, 0, 3]);
  assert.deepEqual(errors.map(({ code, isRetried }) => [code, isRetried]), [["key_revoked", true]], "told once");
});

test("Retry-After is honoured, in seconds and as a date", async () => {
  const busy = (when: string) => () => new Response("", { status: 503, headers: { "retry-after": when } });
  answer(busy("1"), () => busy(new Date(Date.now() + 2000).toUTCString())());
  const { st } = open();
  st.log({ n: 1 });
  await st.flush();
  const [first, second, third] = requests.map(({ at }) => at);
  assert.ok(second! - first! >= 1000, `seconds: ${second! - first!}`);
  // A date has whole seconds.
  assert.ok(third! - second! >= 900, `a date: ${third! - second!}`);
});

test("rows logged while a request is under way go together in the next one", async () => {
  const { st } = open();
  let release = () => {};
  answerWith(async (request) => {
    if (requests.length === 1) await new Promise<void>((resolve) => (release = resolve));
    return ack(request);
  });
  const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis));
  for (let n = 0; n < 50; n++) {
    st.log({ n });
    while (requests.length === 0) await pause(5);
    await pause(1);
  }
  release();
  await st.flush();
  assert.equal(requests.length, 2);
  assert.deepEqual(rows(), Array.from({ length: 50 }, (_, n) => `{"n":${n}}`));
});

test("a full queue drops the newest, or the oldest where it is told to", async () => {
  for (const [whenFull, kept] of [["dropNewest", [0, 1, 2, 3]], ["dropOldest", [6, 7, 8, 9]]] as const) {
    reset();
    let isDown = true;
    answerWith((request) => (isDown ? new Response("", { status: 503 }) : ack(request)));
    const { st, errors } = open({ maxQueueRows: 4, whenFull });
    for (let n = 0; n < 10; n++) {
      st.log({ n });
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    assert.deepEqual([st.status.queued, st.status.dropped], [4, 6], whenFull);
    assert.ok(errors.some(({ code }) => code === "queue_full"));
    isDown = false;
    requests.length = 0;
    await st.flush();
    const stored = rows().map((line) => (JSON.parse(line) as { n: number }).n);
    assert.deepEqual([...new Set(stored)].slice(-4), kept, whenFull);
  }
});
