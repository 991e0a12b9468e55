// Reading the board's grid as a person would: what is on screen, and all of it by scrolling.

import { expect, type Page } from "@playwright/test";

/** A row as it is drawn. */
export type DrawnRow = { row_idx: number; row_id: number; top: number; text: string };

/** The rows that are drawn now, by their place in the view. */
export async function drawnRows(page: Page): Promise<DrawnRow[]> {
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
export async function shownNumber(page: Page, testId: string): Promise<number> {
  const text = await page.getByTestId(testId).innerText();
  return Number(text.replace(/[^0-9]/g, ""));
}

/** The ids of every row of the view in order, read by scrolling from top to end. */
export async function allRowIds(page: Page): Promise<number[]> {
  const n_rows = await shownNumber(page, "rows-shown");
  const ids = new Map<number, number>();
  const grid = page.getByTestId("grid");
  await grid.evaluate((element) => (element.scrollTop = 0));
  for (let step = 0; ids.size < n_rows; step += 1) {
    expect(step, `scrolled ${step} times and saw ${ids.size} of ${n_rows} rows`).toBeLessThan(n_rows + 100);
    await page.waitForTimeout(30);
    for (const row of await drawnRows(page)) ids.set(row.row_idx, row.row_id);
    await grid.evaluate((element) => (element.scrollTop += element.clientHeight * 0.8));
  }
  return [...ids.entries()].sort((a, b) => a[0] - b[0]).map(([, id]) => id);
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
