// The board and the demo where no server is: tables live in the browser, from the first visit on.

import type { Locator, Page } from "@playwright/test";
import type * as Package from "../../crates/client/npm/src/index.ts";
import { expect, test as base } from "./fixtures.ts";
import { allRowIds, header, offsetsByNumberDescending, showColumn, shownNumber } from "./grid.ts";
import { needs, ROOT } from "./servers.ts";
import { serveStatic } from "./static_site.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;
const SUPERSTORE = "local/demo/superstore";

/** The board and the demo on a host of files. */
const test = base.extend<{ site: string }>({
  site: async ({}, use) => {
    needs(`${ROOT}/www/demo/generated/orders.json`);
    const { url, close } = await serveStatic();
    await use(url);
    close();
  },
});

// That nobody answers is on the console; the browser puts it there.
test.use({ expectedErrors: /Failed to load resource: the server responded with a status of 404/ });

/** Logs rows to a table of the browser, by the package that the demo has. */
function log(page: Page, table: string, rows: object[]): Promise<void> {
  return page.evaluate(
    async ([table, rows]) => {
      const { StreamTable } = (await import(new URL("/demo/generated/streamtable/index.js", location.href).href)) as typeof Package;
      const st = new StreamTable(table, { server: null });
      st.log(rows as {}[]);
      await st.finish();
    },
    [table, rows] as const,
  );
}

/** The rows of a table of the browser, with their offsets as numbers. */
function rowsOf(page: Page, table: string): Promise<Record<string, any>[]> {
  return page.evaluate(async (table) => {
    const { StreamTable } = (await import(new URL("/demo/generated/streamtable/index.js", location.href).href)) as typeof Package;
    const rows = [];
    for await (const row of new StreamTable(table, { server: null }).rows({ system: true })) {
      rows.push({ ...row, _offset: Number(row["_offset"]), _seq: Number(row["_seq"]) });
    }
    return rows;
  }, table);
}

const entry = (home: Page, table: string): Locator => home.locator(`[data-testid=table-row][data-name="${table}"]`);

test("home says quietly that no server answers, and lists the browser's tables as they grow", async ({ context, site }) => {
  const [home, other] = [await context.newPage(), await context.newPage()];
  await home.goto(site);
  await expect(home.getByRole("heading", { name: "No tables yet" })).toBeVisible();
  await expect(home.getByTestId("no-server")).toContainText("cargo run --release");
  await expect(home.locator("pre")).toContainText("server: null");
  await expect(home.getByRole("link", { name: "demo page" })).toHaveAttribute("href", "/demo/");
  await home.screenshot({ path: `${OUTPUT}no-server-home-empty.png` });

  await other.goto(`${site}/demo/`);
  await log(other, "local/p/t", [{ a: 1 }, { a: 2, b: 3 }]);
  const cells = entry(home, "local/p/t").locator("td");
  await expect(cells.nth(1)).toHaveText("2");
  await expect(cells.nth(3), "a, b and timestamp").toHaveText("3");
  await expect(home.getByRole("heading", { name: "In this browser" })).toBeVisible();
  await expect(home.getByRole("heading", { name: "On the server" })).toHaveCount(0);
  await expect(home.getByTestId("no-server")).toBeVisible();
  await log(other, "local/p/t", Array.from({ length: 1200 }, (_, a) => ({ a })));
  await expect(cells.nth(1)).toHaveText("1,202");
  await expect(cells.nth(2), "rows a second").toHaveText(/^[1-9]/);
  await entry(home, "local/p/t").getByRole("link").click();
  await expect(home).toHaveURL(`${site}/table/local/p/t?in=browser`);
  await expect(home.getByTestId("place")).toHaveText("In this browser");
  await expect(home.getByTestId("rows-total")).toHaveText("1,202");
});

test("a table is deleted at the second press, and whoever looks at it sees it go", async ({ context, site }) => {
  const [home, board] = [await context.newPage(), await context.newPage()];
  await home.goto(site);
  await log(home, "local/p/kept", [{ a: 1 }]);
  await log(home, "local/p/gone", [{ a: 1 }, { a: 2 }]);
  await board.goto(`${site}/table/local/p/gone?in=browser`);
  await expect(board.getByTestId("rows-total")).toHaveText("2");
  const button = entry(home, "local/p/gone").getByTestId("delete-table");
  await button.click();
  await expect(button).toHaveText("Delete 2 rows?");
  await home.screenshot({ path: `${OUTPUT}no-server-home-delete.png` });
  await button.press("Escape");
  await expect(button).toHaveText("");
  await button.click();
  await home.getByRole("heading", { name: "In this browser" }).click();
  await expect(button, "one who leaves has not meant it").toHaveText("");
  await button.press("Enter");
  await button.press("Enter");
  await expect(entry(home, "local/p/gone")).toHaveCount(0);
  await expect(entry(home, "local/p/kept")).toBeVisible();
  await expect(board.getByText("The table was deleted")).toBeVisible();
  // As many rows as before, and others.
  await log(home, "local/p/gone", [{ b: "new 1" }, { b: "new 2" }]);
  await expect(board.getByText("new 2", { exact: true })).toBeVisible();
  await expect(board.getByTestId("rows-total")).toHaveText("2");
  await expect(header(board, "a")).toHaveCount(0);
});

test("the demo's feedback is a row of this browser, and its link opens it", async ({ context, site }) => {
  const demo = await context.newPage();
  await demo.goto(`${site}/demo/`);
  await expect(demo.getByTestId("where")).toContainText("No server answers here");
  await expect(demo.locator("pre")).toContainText("{ server: null }");
  await demo.screenshot({ path: `${OUTPUT}no-server-demo.png`, fullPage: true });
  await demo.getByRole("radio", { name: "Yes" }).check();
  await demo.getByLabel("Anything else?").fill("Works offline");
  await demo.getByRole("button", { name: "Send feedback" }).click();
  await expect(demo.getByText("Thank you. Your row is in the table.")).toBeVisible();
  const status = demo.getByTestId("status-local/demo/feedback").locator("td");
  await expect(status).toHaveText(["local/demo/feedback", "0", "1", "0", "0", "idle"]);
  const opening = context.waitForEvent("page");
  await demo.locator("#feedback-link").click();
  const board = await opening;
  await expect(board).toHaveURL(`${site}/table/local/demo/feedback?in=browser`);
  await expect(board.getByText("Works offline", { exact: true })).toBeVisible();
  await board.getByText("Works offline", { exact: true }).click();
});

test("ten thousand orders replayed in one tab are live in another: filtered, sorted, grouped, and there after a reload", async ({
  context,
  site,
}) => {
  test.setTimeout(120_000);
  const [demo, board] = [await context.newPage(), await context.newPage()];
  await demo.goto(`${site}/demo/`);
  const filtered = `table("${SUPERSTORE}").rows().filter(row => row["Category"] == "Technology")`;
  const e = `${filtered}.sort(row => row["Sales"], "desc")`;
  await board.goto(`${site}/table/${SUPERSTORE}?${new URLSearchParams({ in: "browser", e })}`);
  await expect(board.getByTestId("chip")).toHaveCount(1);
  await expect(demo.getByTestId("rate-said").or(demo.locator("#rate-said"))).toHaveText("2,000 rows/s");
  await demo.getByTestId("play").click();
  await board.bringToFront();
  const counts = new Set<number>();
  while ((await shownNumber(board, "rows-total")) < 9994) {
    counts.add(await shownNumber(board, "rows-total"));
    await board.waitForTimeout(50);
  }
  expect(counts.size, "the rows came bit by bit").toBeGreaterThan(5);
  await board.screenshot({ path: `${OUTPUT}no-server-panel.png` });

  const rows = await rowsOf(demo, SUPERSTORE);
  expect(rows.map((row) => row._offset)).toEqual(rows.map((_, idx) => idx));
  expect(rows.map((row) => row["Row ID"])).toEqual(rows.map((_, idx) => idx + 1));
  const technology = rows.filter((row) => row["Category"] === "Technology");
  const expected = offsetsByNumberDescending(technology, "Sales");
  await expect.poll(() => shownNumber(board, "rows-shown")).toBe(technology.length);
  await showColumn(board, "Sales");
  expect(await allRowIds(board)).toEqual(expected);

  const address = board.url();
  expect(new URL(address).searchParams.get("in")).toBe("browser");
  await board.reload();
  await expect.poll(() => shownNumber(board, "rows-shown")).toBe(technology.length);
  expect(board.url()).toBe(address);
  expect(await allRowIds(board)).toEqual(expected);

  const expression = board.getByTestId("expression");
  await expression.fill(`table("${SUPERSTORE}").rows().groupby(row => row["Region"], rows => [rows.count(), rows["Sales"].sum()])`);
  await expression.press("Enter");
  await expect.poll(() => shownNumber(board, "rows-shown")).toBe(4);
  for (const region of ["West", "East", "Central", "South"]) {
    const ofRegion = rows.filter((row) => row["Region"] === region);
    const cells = await board.getByTestId("grid-row").filter({ hasText: region }).getByRole("gridcell").allInnerTexts();
    expect(Number(cells[1])).toBe(ofRegion.length);
    expect(Number(cells[2])).toBeCloseTo(ofRegion.reduce((sum, row) => sum + row["Sales"], 0), 3);
  }
  expect(new URL(board.url()).searchParams.get("in"), "also when what is shown is another").toBe("browser");
  await expression.fill(`table("${SUPERSTORE}").rows()`);
  await expression.press("Enter");
  await expect(board).toHaveURL(`${site}/table/${SUPERSTORE}?in=browser`);
});

test("rows that wait for nobody are there when the board is opened later, and system columns with them", async ({ context, site }) => {
  const page = await context.newPage();
  await page.goto(`${site}/demo/`);
  await log(page, "local/p/t", Array.from({ length: 5000 }, (_, n) => ({ n, text: `row ${n}` })));
  const rows = await rowsOf(page, "local/p/t");
  const e = `table("local/p/t").rows().filter(row => row["_seq"] > 4990).sort(row => row["_offset"], "desc")`;
  await page.goto(`${site}/table/local/p/t?${new URLSearchParams({ in: "browser", e })}`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(10);
  const expected = rows.filter((row) => row._seq > 4990).map((row) => row._offset).reverse();
  expect(await allRowIds(page)).toEqual(expected);
});

test("next to a server's tables those of the browser have a section of their own", async ({ context, server, table }) => {
  await server.append(table, [{ n: 1 }]);
  const home = await context.newPage();
  await home.goto(server.url);
  await expect(entry(home, table)).toBeVisible();
  await expect(home.getByRole("heading", { name: "In this browser" })).toHaveCount(0);
  // One name, two tables.
  await log(home, table, [{ n: 2 }, { n: 3 }]);
  const [ofServer, ofBrowser] = [home.getByTestId("table-list"), home.getByTestId("browser-list")];
  await expect(ofBrowser.getByRole("link")).toHaveAttribute("href", `/table/${table}?in=browser`);
  await expect(ofServer.locator(`[data-name="${table}"]`).getByRole("link")).toHaveAttribute("href", `/table/${table}`);
  await expect(ofServer.getByTestId("delete-table")).toHaveCount(0);
  await expect(home.getByTestId("no-server")).toHaveCount(0);
  await home.screenshot({ path: `${OUTPUT}home-both.png` });
  await home.getByPlaceholder("Find a table").fill("no such name");
  await expect(home.getByText("No table has that name.")).toHaveCount(2);
  for (const [place, n_rows] of [["", "1"], ["?in=browser", "2"]]) {
    await home.goto(`${server.url}/table/${table}${place}`);
    await expect(home.getByTestId("rows-total")).toHaveText(n_rows!);
  }
});

for (const [name, use] of [
  ["a phone", { viewport: { width: 360, height: 740 }, colorScheme: "light" }],
  ["a phone in the dark", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
  ["a wide screen in the dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" }],
] as const) {
  test.describe(`on ${name}`, () => {
    test.use(use);

    test("home, panel and demo fit the width", async ({ context, site }) => {
      const page = await context.newPage();
      const fits = async (what: string) => {
        await page.screenshot({ path: `${OUTPUT}no-server-${what}-${name.replaceAll(" ", "-")}.png`, fullPage: true });
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), what).toBeLessThanOrEqual(0);
      };
      await page.goto(site);
      await expect(page.getByRole("heading", { name: "No tables yet" })).toBeVisible();
      await fits("home-empty");
      await page.goto(`${site}/demo/`);
      await expect(page.getByTestId("where")).toBeVisible();
      await fits("demo");
      const rows = Array.from({ length: 300 }, (_, n) => ({ n, text: `row ${n}`, ok: n % 3 === 0, when: `2024-01-${(n % 28) + 1}` }));
      await log(page, "local/a_project/a_table_with_a_rather_long_name", rows);
      await log(page, SUPERSTORE, rows);
      await page.goto(site);
      await expect(entry(page, SUPERSTORE)).toBeVisible();
      const button = entry(page, SUPERSTORE).getByTestId("delete-table");
      const [last, bin] = [await entry(page, SUPERSTORE).getByText(/now|ago/).boundingBox(), await button.boundingBox()];
      expect(last!.x + last!.width, "the button covers nothing").toBeLessThanOrEqual(bin!.x);
      await button.click();
      await fits("home");
      await page.goto(`${site}/table/local/a_project/a_table_with_a_rather_long_name?in=browser`);
      await expect(page.getByTestId("rows-total")).toHaveText("300");
      await expect(page.getByTestId("place")).toBeInViewport({ ratio: 1 });
      await fits("panel");
      await page.goto(`${site}/table/local/p/empty?in=browser`);
      await expect(page.getByText("Waiting for the first row")).toBeVisible();
      await fits("panel-empty");
    });
  });
}
