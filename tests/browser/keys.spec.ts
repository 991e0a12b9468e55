// Keys: pages log with one to write, the board and the element read with one to read, and all say why where it is refused.

import { readFile } from "node:fs/promises";
import type { Download, Page } from "@playwright/test";
import { expect, test as base } from "./fixtures.ts";
import { shownNumber } from "./grid.ts";
import { StreamTableServer } from "./servers.ts";

interface Given {
  /** A server that has keys: one to write and one to read the tables of `acme`, one to administer them. */
  keyed: StreamTableServer;
  keys: { write: string; read: string; admin: string };
}

const test = base.extend<Given>({
  // What a browser says of the refusals that the tests bring about.
  expectedErrors: /401 \(Unauthorized\)|403 \(Forbidden\)/,
  keyed: async ({ pages }, use) => {
    const keyed = new StreamTableServer();
    keyed.key("--entity", "acme", "--right", "write", "--origin", pages.url);
    await keyed.start();
    await use(keyed);
    await keyed.remove();
  },
  keys: async ({ keyed, pages }, use) => {
    const key = (right: string, ...more: string[]) => keyed.key("--entity", "acme", "--right", right, ...more);
    const keys = { write: key("write", "--origin", pages.url), read: key("read"), admin: key("admin") };
    await expect.poll(async () => (await keyed.fetch("/key", keys.admin)).status).toBe(200);
    await use(keys);
  },
});

/** Logs rows in a page with a key to a table that stays open, and gives the table's name, what came back and the codes that were told. */
function log(page: Page, key: string, n_rows: number, isWaited = true): Promise<{ name: string; acknowledged: number; told: string[] }> {
  return page.evaluate(
    async ([key, n_rows, isWaited]) => {
      const st = new StreamTable("site/visits", { server: serverUrl, key, maxRetryMillis: 200 });
      const told: string[] = [];
      st.on("error", ({ code }) => told.push(code));
      st.log(Array.from({ length: n_rows }, (_, n) => ({ n, city: `city ${n}` })));
      if (isWaited) await st.flush();
      else while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      return { name: st.name, acknowledged: st.status.acknowledged, told };
    },
    [key, n_rows, isWaited] as const,
  );
}

test("rows are logged with a key to write and read by a link, until it is revoked", async ({ context, keyed, keys, logPage }) => {
  const addresses: string[] = [];
  context.on("request", (request) => addresses.push(request.url()));
  context.on("page", (page) => page.on("websocket", (socket) => addresses.push(socket.url())));
  const pageOfSite = await logPage(keyed.url);
  expect(await log(pageOfSite, keys.write, 100)).toEqual({ name: "acme/site/visits", acknowledged: 100, told: [] });

  const page = await context.newPage();
  await page.goto(`${keyed.url}/#key=${keys.read}`);
  await page.locator('[data-name="acme/site/visits"]').getByRole("link").click();
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(100);
  expect(page.url()).not.toContain("st_read");
  await log(pageOfSite, keys.write, 5);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(105);

  await page.getByTestId("export").click();
  // It opens apart, and where the browser tells of it depends on which is faster.
  const downloaded = new Promise<Download>((resolve) => {
    page.on("download", resolve);
    context.on("page", (opened) => opened.on("download", resolve));
  });
  await page.getByTestId("export-formats").getByRole("button", { name: "CSV", exact: true }).click();
  const file = await downloaded;
  const lines = (await readFile(await file.path(), "utf8")).trimEnd().split("\r\n");
  expect([file.suggestedFilename(), lines.length]).toEqual(["visits.csv", 106]);
  await expect(page.getByTestId("export-formats")).toHaveCount(0);

  keyed.revoke(keys.read);
  await expect(page.getByTestId("connection")).toHaveText("Not allowed");
  await expect(page.getByTestId("connection")).toHaveAttribute("title", /was revoked/);
  expect(await shownNumber(page, "rows-shown"), "what was read stays").toBe(105);
  await page.reload();
  await expect(page.getByRole("heading", { name: "The server does not allow it" })).toBeVisible();
  await page.screenshot({ path: new URL(".output/key_revoked.png", import.meta.url).pathname });
  await page.goto(`${keyed.url}/`);
  await expect(page.getByRole("alert")).toContainText("was revoked");
  await page.screenshot({ path: new URL(".output/key_revoked_home.png", import.meta.url).pathname });
  // Only the page's own address had it, behind the #, and that goes to no server.
  expect(addresses.filter((address) => /st_(read|write|admin)_/.test(new URL(address).pathname + new URL(address).search))).toEqual([]);
  // Another link in the same tab takes its place.
  await page.goto(`${keyed.url}/#key=${keys.admin}`);
  await expect(page.locator('[data-name="acme/site/visits"]').getByRole("link")).toBeVisible();
});

test("the element reads with its key", async ({ context, keyed, keys, logPage, pages }) => {
  await log(await logPage(keyed.url), keys.write, 30);
  const body = (key: string) => `<!doctype html><stream-table name="site/visits" server="${keyed.url}" key="${key}"></stream-table>
    <script type="module" src="/streamtable/panel.js"></script>`;
  pages.files.set("/keyed.html", { body: body(keys.read) });
  const page = await context.newPage();
  await page.goto(`${pages.url}/keyed.html`);
  const inside = page.locator("stream-table").locator("iframe").contentFrame();
  await expect(inside.getByTestId("rows-shown")).toContainText("30");
  await page.locator("stream-table").evaluate((element, key) => element.setAttribute("key", key), keys.write);
  await expect(inside.getByRole("heading", { name: "The server does not allow it" })).toBeVisible();
  await expect(inside.getByText("allows to append")).toBeVisible();
  pages.files.delete("/keyed.html");
});

test("rows whose key is refused wait for a page with another", async ({ keyed, keys, logPage, pages }) => {
  const old = keyed.key("--entity", "acme", "--right", "write", "--origin", pages.url);
  await expect.poll(async () => (await keyed.fetch("/key", old, pages.url)).status).toBe(200);
  keyed.revoke(old);
  await expect.poll(async () => (await keyed.fetch("/key", old, pages.url)).status).toBe(401);
  const page = await logPage(keyed.url);
  expect(await log(page, old, 3, false)).toEqual({ name: "acme/site/visits", acknowledged: 0, told: ["key_revoked"] });
  expect(await page.evaluate(async ([key]) => {
    const st = new StreamTable("site/visits", { server: serverUrl, key });
    return st.rows()[Symbol.asyncIterator]().next().then(() => "", ({ code }) => code);
  }, [keys.write])).toBe("key_right");
  await page.close();
  expect((await (await keyed.fetch("/tables", keys.admin)).json()).tables).toEqual([]);
  await log(await logPage(keyed.url), keys.write, 1);
  await expect.poll(async () => (await (await keyed.fetch("/tables", keys.admin)).json()).tables[0].n_rows).toBe(4);
});

test("a page that finishes its table while it takes care of an earlier visit's rows sends none with the key of that visit", async ({ keyed, keys, logPage, pages }) => {
  const old = keyed.key("--entity", "acme", "--right", "write", "--origin", pages.url);
  await expect.poll(async () => (await keyed.fetch("/key", old, pages.url)).status).toBe(200);
  keyed.revoke(old);
  await expect.poll(async () => (await keyed.fetch("/key", old, pages.url)).status).toBe(401);
  const before = await logPage(keyed.url);
  // Many writers, so that to look through them takes longer than to log a row and finish.
  for (let n = 0; n < 20; n++) await log(before, old, 1, false);
  await before.close();
  const page = await logPage(keyed.url);
  const statuses: number[] = [];
  page.on("response", (response) => response.url().endsWith("/rows") && statuses.push(response.status()));
  await page.evaluate(async ([key]) => {
    const st = new StreamTable("site/visits", { server: serverUrl, key });
    st.log({ n: 0 });
    await st.finish();
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }, [keys.write]);
  expect(statuses.length).toBeGreaterThan(0);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  await log(page, keys.write, 1);
  await expect.poll(async () => (await (await keyed.fetch("/tables", keys.admin)).json()).tables[0].n_rows).toBe(22);
});

test("a key to read follows a table", async ({ keyed, keys, logPage }) => {
  const page = await logPage(keyed.url);
  const followed = page.evaluate(([key]) => new Promise((resolve) => {
    const st = new StreamTable("site/visits", { server: serverUrl, key });
    st.subscribe((row) => resolve(row["n"]), { from: 0 });
  }), [keys.read]);
  await log(page, keys.write, 1);
  expect(await followed).toBe(0);
});

test("a table that the server answers for is read with the key, too", async ({ context, keyed, keys, logPage }) => {
  await log(await logPage(keyed.url), keys.write, 40);
  const page = await context.newPage();
  await page.goto(`${keyed.url}/table/acme/site/visits?memory=1KB#key=${keys.read}`);
  await expect(page.getByTestId("memory")).toContainText("On the server");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(40);
  // What a column holds, and how a computed one would look, are asked for apart.
  await page.getByTestId("add-filter").click();
  await page.locator(".popover .item").filter({ hasText: "city" }).click();
  await expect(page.locator(".popover").getByText("city 39")).toBeVisible();
  await page.keyboard.press("Escape");
  keyed.revoke(keys.read);
  await expect(page.getByTestId("connection")).toHaveText("Not allowed");
});
