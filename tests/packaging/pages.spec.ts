// Pages without a bundler, from the files of the tarball: scripts, workers, and policies.

import path from "node:path";

import { expect, test } from "../browser/fixtures.ts";
import { type OwnFile, servePages } from "../browser/servers.ts";
import { expectLogged, expectRows } from "./expected.ts";
import { project } from "./projects.ts";

const FOLDERS = { "/streamtable/": path.join(project("page"), "node_modules/streamtable"), "/src/": path.join(project("page"), "src") };
const ICON = `<link rel="icon" href="data:,">`;

/** Serves a page of this HTML, and files of a test's own, beside the package's files. */
async function serve(html: string, headers: Record<string, string> = {}, files: Record<string, OwnFile> = {}) {
  const own = new Map(Object.entries({ "/page.html": { body: `<!doctype html>${ICON}${html}`, headers }, ...files }));
  return { ...(await servePages(FOLDERS, own)), own };
}

test("a script of a page's own logs", async ({ context, server, table }) => {
  const { url, close } = await serve(`<script type="module">
    import { StreamTable } from "./streamtable/index.js";
    import { log, show } from "./src/log.js";
    show(log(StreamTable, location.href));
  </script>`);
  await expectLogged(context, `${url}/page.html`, server, table);
  close();
});

test("the slim entry keeps what is logged before it is started", async ({ context, server, table }) => {
  const imports = { "streamtable/slim": "/streamtable/slim.js" };
  const { url, close } = await serve(`<script type="importmap">${JSON.stringify({ imports })}</script>
    <script type="module" src="/src/late.js"></script>`);
  await expectLogged(context, `${url}/page.html`, server, table);
  close();
});

test("a module worker logs", async ({ context, server, table }) => {
  const worker = `import { StreamTable } from "/streamtable/index.js"; import { log } from "/src/log.js";
    onmessage = ({ data }) => log(StreamTable, data).then(postMessage);`;
  const { url, close } = await serve(`<script type="module" src="/src/threads.js"></script>`, {}, { "/src/worker.js": { body: worker } });
  await expectLogged(context, `${url}/page.html`, server, table);
  close();
});

test.describe("slim", () => {
  test("says what is missing, unreachable or of another kind, and takes the right thing after that", async ({ context, server, table }) => {
    const { url, close } = await serve("");
    const page = await context.newPage();
    await page.goto(`${url}/page.html`);
    const told = await page.evaluate(
      async ([server, table]) => {
        const { start, StreamTable } = await import(/* @vite-ignore */ `${location.origin}/streamtable/slim.js`);
        const codes: string[] = [];
        const tell = (error: { code: string }) => codes.push(error.code);
        const early = new StreamTable(table, { server });
        early.log({ n: 0 });
        await early.flush().catch(tell);
        codes.push(early.status.state, String(early.status.queued));
        await start(Promise.resolve(undefined)).catch(tell);
        await start("data:application/wasm,nonsense").catch(tell);
        await start(new Response("", { status: 404 })).catch(tell);
        await start("http://127.0.0.1:1/").catch(tell);
        await start(new URL("/streamtable/streamtable.wasm", location.href)).catch(tell);
        const st = new StreamTable(table, { server });
        st.log({ n: 1 });
        await st.finish();
        return [...codes, st.status.acknowledged];
      },
      [server.url, table] as const,
    );
    const missing = ["wasm_missing", "blocked", "1"];
    expect(told).toEqual([...missing, "bad_argument", "wasm_blocked", "wasm_unavailable", "wasm_unavailable", 1]);
    close();
  });
  // A port that nobody listens at is told on the console.
  test.use({ expectedErrors: /ERR_(CONNECTION_REFUSED|UNSAFE_PORT)/ });
});

test.describe("policies", () => {
  const policy = (more: string) => ({ "content-security-policy": `default-src 'none'; img-src data:; connect-src http://127.0.0.1:*; script-src 'self'${more}` });
  const SCRIPT = `<script type="module" src="/src/page.js"></script>`;
  /** Like `main.js`, and it keeps the table for the test to look at. */
  const files = {
    "/src/page.js": {
      body: `import { StreamTable } from "/streamtable/index.js";
        const query = new URL(location.href).searchParams;
        globalThis.st = new StreamTable(query.get("table"), { server: query.get("server") });
        st.on("error", ({ code }) => (document.title = code));
        st.on("ack", () => (document.title = "stored " + st.status.acknowledged));
        if (query.has("log")) st.log([{ n: 0, text: "from a page", when: new Date(0) }, { n: 1 }, { n: 2, image: new Blob(["x"], { type: "image/png" }) }]);`,
    },
  };

  test("a strict one that allows wasm is enough", async ({ context, server, table }) => {
    const { url, close } = await serve(SCRIPT, policy(" 'wasm-unsafe-eval'"), files);
    await expectLogged(context, `${url}/page.html?log`, server, table);
    close();
  });

  test.describe("one that does not allow wasm", () => {
    test.use({ expectedErrors: /Content Security Policy|unsafe-eval/ });

    test("is told, and the rows are kept for a visit under one that does", async ({ context, server, table }) => {
      const { url, own, close } = await serve(SCRIPT, policy(""), files);
      const page = await context.newPage();
      await page.goto(`${url}/page.html?${new URLSearchParams({ log: "", server: server.url, table })}`);
      await expect(page).toHaveTitle("wasm_blocked");
      const { state, queued, lastError } = await page.evaluate(() => (globalThis as unknown as { st: { status: any } }).st.status);
      expect([state, queued, lastError.code]).toEqual(["blocked", 3, "wasm_blocked"]);
      expect(lastError.message).toContain("'wasm-unsafe-eval'");
      await page.close();

      // The next visit finds them, once the policy allows it.
      own.set("/page.html", { ...own.get("/page.html")!, headers: policy(" 'wasm-unsafe-eval'") });
      const later = await context.newPage();
      await later.goto(`${url}/page.html?${new URLSearchParams({ server: server.url, table: `${table}-other` })}`);
      await expect.poll(() => expectRows(server, table).then(() => true, () => false)).toBe(true);
      await later.close();
      close();
    });
  });
});
