// How the reader arranges the grid: the order of its columns and the height of its rows.

import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { drawnRows, focusedCell, header } from "./grid.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;
const COLUMNS = ["n", "price", "note", "city", "kind", "flag"];

/** A picture of 96 by 96 pixels. */
const PICTURE = `data:image/svg+xml;base64,${Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96"><circle cx="48" cy="48" r="44" fill="#4f46e5"/></svg>',
).toString("base64")}`;

function someRows(n_rows: number): object[] {
  return Array.from({ length: n_rows }, (_, n) => ({
    n,
    price: ((n * 7919) % 1000) / 10,
    note: `Note ${n}: ${"a sentence that goes on for longer than its column is wide, ".repeat((n % 4) + 1)}and ends.`,
    city: ["Lisbon", "Oslo", "Recife"][n % 3],
    kind: `kind ${n % 5}`,
    flag: n % 2 === 0,
  }));
}

/** The columns as they stand from left to right. */
async function order(page: Page): Promise<string[]> {
  const cells = await page.getByTestId("header-cell").evaluateAll((cells) =>
    cells.map((cell) => ({ left: cell.getBoundingClientRect().left, name: cell.getAttribute("data-column") ?? "" })),
  );
  return cells.sort((a, b) => a.left - b.left).map(({ name }) => name);
}

/** Drags a column's header until the pointer is over the middle of another's. */
async function drag(page: Page, column: string, to: string): Promise<void> {
  const middle = async (name: string) => {
    const box = (await header(page, name).boundingBox())!;
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  const [from, until] = [await middle(column), await middle(to)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(until.x, until.y, { steps: 12 });
  // Wherever the others went meanwhile.
  await page.mouse.move(until.x + (until.x > from.x ? 30 : -30), until.y, { steps: 3 });
  await page.mouse.up();
}

test("a column is dragged to where it should stand, and moved by its menu", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(200));
  const page = await openPanel(table);
  await expect.poll(() => order(page)).toEqual(COLUMNS);

  await drag(page, "n", "note");
  expect(await order(page)).toEqual(["price", "note", "n", "city", "kind", "flag"]);
  await expect(header(page, "n"), "a drag is no click").toHaveAttribute("aria-sort", "none");
  await drag(page, "flag", "city");
  const moved = ["price", "note", "n", "flag", "city", "kind"];
  expect(await order(page)).toEqual(moved);
  await header(page, "n").click();
  await expect(header(page, "n"), "and a click still sorts").toHaveAttribute("aria-sort", "ascending");

  // Cells stand below their headers, and the keyboard walks them in that order.
  await page.locator('[data-testid=grid-row][data-row-id="3"] [aria-colindex="2"]').click();
  await expect.poll(async () => (await focusedCell(page))?.text).toBe("75.7");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await expect.poll(async () => (await focusedCell(page))?.text).toBe("3");

  // The pinned stand apart: what is dragged over them does not go among them, and they change places by themselves.
  const menu = async (column: string, item: string) => {
    await header(page, column).hover();
    await header(page, column).getByRole("button").click();
    await page.getByRole("button", { name: item }).click();
  };
  await menu("kind", "Pin column");
  await menu("city", "Pin column");
  await drag(page, "n", "city");
  expect(await order(page)).toEqual(["kind", "city", "n", "price", "note", "flag"]);
  await drag(page, "kind", "city");
  expect(await order(page)).toEqual(["city", "kind", "n", "price", "note", "flag"]);
  await menu("n", "Move right");
  await menu("kind", "Move left");
  await menu("flag", "Move right");
  expect(await order(page)).toEqual(["kind", "city", "price", "n", "note", "flag"]);

  // A column that comes new stands at the end.
  await server.append(table, [{ n: 200, later: 1 }]);
  await expect.poll(() => order(page)).toEqual(["kind", "city", "price", "n", "note", "flag", "later"]);
});

test("rows are made taller, and what is read stays", async ({ server, table, openPanel }) => {
  await server.append(table, someRows(1000).map((row, n) => (n < 400 ? row : { ...row, picture: { $media: PICTURE } })));
  const page = await openPanel(table);
  const choose = async (height: string) => {
    await page.getByTestId("row-height").click();
    await page.getByRole("button", { name: height }).click();
  };
  const pitch = async () => {
    const rows = (await drawnRows(page)).sort((a, b) => a.top - b.top);
    return rows.length < 4 ? 0 : Math.round(rows[3]!.top - rows[2]!.top);
  };
  const topOf = async (row_id: number) => (await drawnRows(page)).find((row) => row.row_id === row_id)?.top;
  await expect.poll(pitch).toBe(28);
  await page.getByTestId("row-finder").fill("500");
  await page.getByTestId("row-finder").press("Enter");
  await expect.poll(() => focusedCell(page)).toMatchObject({ row: 500 });
  const top = await topOf(500);

  /** How many pixels of a cell's text are seen. */
  const seen = (row_id: number) =>
    page.locator(`[data-testid=grid-row][data-row-id="${row_id}"] .cell`, { hasText: "Note" }).evaluate((cell) => {
      const text = document.createRange();
      text.selectNodeContents(cell);
      const edges = [text, cell].map((box) => box.getBoundingClientRect().bottom);
      return Math.min(...edges) - cell.getBoundingClientRect().top;
    });
  for (const [name, pixels, n_lines] of [["Tall", 108, 5], ["Medium", 48, 2]] as const) {
    await choose(name);
    await expect.poll(pitch).toBe(pixels);
    expect(Math.abs((await topOf(500))! - top!), `${name}: the focused row stays`).toBeLessThanOrEqual(1);
    expect(await seen(503), "so many lines").toBeGreaterThan(n_lines * 20);
    await page.screenshot({ path: `${OUTPUT}rows-${name.toLowerCase()}.png` });
  }
  // A page is as many rows as are in view, and the last row is reached.
  const height = await page.getByTestId("grid").evaluate((grid) => grid.clientHeight - 32);
  await page.getByTestId("grid").focus();
  await page.keyboard.press("PageDown");
  await expect.poll(async () => (await focusedCell(page))?.row ?? 0).toBe(500 + Math.floor(height / 48));
  await page.keyboard.press("Control+End");
  await expect.poll(async () => (await focusedCell(page))?.row ?? 0).toBe(999);
  await expect(page.locator('[data-testid=grid-row][data-row-id="999"]')).toBeInViewport({ ratio: 1 });
  await page.getByTestId("row-height").click();
  await expect(page.getByRole("button", { name: "Medium" })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("button", { name: "Short" }).click();
  await expect.poll(pitch).toBe(28);
  await expect(page.locator('[data-testid=grid-row][data-row-id="999"]')).toBeInViewport({ ratio: 1 });
});
