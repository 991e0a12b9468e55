// A table of the browser that is larger than its budget: what was selected, focused and read when its oldest rows are let go.

import type { Page } from "@playwright/test";
import type * as Package from "../../crates/client/npm/src/index.ts";
import { expect, test } from "./fixtures.ts";
import { drawnRows, focusedCell, selectedRows, shownNumber } from "./grid.ts";

/** The engine lets go of this many rows at once. */
const SEGMENT_ROWS = 65_536;
const N_FIRST = 75_000;
const N_MORE = 57_000;
/** What about 100,000 of the rows take. */
const MEMORY = "5MB";

// The tracer's snapshots of every step would be the heaviest work of the page.
test.use({ trace: "off" });

/** Logs rows to the table of the browser that the page of the demo has. */
async function log(demo: Page, n_rows: number, from = 0): Promise<void> {
  await demo.evaluate(
    async ({ n_rows, from }) => {
      const { StreamTable } = (await import(new URL("/demo/generated/streamtable/index.js", location.href).href)) as typeof Package;
      const st = new StreamTable("local/p/let_go", { server: null });
      for (let n = 0; n < n_rows; n += 5000) {
        st.log(Array.from({ length: Math.min(5000, n_rows - n) }, (_, idx) => ({ n: from + n + idx, text: `${from + n + idx} of many` })));
        await st.flush();
      }
      await st.finish();
    },
    { n_rows, from },
  );
}

test("rows that are let go are selected no more, and what is read does not jump", async ({ context, own }) => {
  test.setTimeout(240_000);
  const demo = await context.newPage();
  await demo.goto(`${own.url}/demo/`);
  await log(demo, N_FIRST);
  const page = await context.newPage();
  await page.goto(`${own.url}/table/local/p/let_go?in=browser&memory=${MEMORY}`);
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

  await log(demo, N_MORE, N_FIRST);
  await expect(page.getByText(`65,536 older ones not held: past ${MEMORY.replace("MB", ".0 MB")}`)).toBeVisible({ timeout: 120_000 });
  await expect(page.getByTestId("memory"), "there is no server to leave it to").not.toContainText("server");
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
