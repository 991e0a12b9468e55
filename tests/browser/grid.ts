// Reading the board's grid as a person would: what is on screen, and all of it by scrolling.

import type { FrameLocator, Locator, Page } from "@playwright/test";
import type { StreamTableServer } from "./servers.ts";

/** Where a panel is: a page, or a frame in one. */
export type Panel = Page | FrameLocator;

/** A row as it is drawn. */
export type DrawnRow = { row_idx: number; row_id: number; top: number; text: string };

/** The rows that are drawn now, by their place in the view. */
export async function drawnRows(page: Panel): Promise<DrawnRow[]> {
  const rows = await page.getByTestId("grid-row").evaluateAll((elements) =>
    elements
      .filter((element) => (element as HTMLElement).offsetParent !== null && (element as HTMLElement).dataset.rowId)
      .map((element) => ({
        row_idx: Number(element.getAttribute("aria-rowindex")),
        row_id: Number((element as HTMLElement).dataset.rowId),
        top: element.getBoundingClientRect().top,
        text: element.textContent ?? "",
      })),
  );
  return rows.sort((a, b) => a.row_idx - b.row_idx);
}

/** The number that an element shows, such as 12,345. */
export async function shownNumber(page: Panel, testId: string): Promise<number> {
  const text = await page.getByTestId(testId).innerText();
  return Number(text.replace(/[^0-9]/g, ""));
}

/** The ids of every row of the view in order, read by scrolling from top to end. */
export async function allRowIds(page: Panel): Promise<number[]> {
  const n_rows = await shownNumber(page, "rows-shown");
  return page.getByTestId("grid").evaluate(async (grid, n_rows) => {
    const ids = new Map<number, number>();
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const isBusy = () => [...grid.querySelectorAll("[aria-busy=true]")].some((row) => !(row as HTMLElement).hidden);
    const settled = async () => {
      for (let n_frames = 0, n_calm = 0; n_calm < 2; n_frames += 1) {
        await frame();
        // Rows that have not come yet are drawn empty.
        n_calm = isBusy() ? 0 : n_calm + 1;
        if (n_frames > 600) throw new Error("rows stay empty");
      }
    };
    grid.scrollTop = 0;
    await settled();
    for (let step = 0; ids.size < n_rows; step += 1) {
      if (step > n_rows + 100) throw new Error(`saw ${ids.size} of ${n_rows} rows`);
      for (const row of grid.querySelectorAll<HTMLElement>("[data-row-id]:not([hidden])")) {
        if (row.dataset["rowId"]) ids.set(Number(row.getAttribute("aria-rowindex")), Number(row.dataset["rowId"]));
      }
      grid.scrollTop += grid.clientHeight * 0.8;
      await settled();
    }
    return [...ids.entries()].sort((a, b) => a[0] - b[0]).map(([, id]) => id);
  }, n_rows);
}

/** Scrolls the grid sideways until the column's header is there. */
export async function showColumn(page: Page, column: string): Promise<void> {
  const grid = page.getByTestId("grid");
  const header = page.locator(`[data-testid=header-cell][data-column="${column}"]`);
  await page.getByTestId("header-cell").first().waitFor();
  await grid.evaluate((element) => (element.scrollLeft = 0));
  for (let step = 0; step < 100 && !(await header.isVisible()); step += 1) {
    await grid.evaluate((element) => (element.scrollLeft += element.clientWidth / 2));
    await page.waitForTimeout(30);
  }
  await header.scrollIntoViewIfNeeded();
}

/** Notes every task of the main thread that takes more than 50 ms, from the page's first script on. */
export async function watchLongTasks(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const tasks: number[] = [];
    Object.assign(globalThis, { longTasks: tasks });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) tasks.push(entry.duration);
    }).observe({ type: "longtask", buffered: true });
  });
}

/** The long tasks since the last time this was asked, in milliseconds. */
export async function takeLongTasks(page: Page): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks.splice(0));
}

/** Offsets in the order of a descending number, nulls last, ties by offset: worked out apart from the engine. */
export function offsetsByNumberDescending(rows: Record<string, unknown>[], column: string): number[] {
  const key = (row: Record<string, unknown>) => (typeof row[column] === "number" ? (row[column] as number) : -Infinity);
  return rows
    .map((row) => ({ key: key(row), offset: Number(row["_offset"]) }))
    .sort((a, b) => b.key - a.key || a.offset - b.offset)
    .map(({ offset }) => offset);
}

/** The server's rows with their offsets as plain numbers. */
export async function rowsWithOffsets(server: StreamTableServer, table: string): Promise<OffsetRow[]> {
  const rows: any[] = await server.rows(table, { system: "true" });
  return rows.map((row) => ({ ...row, _offset: Number(row._offset?.$i64 ?? row._offset) }));
}

/** A row as JSON has it, with its number. */
export type OffsetRow = { [column: string]: any; _offset: number };

/** The focused cell as those who listen are told of it, by their numbers; `null` where there is none. */
export type FocusedCell = { row: number; column: string; text: string } | null;

/** The cell that the grid names as the active one: its row's number, its column, its text. */
export async function focusedCell(page: Panel): Promise<FocusedCell> {
  return page.getByTestId("grid").evaluate((grid) => {
    const cell = grid.ownerDocument.getElementById(grid.getAttribute("aria-activedescendant") ?? "");
    const row = cell?.closest<HTMLElement>("[role=row]");
    if (!cell || !row || row.hidden || grid.ownerDocument.activeElement !== grid) return null;
    const box = cell.getBoundingClientRect();
    const edges = grid.getBoundingClientRect();
    const isInView = box.top >= edges.top && box.bottom <= edges.bottom && box.left >= edges.left && box.right <= edges.right + 1;
    if (!isInView) return null;
    const header = grid.querySelector(`[role=columnheader][aria-colindex="${cell.getAttribute("aria-colindex")}"]`);
    const column = header?.getAttribute("data-column") ?? "";
    return { row: Number(row.getAttribute("aria-rowindex")) - 2, column, text: cell.textContent ?? "" };
  });
}

/** The numbers of the rows that are drawn as selected, in order. */
export async function selectedRows(page: Panel): Promise<number[]> {
  const indexes = await page
    .locator("[data-testid=grid-row][aria-selected=true]:visible")
    .evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("aria-rowindex")) - 2));
  return indexes.sort((a, b) => a - b);
}

/** A column's header. */
export function header(page: Panel, column: string): Locator {
  return page.locator(`[data-testid=header-cell][data-column="${column}"]`);
}
