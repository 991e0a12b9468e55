// The way of the rows: kept until the WebAssembly runs, sent once however often servers and answers are lost, counted.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { LossyProxy } from "./proxy.ts";
import type { StreamTableServer } from "./servers.ts";

/** The cells of a column, in order. */
async function column(server: StreamTableServer, table: string, name: string): Promise<unknown[]> {
  return (await server.rows(table, { columns: name })).map((row) => row[name]);
}

function upTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

test("a plain module script logs, and what it logs before the WebAssembly runs is kept", async ({ context, pages, server, table }) => {
  const script = `
    import { StreamTable } from "/streamtable/index.js";
    const st = new StreamTable("${table}", { server: "${server.url}" });
    for (let n = 0; n < 100; n++) st.log({ n });
    const before = st.status;
    await st.finish();
    globalThis.said = { before, after: st.status };`;
  pages.files.set("/plain.html", { body: `<!doctype html><title>Plain</title><script type="module">${script}</script>` });
  const page = await context.newPage();
  await page.goto(`${pages.url}/plain.html`);
  await page.waitForFunction(() => "said" in globalThis);
  const { before, after } = await page.evaluate(() => (globalThis as any).said);
  expect(before).toMatchObject({ state: "loading", queued: 100, sent: 0, acknowledged: 0 });
  expect(after).toMatchObject({ state: "finished", queued: 0, sent: 100, acknowledged: 100, bytes: 0 });
  expect(await column(server, table, "n")).toEqual(upTo(100));
});

test("a strict policy with 'wasm-unsafe-eval' is enough", async ({ context, pages, server, table }) => {
  const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src *";
  const script = `
    import { StreamTable } from "/streamtable/index.js";
    const st = new StreamTable("${table}", { server: "${server.url}" });
    st.log({ n: 1, image: new Blob(["x"], { type: "image/png" }) });
    await st.finish();
    document.title = "finished";`;
  pages.files.set("/strict.js", { body: script });
  pages.files.set("/strict.html", {
    body: `<!doctype html><title>Strict</title><script type="module" src="/strict.js"></script>`,
    headers: { "content-security-policy": policy },
  });
  const page = await context.newPage();
  await page.goto(`${pages.url}/strict.html`);
  await expect(page).toHaveTitle("finished");
  expect(await column(server, table, "n")).toEqual([1]);
});

test.describe("where the policy forbids WebAssembly", () => {
  test.use({ expectedErrors: /Content Security Policy/ });

  test("rows are kept and the reason is told", async ({ context, pages, table }) => {
    const script = `
      import { StreamTable } from "/streamtable/index.js";
      const st = new StreamTable("${table}");
      const told = [];
      st.on("error", (error) => told.push([error.code, error.message]));
      st.log({ n: 1 });
      const thrown = await st.flush().catch((error) => error.code);
      st.log({ n: 2 });
      globalThis.said = { told, thrown, status: st.status };`;
    pages.files.set("/forbidden.js", { body: script });
    pages.files.set("/forbidden.html", {
      body: `<!doctype html><title>Forbidden</title><script type="module" src="/forbidden.js"></script>`,
      headers: { "content-security-policy": "script-src 'self'" },
    });
    const page = await context.newPage();
    await page.goto(`${pages.url}/forbidden.html`);
    await page.waitForFunction(() => "said" in globalThis);
    const { told, thrown, status } = await page.evaluate(() => (globalThis as any).said);
    expect(told).toEqual([["wasm_blocked", expect.stringContaining("'wasm-unsafe-eval'")]]);
    expect(thrown).toBe("wasm_blocked");
    expect(status).toMatchObject({ state: "blocked", queued: 2, lastError: { code: "wasm_blocked" } });
  });
});

test("a worker logs like a page, pictures too", async ({ context, pages, server, table }) => {
  const script = `
    import { StreamTable } from "/streamtable/index.js";
    const st = new StreamTable("${table}", { server: "${server.url}" });
    const image = new ImageData(new Uint8ClampedArray([255, 0, 0, 255]), 1, 1);
    st.log([{ n: 0 }, { n: 1, image, bytes: new Uint8Array([1]) }, { n: 2 }]);
    await st.finish();
    postMessage(st.status);`;
  pages.files.set("/worker.js", { body: script });
  const page = await context.newPage();
  await page.goto(pages.url);
  const status = await page.evaluate(() => {
    const worker = new Worker("/worker.js", { type: "module" });
    return new Promise((resolve) => (worker.onmessage = (event) => resolve(event.data)));
  });
  expect(status).toMatchObject({ acknowledged: 3, rejected: 0 });
  expect(await column(server, table, "n")).toEqual([0, 1, 2]);
  expect((await column(server, table, "image"))[1]).toEqual({ $media: expect.stringMatching(/^data:image\/png;base64,iVBOR/) });
});

test("10,000 rows at once arrive in few requests, in order, gzipped, with no preflight", async ({ logPage, server, table }) => {
  const proxy = await LossyProxy.start(server.url);
  const page = await logPage(proxy.url);
  const { callMillis, millis } = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const rows = Array.from({ length: 10_000 }, (_, n) => ({ n, text: `row ${n}`, list: [n, n + 1], nested: { ok: n % 2 === 0 } }));
    const started = performance.now();
    st.log(rows);
    const callMillis = performance.now() - started;
    await st.finish();
    return { callMillis, millis: performance.now() - started };
  }, table);
  expect(await column(server, table, "n")).toEqual(upTo(10_000));
  expect(callMillis, "the page is not held up").toBeLessThan(500);
  expect(millis).toBeLessThan(10_000);
  expect(proxy.methods).toEqual(proxy.appends.map(() => "POST"));
  expect(proxy.appends.length).toBeLessThanOrEqual(3);
  for (const { headers, body } of proxy.appends) {
    expect(headers).toMatchObject({ "content-type": "text/plain" });
    expect(body.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  }
  expect(proxy.appends.reduce((n, { body }) => n + body.length, 0)).toBeLessThan(300_000);
  proxy.close();
});

test("status and events say what happens, and count every row once", async ({ logPage, table }) => {
  const page = await logPage();
  const said = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    const events: Record<string, any[]> = { status: [], error: [], ack: [], left: [] };
    st.on("status", (status) => events.status!.push(status));
    st.on("error", (error) => events.error!.push({ code: error.code, isRetried: error.isRetried }));
    st.on("ack", (ack) => events.ack!.push(ack));
    const leave = st.on("ack", (ack) => events.left!.push(ack));
    const idle = st.status;
    st.log([{ n: 0 }, { n: 1 }, { n: () => 1 } as {}]);
    const logged = st.status;
    await st.flush();
    leave();
    // More columns than a table may have: the server refuses that row and stores the other.
    st.log([Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`c${i}`, i])), { n: 2 }]);
    await st.finish();
    await new Promise((resolve) => setTimeout(resolve));
    return { idle, logged, end: st.status, events, n: await collect(st.rows({ columns: ["n"] })) };
  }, table);
  const nothing = { queued: 0, sent: 0, acknowledged: 0, rejected: 0, dropped: 0, recovered: 0, volatile: 0, bytes: 0, lastError: null };
  expect(said.idle).toEqual({ state: "idle", storage: "indexeddb", ...nothing });
  expect(said.logged).toMatchObject({ state: "loading", queued: 2, rejected: 1, lastError: { code: "bad_value" } });
  expect(said.logged.bytes).toBeGreaterThan(20);
  expect(said.end).toMatchObject({ state: "finished", queued: 0, sent: 4, acknowledged: 3, rejected: 2, dropped: 0, bytes: 0 });
  expect(said.end.lastError).toMatchObject({ code: "too_many_columns" });
  expect(said.n).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  expect(said.events.error).toEqual([
    { code: "bad_value", isRetried: false },
    { code: "too_many_columns", isRetried: false },
  ]);
  expect(said.events.ack).toEqual([
    { ackedSeq: 2, stored: 2, duplicates: 0, refused: 0, firstOffset: 0 },
    { ackedSeq: 4, stored: 1, duplicates: 0, refused: 1, firstOffset: 2 },
  ]);
  expect(said.events.left).toHaveLength(1);
  expect(said.events.status!.at(-1)).toEqual(said.end);
  expect(said.events.status!.some(({ state }) => state === "sending")).toBe(true);
});

test("finish closes: a later row is a typed error, and finishing again is the same end", async ({ logPage, server, table }) => {
  const page = await logPage();
  const outcome = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl });
    st.log({ n: 0 });
    const refused = () => {
      try {
        return st.log({ n: 1 });
      } catch (error) {
        return [error instanceof StreamTableError, (error as any).code];
      }
    };
    const ends = [st.finish(), st.finish()];
    const during = refused();
    await Promise.all(ends);
    await st.flush();
    return { during, after: refused(), status: st.status };
  }, table);
  expect(outcome.during).toEqual([true, "finished"]);
  expect(outcome.after).toEqual([true, "finished"]);
  expect(outcome.status).toMatchObject({ state: "finished", acknowledged: 1 });
  expect(await column(server, table, "n")).toEqual([0]);
});

for (const [how, leave] of [
  ["is left for another", (page: Page) => page.goto(`${page.url()}?elsewhere`)],
  ["is closed", (page: Page) => page.close({ runBeforeUnload: true })],
] as const) {
  test(`rows that wait when the page ${how} are sent as it goes, once`, async ({ logPage, server, table }) => {
    const page = await logPage();
    await page.evaluate(async (table) => {
      // Only the page's end can make the later rows go.
      const st = new StreamTable(table, { server: serverUrl, lingerMillis: 600_000 });
      st.log({ n: 0 });
      await st.flush();
      st.log([{ n: 1, large: "x".repeat(20_000) }, { n: 2 }]);
      st.log({ n: 3 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (st.status.queued !== 3) throw new Error("they went by themselves");
    }, table);
    await leave(page);
    await expect.poll(() => column(server, table, "n")).toEqual([0, 1, 2, 3]);
  });
}

test("of more than a browser lets a page send at its end, the oldest rows go", async ({ logPage, server, table }) => {
  const page = await logPage();
  await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl, lingerMillis: 600_000, maxBatchRows: 100_000 });
    st.log({ n: 0 });
    await st.flush();
    setTimeout(() => {
      for (let n = 1; n < 2000; n++) st.log({ n, text: "some more bytes" });
      location.href = "/?elsewhere";
    }, 50);
  }, table);
  await expect.poll(async () => (await column(server, table, "n")).length).toBeGreaterThan(500);
  const stored = await column(server, table, "n");
  expect(stored).toEqual(upTo(stored.length));
});

test("a page that is hidden and comes back doubles nothing", async ({ logPage, server, table }) => {
  const proxy = await LossyProxy.start(server.url);
  const page = await logPage(proxy.url);
  const acks = await page.evaluate(async (table) => {
    const st = new StreamTable(table, { server: serverUrl, lingerMillis: 600_000 });
    const acks: unknown[] = [];
    st.log({ n: 0 });
    await st.flush();
    st.on("ack", ({ stored, duplicates }) => acks.push([stored, duplicates]));
    st.log([{ n: 1 }, { n: 2 }]);
    await Promise.resolve();
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
    while ((await collect(st.rows())).length < 3);
    st.log({ n: 3 });
    await st.finish();
    document.dispatchEvent(new Event("visibilitychange"));
    return acks;
  }, table);
  expect(acks).toEqual([[1, 2]]);
  expect(await column(server, table, "n")).toEqual([0, 1, 2, 3]);
  expect(proxy.appends).toHaveLength(3);
  proxy.close();
});

test.describe("servers and answers that are lost", () => {
  test.use({ expectedErrors: /net::ERR_|WebSocket connection/ });

  test("a server that is down when rows are logged has every row once when it is up", async ({ logPage, own, table }) => {
    await own.stop();
    const page = await logPage(own.url);
    const down = await page.evaluate(async (table) => {
      const st = new StreamTable(table, { server: serverUrl, maxRetryMillis: 400 });
      const told: unknown[] = [];
      st.on("error", (error) => told.push([error.code, error.isRetried]));
      for (let n = 0; n < 50; n++) st.log({ n });
      const flushed = st.flush().then(() => "flushed");
      await new Promise((resolve) => setTimeout(resolve, 1200));
      for (let n = 50; n < 60; n++) st.log({ n });
      const waiting = await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, 20, "waiting"))]);
      Object.assign(globalThis, { st, told });
      return { waiting, status: st.status, told: [...told] };
    }, table);
    expect(down.waiting).toBe("waiting");
    expect(down.status).toMatchObject({ state: "retrying", queued: 60, acknowledged: 0, lastError: { code: "network" } });
    expect(down.told, "an outage is told once").toEqual([["network", true]]);
    await own.start();
    const up = await page.evaluate(async () => {
      await (globalThis as any).st.finish();
      return (globalThis as any).st.status;
    });
    expect(up).toMatchObject({ state: "finished", queued: 0, sent: 60, acknowledged: 60, rejected: 0, dropped: 0 });
    expect(await column(own, table, "n")).toEqual(upTo(60));
  });

  test("a server that is killed in the middle of a stream loses and doubles nothing, for writers and followers", async ({ logPage, own, table }) => {
    const page = await logPage(own.url);
    await page.evaluate((table) => {
      const st = new StreamTable(table, { server: serverUrl, lingerMillis: 10, maxRetryMillis: 300 });
      const followed: unknown[] = [];
      st.subscribe((row, offset) => followed.push([row.n, offset]), { from: 0 });
      let n = 0;
      const timer = setInterval(() => {
        for (let i = 0; i < 5; i++) st.log({ n: n++ });
        if (n === 2000) clearInterval(timer);
      }, 5);
      Object.assign(globalThis, { st, followed, isLogged: () => n === 2000 });
    }, table);
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 350));
      await own.stop("SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 150));
      await own.start();
    }
    await page.waitForFunction(() => (globalThis as any).isLogged());
    const status = await page.evaluate(async () => {
      await (globalThis as any).st.finish();
      return (globalThis as any).st.status;
    });
    expect(status).toMatchObject({ acknowledged: 2000, queued: 0, rejected: 0, dropped: 0 });
    expect(await column(own, table, "n")).toEqual(upTo(2000));
    await expect.poll(() => page.evaluate(() => (globalThis as any).followed.length), { timeout: 30_000 }).toBe(2000);
    expect(await page.evaluate(() => (globalThis as any).followed)).toEqual(upTo(2000).map((n) => [n, n]));
  });

  test("an answer that is lost after the commit does not double its rows", async ({ logPage, server, table }) => {
    const proxy = await LossyProxy.start(server.url);
    const page = await logPage(proxy.url);
    proxy.loseAnswers(4);
    const { status, acks } = await page.evaluate(async (table) => {
      const st = new StreamTable(table, { server: serverUrl, lingerMillis: 10, maxRetryMillis: 300 });
      const acks: { stored: number; duplicates: number }[] = [];
      st.on("ack", ({ stored, duplicates }) => acks.push({ stored, duplicates }));
      for (let n = 0; n < 200; n++) {
        st.log({ n });
        await new Promise((resolve) => setTimeout(resolve, 3));
      }
      await st.finish();
      return { status: st.status, acks };
    }, table);
    expect(proxy.n_lost).toBe(4);
    expect(await column(server, table, "n")).toEqual(upTo(200));
    expect(status).toMatchObject({ acknowledged: 200, queued: 0, rejected: 0, dropped: 0 });
    expect(acks.some(({ duplicates }) => duplicates > 0), "rows came twice and were known").toBe(true);
    expect(acks.reduce((n, { stored, duplicates }) => n + stored + duplicates, 0)).toBe(200);
    proxy.close();
  });

  test("a full queue drops the newest, counts them and tells", async ({ logPage, own, table }) => {
    await own.stop();
    const page = await logPage(own.url);
    const full = await page.evaluate(async (table) => {
      const st = new StreamTable(table, { server: serverUrl, maxQueueRows: 10, maxRetryMillis: 300 });
      const codes = new Set<string>();
      st.on("error", (error) => codes.add(error.code));
      st.log(Array.from({ length: 6 }, (_, n) => ({ n })));
      await new Promise((resolve) => setTimeout(resolve, 300));
      st.log(Array.from({ length: 6 }, (_, n) => ({ n: 6 + n })));
      await new Promise((resolve) => setTimeout(resolve, 100));
      Object.assign(globalThis, { st });
      return { status: st.status, codes: [...codes] };
    }, table);
    expect(full.status).toMatchObject({ state: "retrying", queued: 10, dropped: 2 });
    expect(full.codes.sort()).toEqual(["network", "queue_full"]);
    await own.start();
    await page.evaluate(() => (globalThis as any).st.finish());
    expect(await column(own, table, "n")).toEqual(upTo(10));
  });
});
