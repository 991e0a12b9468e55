// Tables past the memory that a panel may take: who answers for them, how they come there, and what is said of it. That a panel
// does all that it does elsewhere is tried by the project "on the server", which runs the specs of local views once more.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { allRowIds, drawnRows, focusedCell, header, offsetsByNumberDescending, rowsWithOffsets, selectedRows, shownNumber } from "./grid.ts";
import { BOARD, StreamTableServer } from "./servers.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;

/** That a server is gone is on the console; the browser puts it there. */
test.use({ expectedErrors: /WebSocket connection|ERR_CONNECTION_REFUSED/ });

function someRows(n_rows: number, from = 0): object[] {
  return Array.from({ length: n_rows }, (_, idx) => {
    const n = from + idx;
    return { n, price: n % 17 === 0 ? null : ((n * 7919) % 1000) / 10, name: `row ${n}` };
  });
}

/** Clicks a row in the middle of what is drawn, and gives where it is. */
async function read(page: Page): Promise<{ row_id: number; top: number }> {
  await page.getByTestId("grid").evaluate((grid) => (grid.scrollTop = grid.scrollHeight / 2));
  await expect.poll(async () => (await drawnRows(page))[8]?.row_idx ?? 0).toBeGreaterThan(100);
  await expect(page.locator("[data-testid=grid-row][aria-busy=true]:visible")).toHaveCount(0);
  const row = (await drawnRows(page))[8]!;
  await page.locator(`[data-testid=grid-row][data-row-id="${row.row_id}"]`).click();
  return row;
}

/** How far a row has moved on the screen, in pixels. */
async function moved(page: Page, { row_id, top }: { row_id: number; top: number }): Promise<number> {
  const now = (await drawnRows(page)).find((row) => row.row_id === row_id);
  return now ? Math.abs(now.top - top) : Infinity;
}

test("a table that outgrows the budget goes to the server under the reader's eyes, and nothing moves", async ({ context, server, table }) => {
  await server.append(table, someRows(20_000));
  const page = await context.newPage();
  const sorted = `table("${table}").rows().sort(row => row["price"], "desc")`;
  await page.goto(`${server.url}/table/${table}?${new URLSearchParams({ memory: "3MB", e: sorted })}`);
  await expect(page.getByTestId("connection")).toHaveText("Live");
  await expect(page.getByTestId("rows-shown")).toContainText("20,000");
  await expect(page.getByTestId("memory")).toHaveText(/^[\d.]+ [KM]B of 3\.0 MB$/);
  const row = await read(page);

  const total = () => shownNumber(page, "rows-total");
  let n_rows = 20_000;
  const grow = async () => {
    await server.append(table, someRows(2000, n_rows));
    n_rows += 2000;
    await expect.poll(total).toBe(n_rows);
    expect(await moved(page, row), `of ${n_rows} rows`).toBeLessThanOrEqual(1);
  };
  while (!(await page.getByTestId("memory").innerText()).startsWith("On the server")) {
    expect(n_rows, "the budget is passed").toBeLessThan(150_000);
    await grow();
  }
  for (let round = 0; round < 15; round += 1) await grow();
  await expect(page.getByTestId("memory")).toHaveText(/^On the server: [\d.]+ MB > 3\.0 MB$/);
  await expect(page.locator(`[data-row-id="${row.row_id}"]`)).toHaveAttribute("aria-selected", "true");
  const rank = (await selectedRows(page))[0]!;
  await page.keyboard.press("ArrowDown");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: rank + 1 });
  await page.screenshot({ path: `${OUTPUT}on-server.png` });

  // It is there from the start the next time, and what the server does is right.
  await page.reload();
  await expect(page.getByTestId("memory")).toContainText("On the server");
  await expect.poll(total).toBe(n_rows);
  const expression = page.getByTestId("expression");
  await expression.fill(`table("${table}").rows().filter(row => row["n"] < 3000)`);
  await expression.press("Enter");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(3000);
  await header(page, "price").click();
  await header(page, "price").click();
  await expect(header(page, "price")).toHaveAttribute("aria-sort", "descending");
  const rows = (await rowsWithOffsets(server, table)).filter(({ n }) => n < 3000);
  expect(await allRowIds(page)).toEqual(offsetsByNumberDescending(rows, "price"));
});

test("a panel on the server outlives a restart of it, and what is read stays", async ({ context, own }) => {
  const table = "local/tests/restart";
  await own.append(table, someRows(5000));
  const page = await context.newPage();
  await page.goto(`${own.url}/table/${table}?memory=1KB`);
  await expect(page.getByTestId("memory")).toContainText("On the server");
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5000);
  await header(page, "n").click();
  await header(page, "n").click();
  await expect(header(page, "n")).toHaveAttribute("aria-sort", "descending");
  const row = await read(page);
  await own.stop("SIGKILL");
  await expect(page.getByTestId("connection")).toHaveText("Reconnecting…");
  // What is at hand can still be read.
  await page.keyboard.press("ArrowDown");
  await expect.poll(async () => (await focusedCell(page))?.text).toBe(String(row.row_id - 1));
  await own.start();
  await own.append(table, someRows(700, 5000));
  await expect(page.getByTestId("connection")).toHaveText("Live", { timeout: 20_000 });
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(5700);
  await expect.poll(() => moved(page, row)).toBeLessThanOrEqual(1);
});

test("what the server cannot hold either is said in a sentence", async ({ context }) => {
  const server = new StreamTableServer(BOARD, ["--max-query-memory-bytes", "1000"]);
  try {
    await server.start();
    await server.append("local/tests/large", someRows(1000));
    const page = await context.newPage();
    await page.goto(`${server.url}/table/local/tests/large?memory=1KB`);
    await expect(page.getByText("The server cannot show the table")).toBeVisible();
    await expect(page.getByText(/takes more than the 1000 bytes that queries may take/)).toBeVisible();
  } finally {
    await server.remove();
  }
});
