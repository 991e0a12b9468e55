// A table larger than a tab holds: what was selected, focused and read when its oldest rows are let go.

import { fill } from "./big_tables.ts";
import { expect, test } from "./fixtures.ts";
import { drawnRows, focusedCell, selectedRows, shownNumber } from "./grid.ts";

/** The engine lets go of this many rows at once. */
const SEGMENT_ROWS = 65_536;
const N_FIRST = 75_000;
const N_MORE = 57_000;
/** Of so much text that a gibibyte is full before the last row. */
const FILLER = "lorem ipsum ".repeat(700);

// The tracer's snapshots of every step would be the heaviest work of the page.
test.use({ trace: "off" });

test("rows that are let go are selected no more, and what is read does not jump", async ({ context, own }) => {
  test.setTimeout(240_000);
  const table = "local/tests/let_go";
  const line = (n: number) => `{"n":${n},"text":"${n} ${FILLER}"}`;
  await fill(own, table, N_FIRST, line, 3000);
  const page = await context.newPage();
  await page.goto(`${own.url}/table/${table}`);
  await expect(page.getByTestId("connection")).toHaveText("Live", { timeout: 120_000 });
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(N_FIRST);

  // Two rows that will go are selected, and one that stays.
  const goTo = async (n: number) => {
    await page.getByTestId("row-finder").fill(String(n));
    await page.getByTestId("row-finder").press("Enter");
    await expect.poll(() => focusedCell(page)).toMatchObject({ row: n });
  };
  await goTo(10);
  await page.keyboard.press("Shift+ArrowDown");
  await expect.poll(() => selectedRows(page)).toEqual([10, 11]);
  await page.getByTestId("grid").evaluate((grid) => (grid.scrollTop = 70_000 * 28));
  const read = page.locator('[data-testid=grid-row][data-row-id="70005"]');
  await read.click({ modifiers: ["Control"], position: { x: 120, y: 14 } });
  await expect(page.getByText("3 selected")).toBeVisible();
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: 70_005 });
  const top = (await drawnRows(page)).find((row) => row.row_id === 70_005)!.top;

  await fill(own, table, N_MORE, (n) => line(N_FIRST + n), 3000);
  await expect(page.getByText(/older ones not held/)).toBeVisible({ timeout: 120_000 });
  await expect.poll(() => shownNumber(page, "rows-total"), { timeout: 120_000 }).toBe(N_FIRST + N_MORE - SEGMENT_ROWS);
  await expect(read).toHaveAttribute("aria-rowindex", String(70_005 - SEGMENT_ROWS + 2));
  await expect(page.getByTestId("grid")).toHaveAttribute("aria-rowcount", String(N_FIRST + N_MORE - SEGMENT_ROWS + 1));
  const now = (await drawnRows(page)).find((row) => row.row_id === 70_005)!;
  expect(Math.abs(now.top - top), "the row that is read has not moved").toBeLessThanOrEqual(1);
  await expect(page.getByText(/\d selected/), "one row is left of three").toHaveCount(0);
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: 70_006 - SEGMENT_ROWS });

  // A row that is gone is not found, and the first there is stands at the top.
  await page.getByTestId("row-finder").fill("10");
  await page.getByTestId("row-finder").press("Enter");
  await expect(page.getByTestId("row-finder")).toHaveAttribute("aria-invalid", "true");
  await page.getByTestId("row-finder").press("Escape");
  await page.keyboard.press("Control+Home");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: 0, text: String(SEGMENT_ROWS) });
});
