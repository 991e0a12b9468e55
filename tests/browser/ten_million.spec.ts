// Ten million rows on the real server, read on the board: by number, by scroll bar, by wheel and by every key.

import type { Page } from "@playwright/test";
import { fill, scrollFrames } from "./big_tables.ts";
import { expect, test } from "./fixtures.ts";
import { drawnRows, focusedCell, selectedRows, shownNumber, takeLongTasks, watchLongTasks } from "./grid.ts";

const N_ROWS = 10_000_000;
const LAST = N_ROWS - 1;
/** A budget of the worker's: past it it lets go of the oldest rows. */
const MAX_TABLE_BYTES = 1 << 30;

// The tracer's snapshots of every step would be the heaviest work of the page that is measured.
test.use({ trace: "off" });

/** Row `n` has `n`, a float and a text that follow from it. */
const cells = (n: number) => [String(n), String(n / 8), `row ${n % 97}`];

async function cellsOf(page: Page, n: number): Promise<string[]> {
  return page.locator(`[data-testid=grid-row][data-row-id="${n}"] [role=gridcell]`).allInnerTexts();
}

test("ten million rows are read, walked by every key, selected and copied", async ({ context, own, browserName }) => {
  test.skip(browserName !== "chromium");
  test.setTimeout(300_000);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: own.url });
  const started = Date.now();
  await fill(own, "local/tests/ten", N_ROWS, (n) => `{"n":${n},"eighth":${n / 8},"text":"row ${n % 97}"}`);
  const filled = Date.now();
  const page = await context.newPage();
  await watchLongTasks(page);
  await page.goto(`${own.url}/table/local/tests/ten?memory=1GB`);
  await expect(page.getByTestId("connection")).toHaveText("Live", { timeout: 120_000 });
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(N_ROWS);
  const n_bytes = await memory(page);
  console.log(`10M rows: stored in ${filled - started} ms, on the board in ${Date.now() - filled} ms, ${n_bytes >> 20} MiB`);
  expect(n_bytes).toBeGreaterThan(N_ROWS * 16);
  expect(n_bytes).toBeLessThan(MAX_TABLE_BYTES);
  await takeLongTasks(page);

  await test.step("by number", async () => {
    for (const n of [7_654_321, 1234, 5_000_000]) {
      await page.getByTestId("row-finder").fill(n.toLocaleString("en-US"));
      await page.getByTestId("row-finder").press("Enter");
      await expect.poll(() => focusedCell(page)).toEqual({ row: n, column: "n", text: String(n) });
      expect(await cellsOf(page, n)).toEqual(cells(n));
    }
    await page.getByTestId("row-finder").fill(String(N_ROWS));
    await page.getByTestId("row-finder").press("Enter");
    await expect(page.getByTestId("row-finder")).toHaveAttribute("aria-invalid", "true");
    await page.getByTestId("row-finder").press("Escape");
    await expect.poll(() => focusedCell(page), "the grid has the keyboard again").toMatchObject({ row: 5_000_000 });
  });

  await test.step("by scroll bar", async () => {
    const grid = page.getByTestId("grid");
    await grid.evaluate((grid) => (grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * 0.25));
    // A pixel of the bar is hundreds of rows.
    await expect.poll(async () => Math.abs(((await drawnRows(page))[10]?.row_idx ?? 0) / N_ROWS - 0.25)).toBeLessThan(0.001);
    const rows = await drawnRows(page);
    for (const { row_id, row_idx } of rows) {
      expect(row_idx).toBe(row_id + 2);
      expect(await cellsOf(page, row_id)).toEqual(cells(row_id));
    }
    expect(await focusedCell(page), "what has the focus is not in view").toBeNull();
    await expect(grid).not.toHaveAttribute("aria-activedescendant");
  });

  await test.step("by wheel", async () => {
    const top = async () => (await drawnRows(page)).map(({ row_id, top }) => row_id * 28 - top)[0]!;
    const before = await top();
    await page.mouse.move(400, 400);
    for (let n = 1; n <= 30; n += 1) {
      await page.mouse.wheel(0, 100);
      await expect.poll(async () => Math.round((await top()) - before)).toBe(n * 100);
    }
    await page.mouse.move(5, 5);
  });

  const n_nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  const n_cells = await page.locator("[role=gridcell]").count();
  console.log(`10M rows: ${n_nodes} elements, of which ${n_cells} are cells`);
  expect(n_nodes).toBeLessThan(500);

  await test.step("by keyboard", () => walk(page));
  await test.step("selected and copied", () => select(page));

  await test.step("in time", async () => {
    await takeLongTasks(page);
    await page.keyboard.press("Control+Home");
    await expect.poll(() => focusedCell(page)).toMatchObject({ row: 0 });
    const slow = await scrollFrames(page, { down: 37 });
    const fast = await scrollFrames(page, { down: 5_000 });
    const longTasks = await takeLongTasks(page);
    console.log(`10M rows, frames in ms: ${JSON.stringify({ slow, fast, longTasks })}`);
    expect(slow.median).toBeLessThan(34);
    expect(fast.median).toBeLessThan(34);
  });
});

/** What the footer says the table and its view take, in bytes. */
async function memory(page: Page): Promise<number> {
  const text = await page.getByTestId("memory").innerText();
  const [, number, unit] = /([\d.]+) (B|KB|MB|GB)/.exec(text)!;
  return Number(number) * 1024 ** ["B", "KB", "MB", "GB"].indexOf(unit!);
}

/** Every key that moves, at the last rows and back at the first. */
async function walk(page: Page): Promise<void> {
  const grid = page.getByTestId("grid");
  const n_per_page = Math.floor((await grid.evaluate((grid) => grid.clientHeight - 32)) / 28);
  const at = async (key: string, row: number, column: string) => {
    await page.keyboard.press(key);
    const text = cells(row)[["n", "eighth", "text"].indexOf(column)]!;
    await expect.poll(() => focusedCell(page), key).toEqual({ row, column, text });
    expect(await selectedRows(page), key).toEqual([row]);
  };
  await expect(grid).toHaveAttribute("aria-rowcount", String(N_ROWS + 1));
  await expect(grid).toHaveAttribute("aria-colcount", "4");
  await at("Control+End", LAST, "n");
  await at("ArrowDown", LAST, "n");
  await at("ArrowUp", LAST - 1, "n");
  await at("ArrowDown", LAST, "n");
  await at("ArrowLeft", LAST, "n");
  await at("ArrowRight", LAST, "eighth");
  await at("End", LAST, "text");
  await at("ArrowRight", LAST, "text");
  await at("Home", LAST, "n");
  await at("PageDown", LAST, "n");
  await at("PageUp", LAST - n_per_page, "n");
  await at("PageUp", LAST - 2 * n_per_page, "n");
  await at("PageDown", LAST - n_per_page, "n");
  await at("Control+Home", 0, "n");
  await at("PageUp", 0, "n");
  await at("ArrowUp", 0, "n");
  await at("PageDown", n_per_page, "n");
  await at("Control+ArrowDown", LAST, "n");
  await at("Control+ArrowRight", LAST, "text");
  await at("Control+ArrowUp", 0, "text");
  await at("Control+ArrowLeft", 0, "n");

  // Keys that come faster than the worker answers all count.
  await at("Control+End", LAST, "n");
  await Promise.all(Array.from({ length: 40 }, () => page.keyboard.press("ArrowUp")));
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: LAST - 40 });
  await grid.evaluate((grid) => {
    for (const key of ["ArrowUp", "ArrowUp", "PageUp", "ArrowRight", "ArrowDown", "PageDown"]) {
      grid.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }
  });
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: LAST - 41, column: "eighth" });
}

/** Shift and arrows at the last row, and what is copied. */
async function select(page: Page): Promise<void> {
  const copied = async () => {
    await page.keyboard.press("Control+c");
    return page.evaluate(() => navigator.clipboard.readText());
  };
  await page.keyboard.press("Control+End");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: LAST, column: "eighth" });
  await expect.poll(copied).toBe(String(LAST / 8));
  for (let n = 1; n <= 3; n += 1) await page.keyboard.press("Shift+ArrowUp");
  await expect.poll(() => selectedRows(page)).toEqual([LAST - 3, LAST - 2, LAST - 1, LAST]);
  await page.keyboard.press("Shift+ArrowDown");
  await expect.poll(() => selectedRows(page)).toEqual([LAST - 2, LAST - 1, LAST]);
  await page.keyboard.press("Shift+ArrowRight");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: LAST - 2, column: "text" });
  expect(await selectedRows(page)).toEqual([LAST - 2, LAST - 1, LAST]);
  const lines = [["n", "eighth", "text"], ...[LAST - 2, LAST - 1, LAST].map(cells)];
  await expect.poll(copied).toBe(lines.map((line) => line.join("\t")).join("\n"));
  await page.keyboard.press("Shift+PageUp");
  await expect.poll(async () => (await selectedRows(page)).length).toBeGreaterThan(15);
  await page.keyboard.press("Escape");
  await expect.poll(() => selectedRows(page)).toEqual([]);
}
