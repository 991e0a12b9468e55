// The demo's replay: ten thousand real orders come while a board that shows them is read.

import { expect, test } from "./fixtures.ts";
import {
  allRowIds,
  drawnRows,
  header,
  offsetsByNumberDescending,
  rowsWithOffsets,
  showColumn,
  shownNumber,
  takeLongTasks,
  watchLongTasks,
} from "./grid.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;

// The tracer's snapshots of every step would be the heaviest work of the page that is measured.
test.use({ trace: "off" });

test("ten thousand orders replayed at 2,000 rows/s appear sorted and filtered, and nothing jumps", async ({
  context,
  server,
}) => {
  test.setTimeout(120_000);
  const table = "local/demo/superstore";
  const board = await context.newPage();
  await watchLongTasks(board);
  const demo = await context.newPage();
  await demo.goto(`${server.url}/demo/`);

  const filtered = `table("${table}").rows().filter(row => row["Category"] == "Technology")`;
  const e = `${filtered}.sort(row => row["Sales"], "desc")`;
  await board.goto(`${server.url}/table/${table}?${new URLSearchParams({ e })}`);
  await expect(board.getByTestId("chip")).toHaveCount(1);
  // What loading the page cost is not in question here.
  await takeLongTasks(board);
  const started = Date.now();
  await demo.getByTestId("play").click();
  // A page behind another is drawn once a second.
  await board.bringToFront();

  // Read a row in the middle while the rest comes.
  await expect.poll(() => shownNumber(board, "rows-shown"), { intervals: [50] }).toBeGreaterThan(200);
  const grid = board.getByTestId("grid");
  await grid.evaluate((element) => (element.scrollTop = 40 * 28));
  await expect.poll(async () => (await drawnRows(board)).length, { intervals: [20] }).toBeGreaterThan(10);
  // The row under the pointer is the one that is read.
  await board.mouse.move(300, 400);
  await board.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  await board.mouse.click(300, 400);
  const selected = board.locator("[data-testid=grid-row][aria-selected=true]:visible");
  const row_id = Number(await selected.getAttribute("data-row-id"));
  const read = (await drawnRows(board)).find((row) => row.row_id === row_id)!;
  let n_looks = 0;
  while ((await shownNumber(board, "rows-total")) < 9994) {
    const now = (await drawnRows(board)).find((row) => row.row_id === read.row_id);
    expect(Math.abs((now?.top ?? Infinity) - read.top), "the row that is read has not moved").toBeLessThanOrEqual(1);
    n_looks += 1;
    await board.waitForTimeout(50);
  }
  const elapsed = Date.now() - started;
  const longTasks = await takeLongTasks(board);
  await board.screenshot({ path: `${OUTPUT}panel.png` });
  expect(n_looks, "rows were still coming while the row was read").toBeGreaterThan(3);
  await expect(demo.getByTestId("replay-said")).toContainText("9,994 of 9,994");

  const rows = await rowsWithOffsets(server, table);
  expect(rows.length).toBe(9994);
  const technology = rows.filter((row) => row["Category"] === "Technology");
  await expect.poll(() => shownNumber(board, "rows-shown")).toBe(technology.length);
  await showColumn(board, "Sales");
  await expect(header(board, "Sales")).toHaveAttribute("aria-sort", "descending");
  const n_cells = await board.evaluate(() => document.querySelectorAll("[role=gridcell]").length);
  const n_columns = await board.getByTestId("header-cell").count();
  expect(n_cells, "cells in the DOM").toBeLessThanOrEqual(300 * n_columns);
  // A thread that scanned rows would do so at every frame; a lone long task is the machine's other work.
  const share = longTasks.reduce((sum, millis) => sum + millis, 0) / elapsed;
  console.log(`long tasks of the board while rows came, ms: ${JSON.stringify(longTasks)} of ${elapsed}; cells: ${n_cells}`);
  expect(share, "the share of time that the board's main thread was blocked").toBeLessThan(0.2);
  expect(await allRowIds(board)).toEqual(offsetsByNumberDescending(technology, "Sales"));
});
