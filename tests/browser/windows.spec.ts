// Moving windows, and how a sort places empty cells and texts: by the controls, by the expression, as time passes.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { allRowIds, shownNumber } from "./grid.ts";

const HOUR_MILLIS = 3_600_000;

/** A row that is as old as said. */
function aged(millis: number): object {
  return { timestamp: { $ts: (Date.now() - millis) * 1000 }, age: millis };
}

function expression(page: Page): Promise<string> {
  return page.getByTestId("expression").inputValue();
}

async function openMenu(page: Page, column: string): Promise<void> {
  await page.getByRole("button", { name: `Menu of ${column}`, exact: true }).click();
}

test("a window is chosen, edited and removed, and rows leave it as time passes", async ({ server, table, openPanel }) => {
  await server.append(table, [aged(30 * HOUR_MILLIS), aged(2 * HOUR_MILLIS), aged(40_000), aged(0)]);
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(4);

  await page.getByTestId("add-filter").click();
  await page.locator(".popover .item").filter({ hasText: "timestamp" }).click();
  await page.getByRole("button", { name: "Last", exact: true }).click();
  await page.getByRole("radio", { name: "Last 24 hours" }).check();
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(3);
  expect(await expression(page)).toContain('.rows().last("24h")');
  const chip = page.getByTestId("chip");
  await page.keyboard.press("Escape");
  await expect(chip).toHaveText("timestamp in the last 24 hours");

  await chip.getByRole("button").first().click();
  await expect(page.getByRole("radio", { name: "Last 24 hours" })).toBeChecked();
  await page.getByLabel("Another span").fill("5x");
  await expect(page.locator(".popover .hint.bad")).toBeVisible();
  expect(await expression(page)).toContain('.last("24h")');
  await page.getByLabel("Another span").fill("60s");
  await expect(page.locator(".popover .hint.bad")).toHaveCount(0);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(2);
  await page.keyboard.press("Escape");
  await expect(chip).toHaveText("timestamp in the last 60 seconds");
  // Nothing comes, and still the older row goes; a new one comes in.
  await expect.poll(() => allRowIds(page), { timeout: 30_000 }).toEqual([3]);
  await server.append(table, [aged(0), aged(HOUR_MILLIS)]);
  await expect.poll(() => allRowIds(page)).toEqual([3, 4]);

  await chip.getByRole("button", { name: /^Remove/ }).click();
  await expect(chip).toHaveCount(0);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(6);
});

test("a window that is typed has its chip, in a sorted and in a grouped view", async ({ server, table, openPanel }) => {
  await server.append(table, [aged(2 * HOUR_MILLIS), aged(30), aged(20)]);
  const page = await openPanel(table);
  const type = async (ops: string) => {
    await page.getByTestId("expression").fill(`table("${table}").rows()${ops}`);
    await page.getByTestId("expression").press("Enter");
  };
  await type('.last("1h").sort(row => row["age"])');
  await expect.poll(() => allRowIds(page)).toEqual([2, 1]);
  await expect(page.getByTestId("chip")).toHaveText("timestamp in the last hour");
  await type('.last("3s").groupby(row => row["age"])');
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(0);
  await expect(page.getByText("No row passes the filters.")).toBeVisible();
  await server.append(table, [aged(1), aged(0)]);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(2);
  await expect.poll(() => shownNumber(page, "rows-shown"), { timeout: 15_000 }).toBe(0);
});

test("the menu of a column puts empty cells first, and texts in the order of an alphabet", async ({ server, table, openPanel }) => {
  const names = ["zebra", "Äpfel", null, "apfel", "Zoo", "10"];
  await server.append(table, names.map((name, n) => ({ n, name })));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(names.length);

  await openMenu(page, "name");
  await page.getByRole("button", { name: "Sort descending" }).click();
  await expect.poll(() => allRowIds(page)).toEqual([1, 0, 3, 4, 5, 2]);
  await openMenu(page, "name");
  await page.getByRole("button", { name: "Empty cells first" }).click();
  await expect.poll(() => allRowIds(page)).toEqual([2, 1, 0, 3, 4, 5]);
  expect(await expression(page)).toContain('.sort(row => row["name"], "desc nulls first")');
  await openMenu(page, "name");
  await page.getByRole("button", { name: "Alphabetical order" }).click();
  await expect.poll(() => allRowIds(page)).toEqual([2, 4, 0, 1, 3, 5]);
  expect(await expression(page)).toContain('"desc nulls first locale")');
  // A click on the header turns the order round and keeps the rest.
  await openMenu(page, "name");
  await page.getByRole("button", { name: "Sort ascending" }).click();
  await expect.poll(() => allRowIds(page)).toEqual([2, 5, 3, 1, 0, 4]);
  await openMenu(page, "name");
  await expect(page.getByRole("button", { name: "Empty cells first" })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("button", { name: "Empty cells first" }).click();
  await openMenu(page, "name");
  await page.getByRole("button", { name: "Alphabetical order" }).click();
  await expect.poll(() => allRowIds(page)).toEqual([5, 4, 3, 0, 1, 2]);
  expect(await expression(page)).toContain('.sort(row => row["name"], "asc")');
});
