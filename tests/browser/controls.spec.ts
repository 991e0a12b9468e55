// The panel's controls, by pointer and by keyboard: each is an edit of the expression.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { allRowIds, header, rowsWithOffsets, shownNumber } from "./grid.ts";

const CATEGORIES = ["Furniture", "Office Supplies", "Technology"];
const ONE_PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function orders(n_rows: number): object[] {
  return Array.from({ length: n_rows }, (_, n) => ({
    n,
    price: ((n * 7919) % 1000) / 10,
    cat: CATEGORIES[n % 3],
    note: n % 4 === 0 ? null : `note ${n}`,
    ok: n % 2 === 0,
  }));
}

function expression(page: Page): Promise<string> {
  return page.getByTestId("expression").inputValue();
}

async function openFilter(page: Page, column: string): Promise<void> {
  await page.getByTestId("add-filter").click();
  await page.locator(".popover .item").filter({ hasText: column }).first().click();
}

test("a text is found by a regular expression, and one that is none is told of and changes nothing", async ({ server, table, openPanel }) => {
  await server.append(table, orders(900));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(900);

  await openFilter(page, "note");
  await page.getByRole("button", { name: "Text", exact: true }).click();
  await page.getByLabel("How to find").selectOption("matches");
  await page.getByLabel("Text", { exact: true }).fill("^note .(1|3)$");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(18);
  expect(await expression(page)).toContain('row["note"].matches("^note .(1|3)$")');
  await page.getByLabel("Text", { exact: true }).fill("^note (");
  await expect(page.locator(".popover .hint.bad")).toContainText("open group");
  await expect(page.getByLabel("Text", { exact: true })).toHaveAttribute("aria-invalid", "true");
  expect(await shownNumber(page, "rows-shown")).toBe(18);
  await page.keyboard.press("Escape");

  await expect(page.getByTestId("chip")).toContainText("matches /^note .(1|3)$/");
  await page.getByTestId("chip").getByRole("button").first().click();
  await expect(page.getByLabel("How to find")).toHaveValue("matches");
  await expect(page.getByLabel("Text", { exact: true })).toHaveValue("^note .(1|3)$");
});

test("values, ranges and texts are chosen in the editor, and a chip opens it again", async ({ server, table, openPanel }) => {
  await server.append(table, orders(900));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(900);

  await openFilter(page, "cat");
  await page.locator(".choice").filter({ hasText: "Technology" }).click();
  await page.locator(".choice").filter({ hasText: "Furniture" }).click();
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(600);
  await page.keyboard.press("Escape");
  await expect(page.locator(".popover")).toHaveCount(0);
  expect(await expression(page)).toContain('row["cat"].in(["Technology", "Furniture"])');

  await openFilter(page, "price");
  await expect(page.getByLabel("From")).toHaveAttribute("placeholder", "0");
  await page.getByLabel("From").fill("50");
  await page.getByLabel("To").fill("abc");
  await page.getByLabel("To").press("Enter");
  await expect(page.getByLabel("To")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("To").fill("75.5");
  await page.getByLabel("To").press("Tab");
  const wanted = (await rowsWithOffsets(server, table)).filter(
    (row) => row["cat"] !== "Office Supplies" && row["price"] >= 50 && row["price"] <= 75.5,
  );
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(wanted.length);
  await page.keyboard.press("Escape");
  expect(await allRowIds(page)).toEqual(wanted.map((row) => row._offset));

  await page.getByTestId("chip").nth(0).getByRole("button").first().click();
  await page.locator(".choice").filter({ hasText: "Furniture" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("chip").nth(0)).toContainText("is Technology");

  await openFilter(page, "note");
  await page.getByRole("button", { name: "Empty" }).click();
  await page.locator(".choice").filter({ hasText: "Is empty" }).click();
  await page.keyboard.press("Escape");
  expect(await expression(page)).toContain('row["note"].isNull()');
  await expect(page.getByTestId("chip")).toHaveCount(3);
});

test("a range is dragged over the histogram of a column", async ({ server, table, openPanel }) => {
  await server.append(table, orders(960));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(960);
  await openFilter(page, "n");
  const bars = page.getByTestId("histogram");
  await expect(bars.locator(".bar")).toHaveCount(48);
  const { x, y, width, height } = (await bars.boundingBox())!;
  // From the middle of the thirteenth bar to that of the 24th: a quarter of the rows, of which each bar has 20.
  await page.mouse.move(x + (width * 12.5) / 48, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + (width * 23.5) / 48, y + height / 2, { steps: 4 });
  await expect(bars.locator(".bar.chosen")).toHaveCount(12);
  expect(await shownNumber(page, "rows-shown"), "nothing applies before the pointer is up").toBe(960);
  await page.mouse.up();
  await expect(page.getByLabel("From")).toHaveValue("239.8");
  await expect(page.getByLabel("To")).toHaveValue("479.5");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(240);
  expect(await expression(page)).toContain('row["n"] >= 239.8 && row["n"] <= 479.5');
});

test("every figure of a group is told, and an estimate is marked as one", async ({ server, table, openPanel }) => {
  const rows = Array.from({ length: 9_000 }, (_, n) => ({ n, half: n % 4_500, who: `u${n % 7}`, cat: CATEGORIES[n % 3] }));
  await server.append(table, rows);
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(9_000);
  const figures = ["count()", '["n"].stddev()', '["n"].median()', '["half"].quantile(0.95)', '["who"].countDistinct()', '["n"].first()', '["n"].last()'];
  const query = (key: string) =>
    `table("${table}").rows().groupby(row => [${key}], rows => [${figures.map((figure) => (figure[0] === "[" ? `rows${figure}` : `rows.${figure}`)).join(", ")}])`;
  const cells = async () => (await page.getByTestId("grid-row").filter({ visible: true }).first().locator('[role="gridcell"]').allTextContents()).map((text) => text.trim());
  await page.getByTestId("expression").fill(query('row["cat"]'));
  await page.getByTestId("expression").press("Enter");
  await expect(header(page, "p95(half)")).toBeVisible();
  await expect.poll(cells).toEqual(["Furniture", "3000", "2598.509188", "4498.5", "4272.15", "7", "0", "8997"]);
  await expect(header(page, "median(n)")).not.toContainText("≈");

  // All rows in one group are more than are kept for a quantile.
  await page.getByTestId("expression").fill(query(""));
  await page.getByTestId("expression").press("Enter");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(1);
  await expect(header(page, "median(n)")).toContainText("≈");
  await expect(header(page, "countDistinct(who)")).not.toContainText("≈");
  const [n_rows, , median] = await cells();
  expect(n_rows).toBe("9000");
  expect(Math.abs(Number(median!.replaceAll(",", "")) - 4_499.5)).toBeLessThan(4_499.5 * 0.005 + 1);
});

test("a grouping is made by clicks, and a group opens to its rows", async ({ server, table, openPanel }) => {
  await server.append(table, orders(600));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(600);
  await header(page, "cat").hover();
  await header(page, "cat").getByRole("button").click();
  await page.getByRole("button", { name: "Group by this column" }).click();
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(3);
  expect(await expression(page)).toContain('groupby(row => [row["cat"]], rows => [rows.count(), rows["n"].avg(), rows["price"].avg()])');

  await page.getByTestId("add-figure").click();
  await page.getByRole("button", { name: "max", exact: true }).click();
  await page.locator(".popover .item").filter({ hasText: "price" }).click();
  await expect(header(page, "max(price)")).toBeVisible();
  await page.getByRole("button", { name: "Remove the figure avg(n)" }).click();
  await expect(header(page, "avg(n)")).toHaveCount(0);

  const office = page.getByTestId("grid-row").filter({ hasText: "Office Supplies", visible: true });
  await office.dblclick();
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(200);
  await expect(page.getByTestId("chip")).toContainText("is Office Supplies");
  await expect(page.getByTestId("group-chip")).toHaveCount(0);
});

test("the keyboard moves, selects, copies and opens", async ({ context, server, table, openPanel }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: server.url });
  await server.append(table, orders(500));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(500);
  const grid = page.getByTestId("grid");
  const focused = () => grid.evaluate((element) => {
    const cell = document.getElementById(element.getAttribute("aria-activedescendant") ?? "");
    return cell && [Number(cell.closest("[data-row-id]")!.getAttribute("data-row-id")), cell.textContent];
  });
  await grid.focus();
  await page.keyboard.press("ArrowDown");
  await expect.poll(focused).toEqual([0, "0"]);
  await page.keyboard.press("ArrowDown");
  await expect.poll(focused).toEqual([1, "1"]);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect.poll(focused).toEqual([1, "Office Supplies"]);
  await page.keyboard.press("Control+c");
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("Office Supplies");
  await page.keyboard.press("Shift+ArrowDown");
  await expect(page.locator("[data-testid=grid-row][aria-selected=true]")).toHaveCount(2);
  await page.keyboard.press("Control+c");
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toMatch(/^n\tprice\tcat\tnote\tok(\t\S+)?\n1\t.*Office Supplies\tnote 1\tfalse.*\n2\t.*Technology\tnote 2\ttrue/);
  await page.keyboard.press("Control+End");
  await expect.poll(focused).toEqual([499, CATEGORIES[499 % 3]]);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("inspector")).toContainText("note 499");
  await page.keyboard.press("ArrowUp");
  await expect(page.getByTestId("inspector")).toContainText("note 498");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("inspector")).toHaveCount(0);
});

test("columns are resized, hidden and shown again", async ({ server, table, openPanel }) => {
  await server.append(table, orders(50));
  const page = await openPanel(table);
  const width = async () => (await header(page, "price").boundingBox())!.width;
  await expect(header(page, "price")).toBeVisible();
  const before = await width();
  const edge = (await header(page, "price").boundingBox())!;
  await page.mouse.move(edge.x + edge.width, edge.y + 15);
  await page.mouse.down();
  await page.mouse.move(edge.x + edge.width + 60, edge.y + 15, { steps: 4 });
  await page.mouse.up();
  expect(Math.abs((await width()) - before - 60)).toBeLessThan(2);
  await expect(header(page, "price")).toHaveAttribute("aria-sort", "none");

  await header(page, "cat").hover();
  await header(page, "cat").getByRole("button").click();
  await page.getByRole("button", { name: "Hide column" }).click();
  await expect(header(page, "cat")).toHaveCount(0);
  await page.getByRole("button", { name: "1 column hidden" }).click();
  await page.getByRole("button", { name: "Show all" }).click();
  await expect(header(page, "cat")).toBeVisible();
});

test("every type is drawn as what it is", async ({ server, table, openPanel }) => {
  await server.append(table, [
    { big: { $i64: "1152921504606846976" }, odd: { $f64: "NaN" }, at: { $ts: 1_700_000_000_123_456 }, list: [1, "a"], image: { $media: ONE_PIXEL } },
    { big: null, odd: -0.5, at: { $ts: 1_704_067_200_000_000 }, list: { b: { c: 1 } }, image: { $bytes: "AKs=" } },
  ]);
  const page = await openPanel(table);
  const first = page.getByTestId("grid-row").first();
  await expect(first).toContainText("1152921504606846976");
  await expect(first).toContainText("NaN");
  await expect(first).toContainText('[1, "a"]');
  await expect(first).toContainText(".123");
  await expect.poll(() => first.locator("img").evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1);
  const second = page.getByTestId("grid-row").nth(1);
  await expect(second).toContainText("2024-01-01");
  await expect(second).toContainText('{"b": {"c": 1}}');
  await expect(second).toContainText("00ab");
});

test("a phone's width holds the panel and home, and the theme is remembered", async ({ context, server, table }) => {
  await server.append(table, orders(50));
  const page = await context.newPage();
  await page.setViewportSize({ width: 390, height: 780 });
  for (const path of ["/", `/table/${table}`]) {
    await page.goto(server.url + path);
    await expect(page.getByTestId(path === "/" ? "table-list" : "grid")).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  }
  await page.getByTestId("theme").click();
  await page.getByTestId("theme").click();
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("an address that cannot be read says where, and is kept to be mended", async ({ server, table, openPanel }) => {
  await server.append(table, orders(20));
  const typed = `table("${table}").rows().filter(row => row["n"] <)`;
  const page = await openPanel(table, typed);
  await expect(page.getByTestId("expression-error")).toBeVisible();
  await expect(page.getByTestId("expression")).toHaveValue(typed);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(20);
  expect(new URL(page.url()).searchParams.get("e")).toBe(typed);
  await page.getByTestId("expression").fill(typed.replace("<", "< 5"));
  await page.getByTestId("expression").press("Enter");
  await expect(page.getByTestId("expression-error")).toHaveCount(0);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5);
});

test("other rows after an edit are no new rows, and the keys leave the tail", async ({ server, table, openPanel }) => {
  await server.append(table, orders(900));
  const page = await openPanel(table, `table("${table}").rows().filter(row => row["n"] < 5)`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5);
  await page.getByTestId("chip").getByRole("button", { name: /remove/i }).click();
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(900);
  await page.waitForTimeout(200);
  await expect(page.getByTestId("new-rows")).toHaveCount(0);

  await page.getByTestId("tail-toggle").click();
  await expect(page.getByText("899", { exact: true }).first()).toBeVisible();
  await page.getByTestId("grid").focus();
  await page.keyboard.press("Control+Home");
  await expect(page.getByText("note 1", { exact: true })).toBeVisible();
  await expect(page.getByTestId("tail-toggle")).toHaveAttribute("aria-pressed", "false");
});

test("a server that is gone is said, and its return is noticed", async ({ browser }) => {
  const { StreamTableServer } = await import("./servers.ts");
  const server = new StreamTableServer();
  const context = await browser.newContext();
  try {
    await server.start();
    await server.append("local/tests/gone", orders(3));
    const page = await context.newPage();
    await page.goto(`${server.url}/table/local/tests/gone`);
    await expect(page.getByTestId("connection")).toHaveText("Live");
    await server.stop("SIGKILL");
    await expect(page.getByTestId("connection")).toHaveText("Reconnecting…");
    await expect.poll(() => shownNumber(page, "rows-shown")).toBe(3);
    await server.start();
    await server.append("local/tests/gone", orders(2));
    await expect(page.getByTestId("connection")).toHaveText("Live", { timeout: 20_000 });
    await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5);

    // A server that lost everything has another table of that name.
    await server.remove();
    await server.start();
    await server.append("local/tests/gone", orders(2));
    await expect.poll(() => shownNumber(page, "rows-total"), { timeout: 20_000 }).toBe(2);
    await expect(page.getByText("note 1", { exact: true }).filter({ visible: true })).toHaveCount(1);
  } finally {
    await context.close();
    await server.remove();
  }
});
