// Computed columns: added, edited, sorted and filtered by, grouped by and removed on the board, while rows come.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { allRowIds, drawnRows, header, shownNumber } from "./grid.ts";

function rows(from: number, to: number): { n: number; price: number; pieces: number; cat: string }[] {
  const row = (n: number) => ({ n, price: ((n * 7919) % 1000) / 10, pieces: (n % 9) + 1, cat: ["chair", "desk"][n % 2]! });
  return Array.from({ length: to - from }, (_, idx) => row(from + idx));
}

function expression(page: Page): Promise<string> {
  return page.getByTestId("expression").inputValue();
}

async function menu(page: Page, column: string, item: string): Promise<void> {
  await header(page, column).hover();
  await page.getByRole("button", { name: `Menu of ${column}`, exact: true }).click();
  await page.locator(".popover .item").filter({ hasText: item }).click();
}

test("a column is computed, sorted and filtered by, edited and removed while rows come", async ({ server, table, openPanel }) => {
  const all = rows(0, 600);
  await server.append(table, all);
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(600);

  await page.getByTestId("add-column").click();
  await expect(page.getByTestId("column-name")).toBeFocused();
  await page.getByTestId("column-name").fill("each");
  await page.getByTestId("column-formula").fill('row["price"] / piece');
  await expect(page.getByTestId("column-error")).toContainText('"piece" is no value');
  await expect(page.getByTestId("column-error").locator("mark")).toHaveText("piece");
  await expect(page.getByTestId("take-column")).toBeDisabled();
  await page.getByTestId("column-formula").fill('row["price"] / row["pieces"]');
  await expect(page.getByTestId("column-preview")).toHaveText(/^0\n45\.95\n/);
  await expect(page.getByTestId("column-error")).toBeEmpty();
  expect(await expression(page), "nothing applies before it is taken").not.toContain("each");
  await page.getByTestId("column-formula").press("Enter");
  await expect(page.locator(".popover")).toHaveCount(0);
  expect(await expression(page)).toContain('.with_columns(row => {"each": row["price"] / row["pieces"]})');
  await expect(header(page, "each")).toHaveAttribute("title", 'each = row["price"] / row["pieces"] (float)');
  await expect(header(page, "each").locator(".computed")).toHaveText("each");

  // Sorted by it, with rows that come meanwhile in their place.
  const each = (row: { price: number; pieces: number }) => row.price / row.pieces;
  const byEach = (list: typeof all) => list.map((row) => row.n).sort((a, b) => each(list[b]!) - each(list[a]!) || a - b);
  await menu(page, "each", "Sort descending");
  await expect.poll(() => allRowIds(page)).toEqual(byEach(all));
  all.push(...rows(600, 900));
  await server.append(table, rows(600, 900));
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(900);
  expect(await allRowIds(page)).toEqual(byEach(all));

  // Filtered by it: the editor knows its range.
  await page.getByTestId("add-filter").click();
  await page.locator(".popover .item").filter({ hasText: "each" }).click();
  await expect(page.getByLabel("From")).toHaveAttribute("placeholder", "0");
  await expect(page.getByTestId("histogram").locator(".bar")).toHaveCount(48);
  await page.getByLabel("From").fill("20");
  await page.getByLabel("From").press("Enter");
  const passing = () => byEach(all).filter((n) => each(all[n]!) >= 20);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(passing().length);
  await page.keyboard.press("Escape");
  all.push(...rows(900, 1000));
  await server.append(table, rows(900, 1000));
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(passing().length);
  expect(await allRowIds(page)).toEqual(passing());

  // Another formula and another name, by which sort and filter go on.
  await menu(page, "each", "Edit the formula");
  await expect(page.getByTestId("column-formula")).toHaveValue('row["price"] / row["pieces"]');
  await page.getByTestId("column-formula").fill('row["cat"] == "desk" ? row["price"] / row["pieces"] : null');
  await page.getByTestId("column-name").fill("desk price");
  await page.getByTestId("take-column").click();
  const desks = () => passing().filter((n) => all[n]!.cat === "desk");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(desks().length);
  expect(await allRowIds(page)).toEqual(desks());
  await expect(page.getByTestId("chip")).toContainText("desk price ≥ 20");
  expect(await expression(page)).toContain('.sort(row => row["desk price"], "desc")');

  // Hidden and pinned as any other.
  await menu(page, "desk price", "Pin column");
  await expect(header(page, "desk price")).toHaveAttribute("data-pinned", "");

  await menu(page, "desk price", "Remove column");
  await expect(header(page, "desk price")).toHaveCount(0);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(1000);
  expect(await expression(page)).toBe(`table("${table}").rows()`);
});

test("rows are grouped by a computed column, and a map keeps no other columns", async ({ server, table, openPanel }) => {
  await server.append(table, rows(0, 90));
  const page = await openPanel(table, `table("${table}").rows().with_columns(row => {"kind": row["pieces"] > 5 ? "many" : "few"})`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(90);
  await menu(page, "kind", "Group by this column");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(2);
  const groups = (await drawnRows(page)).map((row) => row.text);
  expect(groups[0]).toContain("few50");
  expect(groups[1]).toContain("many40");
  await server.append(table, rows(90, 99));
  await expect.poll(async () => (await drawnRows(page))[0]?.text).toContain("few55");

  await page.getByTestId("expression").fill(`table("${table}").rows().map(row => {"sum": row["price"] + row["pieces"], "cat": row["cat"].upper()})`);
  await page.getByTestId("expression").press("Enter");
  await expect(page.getByTestId("header-cell")).toHaveCount(2);
  await expect.poll(async () => (await drawnRows(page))[1]?.text).toContain("93.9DESK");
});

test("what a computed column may not be is told where it is typed", async ({ server, table, openPanel }) => {
  await server.append(table, rows(0, 9));
  const page = await openPanel(table, `table("${table}").rows().with_columns(row => {"a": 1})`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(9);
  await page.getByTestId("add-column").click();
  await page.getByTestId("column-formula").fill("2");
  await expect(page.getByTestId("column-preview")).toHaveText(/^2\n2\n/);
  await expect(page.getByTestId("take-column"), "without a name").toBeDisabled();
  await page.getByTestId("column-name").fill("a");
  await expect(page.getByTestId("column-error")).toContainText("There is a computed column of that name already");
  await page.getByTestId("column-name").fill("_seq");
  await expect(page.getByTestId("column-error")).toContainText("is the system's");
  await page.getByTestId("column-name").fill("b");
  await expect(page.getByTestId("take-column")).toBeEnabled();
});
