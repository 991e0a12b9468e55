// What axe finds on the board's pages, in light and in dark: nothing.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "@playwright/test";
import type { AxeResults } from "axe-core";
import { expect, test } from "./fixtures.ts";
import { header, shownNumber } from "./grid.ts";

const OUTPUT = new URL(".output/", import.meta.url).pathname;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCHEMES = ["light", "dark"] as const;

function orders(n_rows: number): object[] {
  return Array.from({ length: n_rows }, (_, n) => ({
    n,
    price: n % 5 === 0 ? null : ((n * 7919) % 1000) / 10,
    cat: ["Furniture", "Office Supplies", "Technology"][n % 3],
    ok: n % 2 === 0,
    at: { $ts: 1_700_000_000_123_456 + n * 60_000_000 },
    tags: ["a", n],
  }));
}

/** Fails on anything that axe objects to in the page as it is, in light and in dark. */
async function check(page: Page, what: string): Promise<void> {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(AXE);
    const results = (await page.evaluate("axe.run(document)")) as AxeResults;
    const found = results.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`),
    }));
    expect(found, `${what}, ${colorScheme}`).toEqual([]);
    expect(results.passes.map(({ id }) => id), "colours were looked at").toContain("color-contrast");
    await page.screenshot({ path: `${OUTPUT}accessible-${what.replaceAll(" ", "-")}-${colorScheme}.png` });
  }
}

test("home, a table that is not there, and an address that is none", async ({ context, server, table }) => {
  await server.append(table, orders(20));
  const page = await context.newPage();
  await page.goto(server.url);
  await page.getByTestId("table-row").first().waitFor();
  await check(page, "home");
  await page.goto(`${server.url}/table/a/b/..c!`);
  await expect(page.getByText("No such table")).toBeVisible();
  await check(page, "no such table");
});

test("a panel with rows, a focused cell, selected rows, a row in full", async ({ server, table, openPanel }) => {
  await server.append(table, orders(300));
  const page = await openPanel(table, `table("${table}").rows().filter(row => row["n"] < 200).sort(row => row["price"], "desc")`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(200);
  await check(page, "panel");
  await page.getByTestId("grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await expect(page.locator("[data-testid=grid-row][aria-selected=true]")).toHaveCount(3);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("inspector")).toContainText("tags");
  await check(page, "selected");
});

test("groups", async ({ server, table, openPanel }) => {
  await server.append(table, orders(300));
  const page = await openPanel(table, `table("${table}").rows().groupby(row => [row["cat"]], rows => [rows.count(), rows["n"].avg()])`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(3);
  await check(page, "grouped");
  await page.getByTestId("add-figure").click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await check(page, "figure");
});

test("a table that is empty, a filter that nothing passes, a query that has a fault", async ({ server, table, openPanel }) => {
  const page = await openPanel(table);
  await expect(page.getByText("Waiting for the first row")).toBeVisible();
  await check(page, "empty");
  await server.append(table, orders(10));
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(10);
  const expression = page.getByTestId("expression");
  await expression.fill(`table("${table}").rows().filter(row => row["n"] <)`);
  await expression.press("Enter");
  await expect(page.getByTestId("expression-error")).toBeVisible();
  await check(page, "fault");
  await expression.fill(`table("${table}").rows().filter(row => row["n"] < 0)`);
  await expression.press("Enter");
  await expect(page.getByText("No row passes")).toBeVisible();
  await check(page, "no match");
  await page.getByTestId("pause-toggle").click();
  await server.append(table, orders(5));
  await expect(page.getByTestId("new-rows")).toBeVisible();
  await check(page, "paused");
  await expression.fill(`table("${table}")`);
  await expression.press("Enter");
  await expect(page.getByText("Show its rows")).toBeVisible();
  await check(page, "names");
});

test("menus, open", async ({ server, table, openPanel }) => {
  await server.append(table, orders(300));
  const page = await openPanel(table);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(300);
  await header(page, "cat").hover();
  await header(page, "cat").getByRole("button").click();
  await check(page, "column menu");
  await page.keyboard.press("Escape");
  await page.getByTestId("add-group").click();
  await check(page, "column picker");
  await page.keyboard.press("Escape");
  await header(page, "cat").hover();
  await header(page, "cat").getByRole("button").click();
  await page.getByRole("button", { name: "Hide column" }).click();
  await page.getByRole("button", { name: "1 column hidden" }).click();
  await check(page, "hidden columns");
});

const EDITORS: [string, string[]][] = [["price", ["Range", "Values", "Empty"]], ["cat", ["Values", "Text"]], ["at", ["Range"]]];
for (const [column, modes] of EDITORS) {
  test(`the filter editor of ${column}, open`, async ({ server, table, openPanel }) => {
    await server.append(table, orders(300));
    const page = await openPanel(table);
    await expect.poll(() => shownNumber(page, "rows-shown")).toBe(300);
    await page.getByTestId("add-filter").click();
    await page.locator(".popover .item").filter({ hasText: column }).first().click();
    for (const mode of modes) {
      await page.getByRole("button", { name: mode, exact: true }).click();
      if (mode === "Values") await page.locator(".choice").first().waitFor();
      await check(page, `filter ${column} ${mode}`);
    }
  });
}

test.describe("a server that is gone", () => {
  test.use({ expectedErrors: /ERR_CONNECTION_REFUSED|WebSocket/ });

  test("leaves a panel that says so", async ({ context, own }) => {
    await own.append("local/tests/gone", orders(30));
    const page = await context.newPage();
    await page.goto(`${own.url}/table/local/tests/gone`);
    await expect(page.getByTestId("connection")).toHaveText("Live");
    await own.stop("SIGKILL");
    await expect(page.getByTestId("connection")).toHaveText("Reconnecting…");
    await check(page, "reconnecting");
  });
});
