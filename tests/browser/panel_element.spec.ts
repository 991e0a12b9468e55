// The element `<stream-table>` in pages of another origin than the server's: what it shows, how it is asked for something
// else, how several live on one page, and what it says where it cannot run.

import { spawnSync } from "node:child_process";
import path from "node:path";
import type { FrameLocator, Page } from "@playwright/test";
import type { StreamTablePanel } from "../../crates/client/npm/src/panel/index.ts";
import { expect, test as base } from "./fixtures.ts";
import { allRowIds, drawnRows, header, offsetsByNumberDescending, rowsWithOffsets, shownNumber } from "./grid.ts";
import { needs, PACKAGE } from "./servers.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;
const CITIES = ["Berlin", "Lagos", "Lima", "Osaka"];

/** An event of an element; `text` is the code of an error. */
type Told = { type: string; text: string; expression: string };

interface Given {
  /** Opens a page of another origin with this body; its policy, if it has one, holds for all it does. */
  embed: (body: string, policy?: string) => Promise<Page>;
}

const test = base.extend<Given>({
  embed: async ({ context, pages }, use) => {
    needs(path.join(PACKAGE, "panel.js"));
    const address = `/panel-${process.pid}-${Math.random().toString(36).slice(2)}.html`;
    await use(async (body, policy) => {
      const head = '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">';
      const script = '<script type="module" src="/panel-test.js"></script>';
      pages.files.set("/panel-test.js", { body: PAGE_SCRIPT });
      const headers: Record<string, string> = policy === undefined ? {} : { "content-security-policy": policy };
      pages.files.set(address, { body: `${head}<title>A page</title>${body}${script}`, headers });
      const page = await context.newPage();
      await page.goto(pages.url + address);
      return page;
    });
    pages.files.delete(address);
  },
});

/** Runs in the page: registers the element, and notes what its elements tell. */
const PAGE_SCRIPT = `
globalThis.told = [];
for (const type of ["expressionchange", "error"]) {
  addEventListener(type, (event) => {
    const text = event.error?.code ?? event.type;
    told.push({ type, text, message: event.message, expression: event.detail?.expression });
  }, { capture: true });
}
import("/streamtable/panel.js");
`;

function told(page: Page): Promise<Told[]> {
  return page.evaluate(() => (globalThis as unknown as { told: Told[] }).told);
}

/** What is in an element's frame. */
function inside(page: Page, nth = 0): FrameLocator {
  return page.locator("stream-table").nth(nth).locator("iframe").contentFrame();
}

function element(table: string, server: string, more = ""): string {
  return `<stream-table name="${table}" server="${server}" ${more}></stream-table>`;
}

function someRows(n_rows: number, from = 0): { n: number; temperature: number; city: string; note: string }[] {
  return Array.from({ length: n_rows }, (_, idx) => {
    const n = from + idx;
    return { n, temperature: ((n * 7919) % 1000) / 10, city: CITIES[n % 4]!, note: `reading ${n}` };
  });
}

test("a page of another origin shows a table's rows, live", async ({ server, table, embed }) => {
  await server.append(table, someRows(2000));
  const page = await embed(`<h1>Readings</h1>${element(table, server.url)}<p>Below.</p>`);
  const panel = inside(page);
  await expect(panel.getByTestId("rows-shown")).toHaveText("2,000");
  await expect(panel.getByText("reading 3", { exact: true })).toBeVisible();
  await expect(panel.getByTestId("connection")).toHaveText("Live");
  await server.append(table, someRows(500, 2000));
  await expect(panel.getByTestId("rows-shown")).toHaveText("2,500");
  expect((await drawnRows(panel)).length).toBeLessThan(40);
  expect(await page.locator("stream-table").boundingBox()).toMatchObject({ height: 480 });
  // The board's bar with its links is not the page's business.
  await expect(panel.getByTestId("theme")).toHaveCount(0);
  expect(await told(page)).toEqual([]);
  await page.screenshot({ path: `${OUTPUT}panel-element.png` });
});

test("what is clicked sorts and filters, and the page is told; its address stays", async ({ server, table, embed }) => {
  await server.append(table, someRows(400));
  const page = await embed(element(table, server.url));
  const address = page.url();
  const panel = inside(page);
  await expect(panel.getByTestId("rows-shown")).toHaveText("400");
  await header(panel, "temperature").click();
  await header(panel, "temperature").click();
  await expect(header(panel, "temperature")).toHaveAttribute("aria-sort", "descending");
  expect(await allRowIds(panel)).toEqual(offsetsByNumberDescending(await rowsWithOffsets(server, table), "temperature"));

  await panel.getByTestId("add-filter").click();
  await panel.getByRole("dialog").getByRole("button", { name: "city" }).click();
  await panel.getByRole("dialog").getByText("Lima", { exact: true }).click();
  await expect(panel.getByTestId("rows-shown")).toHaveText("100");
  await page.keyboard.press("Escape");
  await expect(panel.getByRole("dialog")).toHaveCount(0);

  const expression = `table("${table}").rows().filter(row => row["city"] == "Lima").sort(row => row["temperature"], "desc")`;
  const state = await page.evaluate(() => {
    const element = document.querySelector("stream-table")!;
    return { property: element.expression, attribute: element.getAttribute("expression") };
  });
  expect(state).toEqual({ property: expression, attribute: null });
  expect((await told(page)).map(({ type }) => type)).toEqual(["expressionchange", "expressionchange", "expressionchange"]);
  expect((await told(page)).at(-1)!.expression).toBe(expression);
  expect(page.url()).toBe(address);
});

test("attributes and properties change what is shown", async ({ server, table, embed }) => {
  const other = `${table}-other`;
  await server.append(table, someRows(400));
  await server.append(other, someRows(7));
  const lima = `table("${table}").rows().filter(row => row["city"] == "Lima")`;
  const page = await embed(element(table, server.url, `expression='${lima}'`));
  const panel = inside(page);
  await expect(panel.getByTestId("rows-shown")).toHaveText("100");
  await expect(panel.getByTestId("chip")).toHaveText(/city.*Lima/);

  const change = (f: (panel: StreamTablePanel, text: string) => void, text = "") =>
    page.locator("stream-table").evaluate(f as (element: SVGElement | HTMLElement, text: string) => void, text);
  await change((panel, text) => (panel.expression = text), lima.replace("Lima", "Osaka"));
  await expect(panel.getByTestId("chip")).toHaveText(/city.*Osaka/);
  await change((panel) => panel.setAttribute("expression", "nonsense("));
  await expect(panel.getByTestId("expression-error")).toBeVisible();
  await expect(panel.getByTestId("rows-shown")).toHaveText("100");
  expect((await told(page)).at(-1)).toMatchObject({ type: "error", text: "bad_expression" });
  await change((panel) => panel.removeAttribute("expression"));
  await expect(panel.getByTestId("expression-error")).toHaveCount(0);
  await expect(panel.getByTestId("rows-shown")).toHaveText("400");
  // Another table starts with all of its rows.
  await change((panel, text) => (panel.expression = text), lima);
  await expect(panel.getByTestId("rows-shown")).toHaveText("100");
  await change((panel, text) => (panel.name = text), other);
  await expect(inside(page).getByTestId("rows-shown")).toHaveText("7");
  await expect(inside(page).getByTestId("expression-error")).toHaveCount(0);
  expect((await told(page)).filter(({ type }) => type === "error").length).toBe(1);
  await expect.poll(() => page.workers().length).toBe(1);

  await change((panel) => (panel.name = "a/b/c/d"));
  await expect(page.locator("stream-table").getByRole("alert")).toContainText("at most three parts");
  expect((await told(page)).at(-1)).toMatchObject({ type: "error", text: "name_too_many_parts" });
  await expect(page.locator("stream-table iframe")).toHaveCount(0);
  await expect.poll(() => page.workers().length).toBe(0);
});

test("several elements live on one page, and what is removed is let go", async ({ server, own, table, embed }) => {
  const [first, second] = [`${table}-a`, `${table}-b`];
  await server.append(first, someRows(30));
  await own.append(second, someRows(50));
  const page = await embed(element(first, server.url) + element(second, own.url) + element(first, server.url));
  for (const [nth, n_rows] of [[0, "30"], [1, "50"], [2, "30"]] as const) {
    await expect(inside(page, nth).getByTestId("rows-shown")).toHaveText(n_rows);
  }
  // What shows one table shares one worker, which holds it once.
  expect(page.workers().length).toBe(2);
  await header(inside(page, 0), "n").click();
  await header(inside(page, 0), "n").click();
  await expect(header(inside(page, 0), "n")).toHaveAttribute("aria-sort", "descending");
  await expect(header(inside(page, 2), "n")).not.toHaveAttribute("aria-sort", "descending");

  // One is taken out and kept; put back it shows what it showed.
  await page.evaluate(() => {
    const kept = document.querySelector("stream-table")!;
    Object.assign(globalThis, { kept });
    kept.remove();
  });
  await expect(page.locator("stream-table")).toHaveCount(2);
  await server.append(first, someRows(1, 30));
  await expect(inside(page, 1).getByTestId("rows-shown")).toHaveText("31");
  expect(page.workers().length).toBe(2);
  await page.evaluate(() => document.body.append((globalThis as unknown as { kept: Element }).kept));
  await expect(inside(page, 2).getByTestId("rows-shown")).toHaveText("31");
  await expect(header(inside(page, 2), "n")).toHaveAttribute("aria-sort", "descending");

  await page.locator("stream-table").first().evaluate((panel) => panel.remove());
  await expect.poll(() => page.workers().length).toBe(1);
  await page.evaluate(() => document.body.replaceChildren());
  await expect.poll(() => page.workers().length).toBe(0);
  expect(page.frames().length).toBe(1);
});

test("panels that come and go leave no memory behind", async ({ context, server, table, embed }) => {
  await server.append(table, someRows(5000));
  const page = await embed("<main></main>");
  await page.evaluate(() => customElements.whenDefined("stream-table").then(() => undefined));
  const session = await context.newCDPSession(page);
  const used: { n_bytes: number; n_documents: number; n_nodes: number }[] = [];
  for (let round = 0; round < 6; round += 1) {
    await page.evaluate((html) => void (document.querySelector("main")!.innerHTML = html), element(table, server.url));
    await expect(inside(page).getByTestId("rows-shown")).toHaveText("5,000");
    await page.evaluate(() => document.querySelector("main")!.replaceChildren());
    await expect.poll(() => page.workers().length).toBe(0);
    for (let n = 0; n < 3; n += 1) await session.send("HeapProfiler.collectGarbage");
    const heap = (await session.send("Runtime.getHeapUsage")) as { usedSize: number; backingStorageSize?: number };
    const dom = await session.send("Memory.getDOMCounters");
    const n_bytes = heap.usedSize + (heap.backingStorageSize ?? 0);
    used.push({ n_bytes, n_documents: dom.documents, n_nodes: dom.nodes });
  }
  const [first, last] = [used[1]!, used.at(-1)!];
  expect([last.n_documents, last.n_nodes]).toEqual([1, first.n_nodes]);
  expect(last.n_bytes - first.n_bytes, JSON.stringify(used)).toBeLessThan(500_000);
});

test("one that is taken out while it loads leaves nothing behind", async ({ server, table, embed }) => {
  await server.append(table, someRows(3));
  const page = await embed("<main></main>");
  await page.evaluate(async (html) => {
    await customElements.whenDefined("stream-table");
    const main = document.querySelector("main")!;
    for (const millis of [0, 0, 5, 20, 60, 150]) {
      main.innerHTML = html;
      await new Promise((resolve) => setTimeout(resolve, millis));
      main.replaceChildren();
    }
    main.innerHTML = html;
  }, element(table, server.url));
  await expect(inside(page).getByTestId("rows-shown")).toHaveText("3");
  await expect.poll(() => page.workers().length).toBe(1);
  expect(page.frames().length).toBe(2);
  expect(await told(page)).toEqual([]);
});

test("a table that lives in this browser is shown like any other", async ({ table, embed }) => {
  const page = await embed(element(table, "browser"));
  const panel = inside(page);
  await expect(panel.getByText("Waiting for the first row")).toBeVisible();
  await page.evaluate(async (table) => {
    const { StreamTable } = (await import(new URL("/streamtable/index.js", location.href).href)) as typeof import("../../crates/client/npm/src/index.ts");
    const st = new StreamTable(table, { server: null });
    st.log([{ n: 1 }, { n: 2 }, { n: 3 }]);
    await st.finish();
  }, table);
  await expect(panel.getByTestId("rows-shown")).toHaveText("3");
  await expect(panel.getByTestId("connection")).toHaveText("Live");
  await page.evaluate(async (table) => {
    const { StreamTablePanel } = (await import(new URL("/streamtable/panel.js", location.href).href)) as typeof import("../../crates/client/npm/src/panel/index.ts");
    document.body.append(StreamTablePanel.of({ name: table, server: null }, { expression: `table("${table}").rows().filter(row => row["n"] > 1)` }));
  }, table);
  await expect(inside(page, 1).getByTestId("rows-shown")).toHaveText("2");
});

test("the keyboard goes into the panel and out again", async ({ server, table, embed }) => {
  await server.append(table, someRows(60));
  const page = await embed(`<button>Before</button>${element(table, server.url)}<button>After</button>`);
  const panel = inside(page);
  await expect(panel.getByTestId("rows-shown")).toHaveText("60");
  // What is typed in the panel is no shortcut of the page's.
  await page.evaluate(() => {
    const pressed: string[] = [];
    Object.assign(globalThis, { pressed });
    addEventListener("keydown", (event) => pressed.push(event.key), { capture: true });
  });
  await page.getByRole("button", { name: "Before" }).focus();
  await page.keyboard.press("Tab");
  await expect(panel.getByTestId("expression")).toBeFocused();
  await page.keyboard.press("End");
  await page.keyboard.type(".limit(5)");
  await page.keyboard.press("Escape");
  await panel.getByTestId("grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(panel.locator("[role=row][aria-selected=true]")).toHaveAttribute("data-row-id", "1");
  await page.keyboard.press("Tab");
  for (let n_tabs = 0; n_tabs < 30 && !(await isFocused(page, "After")); n_tabs += 1) await page.keyboard.press("Tab");
  expect(await isFocused(page, "After")).toBe(true);
  expect(await page.evaluate(() => (globalThis as unknown as { pressed: string[] }).pressed)).toEqual(["Tab"]);
  // A script that focuses the element gets into the panel as well.
  await page.evaluate(() => document.querySelector("stream-table")!.focus());
  expect(await page.evaluate(() => document.activeElement?.localName)).toBe("stream-table");
});

function isFocused(page: Page, name: string): Promise<boolean> {
  return page.evaluate((name) => document.activeElement?.textContent === name, name);
}

test("it is dark where the page is dark, unless it is told otherwise", async ({ server, table, embed }) => {
  await server.append(table, someRows(200));
  const page = await embed(`<style>.night { background: oklch(0.2 0.03 260); color: white }</style>${element(table, server.url)}`);
  const panel = inside(page);
  await expect(panel.getByTestId("rows-shown")).toHaveText("200");
  const isDark = () =>
    panel.locator("body").evaluate((body) => {
      const [red, green, blue] = getComputedStyle(body).backgroundColor.match(/[\d.]+/g)!.map(Number);
      return red! + green! + blue! < 240;
    });
  // The system's wish is not the page's: this page says nothing of being able to be dark.
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await isDark()).toBe(false);
  await page.evaluate(() => document.body.classList.add("night"));
  await expect.poll(isDark).toBe(true);
  await page.screenshot({ path: `${OUTPUT}panel-element-dark.png` });
  await page.evaluate(() => document.body.classList.remove("night"));
  await expect.poll(isDark).toBe(false);
  await page.evaluate(() => document.documentElement.setAttribute("style", "color-scheme: light dark"));
  await expect.poll(isDark).toBe(true);
  await page.emulateMedia({ colorScheme: "light" });
  await expect.poll(isDark).toBe(false);
  await page.locator("stream-table").evaluate((element) => element.setAttribute("theme", "dark"));
  await expect.poll(isDark).toBe(true);
});

test("on a phone it is as narrow as the screen, and its menus stay inside", async ({ server, table, embed }) => {
  await server.append(table, someRows(300));
  const page = await embed(`<style>body { margin: 0 }</style>${element(table, server.url)}`);
  await page.setViewportSize({ width: 320, height: 640 });
  const panel = inside(page);
  await expect(panel.getByTestId("rows-shown")).toHaveText("300");
  const widest = () => panel.locator("html").evaluate((root) => root.scrollWidth);
  expect(await widest()).toBeLessThanOrEqual(320);
  await page.screenshot({ path: `${OUTPUT}panel-element-phone.png` });
  await panel.getByTestId("add-filter").click();
  const dialog = panel.getByRole("dialog");
  await dialog.getByRole("button", { name: "city" }).click();
  await expect(dialog.getByText("Lima", { exact: true })).toBeVisible();
  const [menu, box] = [(await dialog.boundingBox())!, (await page.locator("stream-table").boundingBox())!];
  expect(menu.x).toBeGreaterThanOrEqual(box.x);
  expect(menu.x + menu.width).toBeLessThanOrEqual(box.x + box.width);
  expect(menu.y + menu.height).toBeLessThanOrEqual(box.y + box.height);
  await page.screenshot({ path: `${OUTPUT}panel-element-phone-menu.png` });
});

test.describe("where the server goes away", () => {
  test.use({ expectedErrors: /WebSocket connection/ });

  test("the panel says so, tells the page once, and goes on when it is back", async ({ own, table, embed }) => {
    await own.append(table, someRows(5));
    await own.stop();
    const page = await embed(element(table, own.url));
    const panel = inside(page);
    await expect(panel.getByRole("heading", { name: "The server does not answer" })).toBeVisible();
    expect(await told(page)).toMatchObject([{ type: "error", text: "tail_lost" }]);
    await page.screenshot({ path: `${OUTPUT}panel-element-away.png` });
    await own.start();
    await expect(panel.getByTestId("rows-shown")).toHaveText("5", { timeout: 20_000 });
    expect((await told(page)).length).toBe(1);
  });
});

test.describe("under a policy", () => {
  test.use({ expectedErrors: /Content Security Policy|Content-Security-Policy/ });

  test("a strict one that lets it run is enough", async ({ server, table, embed }) => {
    await server.append(table, someRows(120));
    const tail = server.url.replace("http", "ws");
    const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; connect-src ${tail}; img-src data:`;
    const page = await embed(element(table, server.url), policy);
    const refused: string[] = [];
    page.on("console", (message) => message.type() === "error" && refused.push(message.text()));
    const panel = inside(page);
    await expect(panel.getByTestId("rows-shown")).toHaveText("120");
    await header(panel, "temperature").click();
    await panel.getByTestId("add-filter").click();
    await expect(panel.getByRole("dialog")).toBeVisible();
    const rows = await drawnRows(panel);
    expect(rows[1]!.top - rows[0]!.top, "rows are styled, and stand one below the other").toBe(28);
    expect(refused.filter((text) => !text.includes("favicon"))).toEqual([]);
    await page.screenshot({ path: `${OUTPUT}panel-element-policy.png` });
  });

  for (const [what, policy, code, sentence] of [
    ["WebAssembly", "script-src 'self'; worker-src blob:", "wasm_blocked", "'wasm-unsafe-eval' in script-src"],
    ["workers from blobs", "script-src 'self' 'wasm-unsafe-eval'", "worker_blocked", "blob: in worker-src"],
  ] as const) {
    test(`one that forbids ${what} is named in a sentence`, async ({ server, table, embed }) => {
      const page = await embed(element(table, server.url), policy);
      await expect(page.locator("stream-table").getByRole("alert")).toContainText(sentence);
      expect(await told(page)).toMatchObject([{ type: "error", text: code }]);
      await expect(page.locator("stream-table iframe")).toHaveCount(0);
      expect(page.workers().length).toBe(0);
      await page.screenshot({ path: `${OUTPUT}panel-element-${code}.png` });
    });
  }
});

test("the board's page does without its bar in a notebook's frame, and stays so", async ({ server, table, embed }) => {
  await server.append(table, someRows(40));
  const page = await embed(`<iframe src="${server.url}/table/${table}?embed=" style="width: 100%; height: 480px"></iframe>`);
  const panel = page.locator("iframe").contentFrame();
  await expect(panel.getByTestId("rows-shown")).toHaveText("40");
  await expect(panel.getByTestId("theme")).toHaveCount(0);
  await header(panel, "n").click();
  await expect.poll(() => page.frames()[1]!.url()).toContain(`/table/${table}?embed&e=`);
});

for (const [file, take] of [["panel.js", "await import(process.argv[1])"], ["panel.cjs", "(await import('node:module')).createRequire('/')(process.argv[1])"]] as const) {
  test(`Node takes ${file} in, and is told that there are no elements`, () => {
    const script = `
      const { StreamTablePanel } = ${take};
      let code;
      try { StreamTablePanel.of("a/b/c"); } catch (error) { code = error.code; }
      console.log(typeof StreamTablePanel, code);
    `;
    const args = ["--input-type=module", "-e", script, path.join(PACKAGE, file)];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([stdout.trim(), stderr]).toEqual(["function no_elements", ""]);
  });
}
