// The board against the real server: what it shows is what the server's JSON says, whatever is clicked or typed.

import { expect, test } from "./fixtures.ts";
import { allRowIds, drawnRows, header, offsetsByNumberDescending, rowsWithOffsets, shownNumber } from "./grid.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;
const CATEGORIES = ["Furniture", "Office Supplies", "Technology"];

/** Rows with a number that repeats, a category, a text, a bool and a null now and then. */
function someRows(n_rows: number, from = 0): { n: number; price: number | null; cat: string; name: string; ok: boolean }[] {
  return Array.from({ length: n_rows }, (_, idx) => {
    const n = from + idx;
    const price = n % 17 === 0 ? null : ((n * 7919) % 1000) / 10;
    return { n, price, cat: CATEGORIES[n % 3]!, name: `row ${n}`, ok: n % 2 === 0 };
  });
}

test("home lists the tables with their rows, live", async ({ page, server, table }) => {
  await server.append(table, someRows(1234));
  await page.goto(server.url);
  const entry = page.locator(`[data-testid=table-row][data-name="${table}"]`);
  await expect(entry).toContainText("1,234");
  await server.append(table, someRows(1));
  await expect(entry).toContainText("1,235");
  await page.screenshot({ path: `${OUTPUT}home.png` });
  await entry.getByRole("link").first().click();
  await expect(page).toHaveURL(new RegExp(`/table/${table}`));
  await expect(page.getByTestId("rows-total")).toContainText("1,235");
});

test("a panel opened before the first row shows rows as they come", async ({ server, table, openPanel }) => {
  const page = await openPanel(table);
  await expect(page.getByText("first row", { exact: false }).first()).toBeVisible();
  await page.screenshot({ path: `${OUTPUT}empty.png` });
  await server.append(table, someRows(3));
  await expect(page.getByTestId("rows-shown")).toContainText("3");
  await expect(page.getByText("row 2", { exact: true })).toBeVisible();
});

test("rows that the server dropped are counted, and a deleted table says so until it is made anew", async ({ server, table, openPanel }) => {
  for (let from = 0; from < 100; from += 10) await server.append(table, someRows(10, from));
  const address = `${server.url}/api/v1/tables/${table}`;
  await fetch(`${address}/retention`, { method: "PUT", body: JSON.stringify({ rows: 25 }) });
  await expect.poll(async () => ((await (await fetch(address)).json()) as { first_offset: number }).first_offset).toBe(70);
  const page = await openPanel(table);
  await expect(page.getByTestId("rows-shown")).toHaveText("30");
  await expect(page.getByText("70 older ones dropped")).toBeVisible();
  expect(await allRowIds(page)).toEqual(Array.from({ length: 30 }, (_, idx) => 70 + idx));
  await server.append(table, someRows(5, 100));
  await expect(page.getByTestId("rows-shown")).toHaveText("35");

  expect((await fetch(address, { method: "DELETE" })).status).toBe(204);
  await expect(page.getByText("The table was deleted")).toBeVisible();
  await expect(page.getByTestId("connection")).toHaveText("Deleted");
  await page.screenshot({ path: `${OUTPUT}deleted.png` });
  // Made anew with more rows than it had.
  await server.append(table, someRows(200, 1000));
  await expect(page.getByTestId("rows-shown")).toHaveText("200");
  await expect(page.getByTestId("connection")).toHaveText("Live");
  expect(await allRowIds(page)).toEqual(Array.from({ length: 200 }, (_, idx) => idx));
});

test("rows that the server drops while a board holds them go from there, too", async ({ server, table, openPanel }) => {
  for (let from = 0; from < 140_000; from += 10_000) await server.append(table, someRows(10_000, from));
  const page = await openPanel(table);
  const total = () => shownNumber(page, "rows-total");
  await expect.poll(total).toBe(140_000);
  const address = `${server.url}/api/v1/tables/${table}`;
  await fetch(`${address}/retention`, { method: "PUT", body: JSON.stringify({ rows: 20_000 }) });
  await expect.poll(async () => ((await (await fetch(address)).json()) as { first_offset: number }).first_offset).toBeGreaterThan(65_536);
  await server.append(table, someRows(1, 140_000));
  // By whole segments of the engine.
  await expect.poll(total).toBe(140_001 - 65_536);
  await expect(page.getByText("65,536 older ones dropped")).toBeVisible();
  await expect(page.getByTestId("rows-shown")).toHaveText("74,465");
});

test("the worker starts with the page, follows its table at once, and its files are kept for good", async ({ server, table, page }) => {
  await server.append(table, someRows(100));
  const kept = new Map<string, boolean>();
  page.on("response", (response) => {
    const name = new URL(response.url()).pathname;
    if (/\.(js|wasm)$/.test(name)) kept.set(name.replace(/-[0-9a-f]{12,16}/, ""), /immutable/.test(response.headers()["cache-control"] ?? ""));
  });
  // The program never comes to the page itself, only to its worker.
  const program = /\/board-[0-9a-f]+_bg\.wasm/;
  await page.route(program, (route) => (/worker_loader/.test(route.request().headers()["referer"] ?? "") ? route.continue() : undefined));
  const followed = page.waitForEvent("websocket");
  await page.goto(`${server.url}/table/${table}?e=x`, { waitUntil: "commit" });
  expect((await followed).url()).toBe(`${server.url.replace("http", "ws")}/api/v1/tail/${table}?format=arrow&from=0`);
  for (const name of ["browser_tables.js", "board.js", "board_bg.wasm", "worker_loader.js"]) {
    expect(kept.get(`/${name}`), name).toBe(true);
  }
  // A table of the browser is not looked for on the server.
  const sockets: string[] = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  await page.unroute(program);
  await page.goto(`${server.url}/table/${table}?in=browser`);
  await expect(page.getByTestId("connection")).toHaveText("Live");
  expect(sockets).toEqual([]);
});

test("a click on a header sorts; shift adds a column; the whole order is the one worked out from JSON", async ({
  server,
  table,
  openPanel,
}) => {
  await server.append(table, someRows(2000));
  const page = await openPanel(table);
  await expect(page.getByTestId("rows-shown")).toContainText("2,000");
  await header(page, "price").click();
  await expect(header(page, "price")).toHaveAttribute("aria-sort", "ascending");
  await header(page, "price").click();
  await expect(header(page, "price")).toHaveAttribute("aria-sort", "descending");
  await expect(page.getByTestId("expression")).toHaveValue(/sort\(row => row\["price"\], "desc"\)/);
  expect(await allRowIds(page)).toEqual(offsetsByNumberDescending(await rowsWithOffsets(server, table), "price"));

  await header(page, "cat").click();
  await header(page, "price").click({ modifiers: ["Shift"] });
  const rows = await rowsWithOffsets(server, table);
  const key = (row: Record<string, unknown>) => (row["price"] === null ? Infinity : (row["price"] as number));
  const expected = rows
    .sort((a, b) => (a.cat < b.cat ? -1 : a.cat > b.cat ? 1 : 0) || key(a) - key(b) || a._offset - b._offset)
    .map((row) => row._offset);
  expect(await allRowIds(page)).toEqual(expected);
});

test("what is typed moves the controls, and a chip taken away changes the expression", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(900));
  const page = await openPanel(table);
  const expression = page.getByTestId("expression");
  await expression.fill(`table("${table}").rows().filter(row => row["cat"] == "Technology").filter(row => row["price"] >= 50)`);
  await expression.press("Enter");
  await expect(page.getByTestId("chip")).toHaveCount(2);
  const expected = (await rowsWithOffsets(server, table)).filter((row) => row.cat === "Technology" && row.price >= 50);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(expected.length);
  expect(await allRowIds(page)).toEqual(expected.map((row) => row._offset));

  await page.getByTestId("chip").nth(1).getByRole("button", { name: /remove/i }).click();
  await expect(page.getByTestId("chip")).toHaveCount(1);
  await expect(expression).not.toHaveValue(/price/);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(300);
  await expect(page).toHaveURL(/e=/);
  await page.reload();
  await expect(page.getByTestId("chip")).toHaveCount(1);
});

test("an expression with a fault says where, and changes nothing", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(30));
  const page = await openPanel(table);
  await expect(page.getByTestId("rows-shown")).toContainText("30");
  const expression = page.getByTestId("expression");
  await expression.fill(`table("${table}").rows().filter(row => row["n"] <)`);
  await expression.press("Enter");
  await expect(page.getByTestId("expression-error")).toBeVisible();
  await expect(page.getByTestId("rows-shown")).toContainText("30");
  await expression.press("Escape");
  await expect(page.getByTestId("expression-error")).toBeHidden();
});

test("groups hold counts and means that equal those worked out from JSON", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(1000));
  const page = await openPanel(table, `table("${table}").rows().groupby(row => row["cat"], rows => [rows.count(), rows["price"].avg(), rows["price"].max()])`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(3);
  await server.append(table, someRows(500, 1000));
  const rows = await rowsWithOffsets(server, table);
  for (const [place, cat] of CATEGORIES.entries()) {
    const prices = rows.filter((row) => row.cat === cat).map((row) => row.price).filter((price) => price !== null);
    const mean = prices.reduce((sum, price) => sum + price, 0) / prices.length;
    const row = page.getByTestId("grid-row").filter({ hasText: cat });
    await expect(row).toContainText(String(rows.filter((row) => row.cat === cat).length));
    const cells = await row.getByRole("gridcell").allInnerTexts();
    expect(Number(cells[2]), "mean").toBeCloseTo(mean, 5);
    expect(Number(cells[3]), "greatest").toBe(Math.max(...prices));
    await expect(row).toHaveAttribute("aria-rowindex", String(place + 2));
  }
  await page.screenshot({ path: `${OUTPUT}grouped.png` });
});

test("what is being read stays where it is while rows come, and the DOM does not grow", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(20_000));
  const page = await openPanel(table, `table("${table}").rows().sort(row => row["price"], "desc")`);
  await expect(page.getByTestId("rows-shown")).toContainText("20,000");
  const grid = page.getByTestId("grid");
  await grid.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
  await page.waitForTimeout(300);
  const n_nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  const middle = (await drawnRows(page))[8]!;
  await page.locator(`[data-testid=grid-row][data-row-id="${middle.row_id}"]`).click();
  for (let round = 1; round <= 20; round += 1) {
    await server.append(table, someRows(500, 20_000 + round * 500));
    const now = (await drawnRows(page)).find((row) => row.row_id === middle.row_id);
    expect(now, "the row is still drawn").toBeDefined();
    expect(Math.abs(now!.top - middle.top), "it has not moved").toBeLessThanOrEqual(1);
  }
  await expect(page.getByTestId("rows-total")).toContainText("30,000");
  const now = (await drawnRows(page)).find((row) => row.row_id === middle.row_id)!;
  expect(Math.abs(now.top - middle.top)).toBeLessThanOrEqual(1);
  expect(now.row_idx).toBeGreaterThan(middle.row_idx);
  await expect(page.locator(`[data-testid=grid-row][data-row-id="${middle.row_id}"]`)).toHaveAttribute("aria-selected", "true");
  expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(n_nodes + 200);
});

test("the tail follows the newest, and a paused panel counts what it holds back", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(500));
  const page = await openPanel(table);
  await expect(page.getByTestId("rows-shown")).toContainText("500");
  await page.getByTestId("tail-toggle").click();
  await server.append(table, someRows(300, 500));
  await expect(page.getByText("row 799", { exact: true })).toBeVisible();
  await page.getByTestId("pause-toggle").click();
  await server.append(table, someRows(40, 800));
  await expect(page.getByTestId("new-rows")).toContainText("40");
  await expect(page.getByText("row 839", { exact: true })).toHaveCount(0);
  await page.getByTestId("new-rows").click();
  await expect(page.getByText("row 839", { exact: true })).toBeVisible();
});

test("in the dark it is dark", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(200));
  const page = await openPanel(table);
  await page.emulateMedia({ colorScheme: "dark" });
  await expect(page.getByTestId("rows-shown")).toContainText("200");
  const luminance = await page.evaluate(() => {
    const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g)!.map(Number);
    return (r! + g! + b!) / 3;
  });
  expect(luminance).toBeLessThan(80);
  await page.screenshot({ path: `${OUTPUT}dark.png` });
});
