// A table of five hundred columns: what is drawn of it, what scrolling sideways shows, and what that costs.

import type { Page } from "@playwright/test";
import { fill, scrollFrames } from "./big_tables.ts";
import { expect, test } from "./fixtures.ts";
import { focusedCell, header, shownNumber, takeLongTasks, watchLongTasks } from "./grid.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;
const N_COLUMNS = 500;
const N_ROWS = 3000;
/** Columns are about a hundred pixels wide: so many fit into the window, and two are cut by its edges. */
const MAX_IN_VIEW = 16;

// The tracer's snapshots of every step would be the heaviest work of the page that is measured.
test.use({ trace: "off" });

/** Whole numbers, floats and texts by turns, from which row and column can be told. */
function cell(n: number, column: number): number | string {
  return [n * 1000 + column, n + column / 8, `r${n} c${column}`][column % 3]!;
}

function line(n: number): string {
  return JSON.stringify(Object.fromEntries(Array.from({ length: N_COLUMNS }, (_, column) => [`c${column}`, cell(n, column)])));
}

/** What is drawn of each column, from left to right: its header's place, and its cell's in the first row. */
async function drawnColumns(page: Page): Promise<{ name: string; header: number; cell: number; text: string }[]> {
  return page.getByTestId("grid").evaluate((grid) => {
    const row = [...grid.querySelectorAll<HTMLElement>("[data-testid=grid-row]")].find((row) => !row.hidden)!;
    const left = (element: Element | null) => element?.getBoundingClientRect().left ?? NaN;
    const headers = [...grid.querySelectorAll<HTMLElement>("[data-testid=header-cell]")];
    const drawn = headers.map((header) => {
      const cell = row.querySelector(`[role=gridcell][aria-colindex="${header.getAttribute("aria-colindex")}"]`);
      return { name: header.dataset["column"]!, header: left(header), cell: left(cell), text: cell?.textContent ?? "" };
    });
    return drawn.sort((a, b) => a.header - b.header);
  });
}

/** Waits until every column in view has its header and its cells, and tells what they are. */
async function settledColumns(page: Page): Promise<string[]> {
  await expect
    .poll(async () => (await drawnColumns(page)).every(({ header, cell, text }) => Math.abs(header - cell) < 1 && text !== ""))
    .toBe(true);
  const drawn = await drawnColumns(page);
  for (const { name, text } of drawn) {
    const n = Number(name.slice(1));
    expect(text, name).toBe(String(cell(await firstRow(page), n)));
  }
  const n_cells = await page.getByRole("gridcell").count();
  const n_rows = await page.locator("[data-testid=grid-row]:visible").count();
  expect(n_cells, "a cell for each column in view and row").toBe(n_rows * drawn.length);
  expect(drawn.length).toBeLessThanOrEqual(MAX_IN_VIEW);
  return drawn.map(({ name }) => name);
}

async function firstRow(page: Page): Promise<number> {
  const first = page.locator("[data-testid=grid-row]:visible").first();
  return Number(await first.getAttribute("data-row-id"));
}

test("of five hundred columns those in view are drawn, the keyboard reaches all, and pinned ones stay", async ({ context, own }) => {
  test.setTimeout(120_000);
  await fill(own, "local/tests/wide", N_ROWS, line, 500);
  const page = await context.newPage();
  await watchLongTasks(page);
  await page.goto(`${own.url}/table/local/tests/wide`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(N_ROWS);
  const grid = page.getByTestId("grid");
  await expect(grid).toHaveAttribute("aria-colcount", String(N_COLUMNS + 1));
  const atLeft = await settledColumns(page);
  expect(atLeft.slice(0, 3)).toEqual(["c0", "c1", "c2"]);
  const n_nodes = await page.evaluate(() => document.querySelectorAll("*").length);

  await test.step("scrolled sideways", async () => {
    for (const share of [0.1, 0.5, 0.9, 1, 0.3, 0]) {
      await grid.evaluate((grid, share) => (grid.scrollLeft = (grid.scrollWidth - grid.clientWidth) * share), share);
      await expect
        .poll(async () => Math.abs(Number((await drawnColumns(page))[0]!.name.slice(1)) - share * N_COLUMNS))
        .toBeLessThan(25);
      const names = await settledColumns(page);
      const numbers = names.map((name) => Number(name.slice(1)));
      expect(numbers, "they stand side by side").toEqual(numbers.map((_, idx) => numbers[0]! + idx));
      if (share === 1) expect(names.at(-1)).toBe(`c${N_COLUMNS - 1}`);
    }
    expect(await page.evaluate(() => document.querySelectorAll("*").length)).toBeLessThan(n_nodes + 300);
  });

  await test.step("by keyboard", async () => {
    await grid.focus();
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("End");
    await expect.poll(() => focusedCell(page)).toEqual({ row: 0, column: "c499", text: String(cell(0, 499)) });
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => focusedCell(page)).toEqual({ row: 1, column: "c498", text: "1498" });
    for (let n = 0; n < 30; n += 1) await page.keyboard.press("ArrowLeft");
    await expect.poll(() => focusedCell(page)).toEqual({ row: 1, column: "c468", text: "1468" });
    await settledColumns(page);
    await page.keyboard.press("Home");
    await expect.poll(() => focusedCell(page)).toEqual({ row: 1, column: "c0", text: "1000" });
    for (let n = 0; n < 30; n += 1) await page.keyboard.press("ArrowRight");
    await expect.poll(() => focusedCell(page)).toEqual({ row: 1, column: "c30", text: "1030" });
  });

  await test.step("pinned", async () => {
    for (const column of ["c30", "c29"]) {
      await header(page, column).getByRole("button").focus();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Pin column", exact: true }).click();
    }
    const gutter = (await grid.boundingBox())!.x + 64;
    for (const share of [0.5, 1, 0]) {
      await grid.evaluate((grid, share) => (grid.scrollLeft = (grid.scrollWidth - grid.clientWidth) * share), share);
      await expect.poll(async () => (await drawnColumns(page)).filter(({ header }) => header >= gutter).at(-1)!.name).toMatch(
        share === 1 ? /c499/ : share === 0 ? /c\d$/ : /c2\d\d/,
      );
      const names = await settledColumns(page);
      expect(names.slice(0, 2)).toEqual(["c30", "c29"]);
      const [first, second] = await drawnColumns(page);
      expect(Math.abs(first!.cell - gutter)).toBeLessThan(1);
      expect(second!.cell).toBeGreaterThan(first!.cell + 40);
      await expect(header(page, "c30")).toHaveAttribute("aria-colindex", "2");
      if (share === 0.5) await page.screenshot({ path: `${OUTPUT}pinned.png` });
    }
    // What is behind the pinned ones is revealed beside them.
    await grid.focus();
    await page.keyboard.press("Home");
    await expect.poll(() => focusedCell(page)).toMatchObject({ column: "c30" });
    await grid.evaluate((grid) => (grid.scrollLeft = 700));
    for (let n = 0; n < 2; n += 1) await page.keyboard.press("ArrowRight");
    await expect.poll(() => focusedCell(page)).toMatchObject({ column: "c0" });
    const [, pinned, scrolled] = await drawnColumns(page);
    expect(scrolled).toMatchObject({ name: "c0" });
    expect(scrolled!.cell).toBeGreaterThan(pinned!.cell + 40);

    await header(page, "c30").getByRole("button").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Unpin column" }).click();
    await expect(header(page, "c29")).toHaveAttribute("aria-colindex", "2");
    await expect(header(page, "c0")).toHaveAttribute("aria-colindex", "3");
  });

  await test.step("in time", async () => {
    await page.reload();
    await expect.poll(() => shownNumber(page, "rows-shown")).toBe(N_ROWS);
    await settledColumns(page);
    await takeLongTasks(page);
    const down = await scrollFrames(page, { down: 37 });
    const right = await scrollFrames(page, { right: 23 });
    const fast = await scrollFrames(page, { right: 300 }, 120);
    const longTasks = await takeLongTasks(page);
    console.log(`500 columns, frames in ms: ${JSON.stringify({ down, right, fast, longTasks })}`);
    expect(down.median).toBeLessThan(34);
    expect(right.median).toBeLessThan(34);
    await settledColumns(page);
  });
});
