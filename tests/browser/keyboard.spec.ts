// The grid by keyboard while rows stream in: nobody is thrown off the cell where they are, and those who listen hear of it.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { drawnRows, focusedCell, selectedRows, shownNumber } from "./grid.ts";
import type { StreamTableServer } from "./servers.ts";

function rows(n_rows: number, from = 0): object[] {
  return Array.from({ length: n_rows }, (_, idx) => ({ n: from + idx, price: ((from + idx) * 7919) % 1000 }));
}

/** Appends rows until it is told to stop. */
function stream(server: StreamTableServer, table: string, from: number): () => Promise<number> {
  let isOver = false;
  const streamed = (async () => {
    let next = from;
    while (!isOver) {
      await server.append(table, rows(100, next));
      next += 100;
    }
    return next;
  })();
  return () => {
    isOver = true;
    return streamed;
  };
}

/** The row id of the focused cell's row. */
function focusedRow(page: Page): Promise<number | null> {
  return page.getByTestId("grid").evaluate((grid) => {
    const cell = grid.ownerDocument.getElementById(grid.getAttribute("aria-activedescendant") ?? "");
    const row_id = cell?.closest<HTMLElement>("[role=row]")?.dataset.rowId;
    return row_id === undefined ? null : Number(row_id);
  });
}

test("every step counts while rows stream into a sorted view, and the keyboard stays in the grid", async ({ server, table, openPanel }) => {
  await server.append(table, rows(5000));
  const page = await openPanel(table, `table("${table}").rows().sort(row => row["price"], "desc")`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5000);
  const grid = page.getByTestId("grid");
  await grid.focus();
  await page.keyboard.press("Control+End");
  await expect.poll(async () => (await focusedCell(page))?.row).toBe(4999);
  const stop = stream(server, table, 5000);
  // Up to a row whose price others share; then so many steps down are so many rows, whatever came between.
  for (let n = 0; n < 30; n += 1) await page.keyboard.press("ArrowUp");
  await expect.poll(() => focusedCell(page)).not.toBeNull();
  expect(await grid.evaluate((grid) => document.activeElement === grid)).toBe(true);
  const n_rows = await stop();
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(n_rows);
  expect(n_rows).toBeGreaterThan(5000);

  const start = (await focusedCell(page))!.row;
  await grid.evaluate((grid) => {
    for (let n = 0; n < 25; n += 1) grid.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
    grid.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    for (let n = 0; n < 5; n += 1) grid.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
  });
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: start - 20, column: "price" });
});

test("a step from a cell that was scrolled away goes on from there, and each cell has a name of its own", async ({ server, table, openPanel }) => {
  await server.append(table, rows(5000));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5000);
  const grid = page.getByTestId("grid");
  await grid.focus();
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: 0, column: "n" });
  const name = () => grid.getAttribute("aria-activedescendant");
  const first = await name();
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: 1 });
  expect(await name(), "the name tells of the move").not.toBe(first);

  await grid.evaluate((grid) => (grid.scrollTop = 60_000));
  await expect.poll(async () => (await drawnRows(page))[0]?.row_id ?? 0).toBeGreaterThan(1000);
  await expect(grid, "what is not there is not named").not.toHaveAttribute("aria-activedescendant");
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: 2 });
  await page.keyboard.press("Shift+PageDown");
  await expect.poll(async () => (await selectedRows(page)).slice(0, 2)).toEqual([2, 3]);
});

test("a row is found by its number wherever a sort has put it, and rows stand in the document as on screen", async ({ server, table, openPanel }) => {
  await server.append(table, rows(5000));
  const page = await openPanel(table, `table("${table}").rows().sort(row => row["price"], "desc")`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5000);
  const finder = page.getByTestId("row-finder");
  await finder.fill("1,234");
  await finder.press("Enter");
  await expect.poll(() => focusedRow(page)).toBe(1234);
  await expect(finder).toHaveValue("");
  await finder.fill("row");
  await finder.press("Enter");
  await expect(finder).toHaveAttribute("aria-invalid", "true");
  await finder.press("Escape");
  await expect(page.getByTestId("grid")).toBeFocused();
  for (const scroll of [700, 100, 3000]) {
    await page.getByTestId("grid").evaluate((grid, by) => (grid.scrollTop += by), scroll);
    const inDocument = () =>
      page.locator("[data-testid=grid-row]:visible").evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("aria-rowindex"))));
    await expect.poll(async () => (await inDocument()).every((idx, place, all) => idx === all[0]! + place)).toBe(true);
  }
});
