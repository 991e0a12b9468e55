// The panel's export: files written by the server, of what is shown or of everything.

import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { shownNumber } from "./grid.ts";

async function download(page: Page, format: string, rows: "What is shown" | "Everything"): Promise<{ name: string; text: string }> {
  await page.getByTestId("export").click();
  await page.getByRole("button", { name: rows }).click();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByTestId("export-formats").getByRole("link", { name: format, exact: true }).click(),
  ]);
  await expect(page.getByTestId("export-formats")).toHaveCount(0);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "latin1") };
}

test("what is shown and everything are exported as files of the server", async ({ server, table, openPanel }) => {
  await server.append(table, Array.from({ length: 100 }, (_, n) => ({ n, "a b": `x${n}`, odd: n % 2 === 1 })));
  const page = await openPanel(table, `table("${table}").rows().filter(row => row["n"] >= 10).filter(row => row["odd"])`);
  await expect.poll(() => shownNumber(page, "rows-shown")).toBe(45);
  const name = table.split("/").at(-1);

  const shown = await download(page, "CSV", "What is shown");
  expect(shown.name).toBe(`${name}.csv`);
  const lines = shown.text.trimEnd().split("\r\n");
  expect([lines.length, lines[0], lines[1]]).toEqual([46, "n,a b,odd", "11,x11,true"]);
  expect((await download(page, "NDJSON", "Everything")).text.trimEnd().split("\n").length).toBe(100);
  const parquet = await download(page, "Parquet", "What is shown");
  expect([parquet.name, parquet.text.slice(0, 4), parquet.text.slice(-4)]).toEqual([`${name}.parquet`, "PAR1", "PAR1"]);

  await page.getByTestId("export").click();
  await expect(page.getByRole("dialog", { name: "Export" })).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByTestId("export-formats").getByRole("link", { name: "JSON", exact: true })).toBeFocused();
  await page.keyboard.press("Escape");
});

test("a table of the browser has no server to export it", async ({ openPanel, server }) => {
  const page = await openPanel("local/default/none");
  await expect(page.getByTestId("export")).toBeVisible();
  await page.goto(`${server.url}/table/local/default/none?in=browser`);
  await expect(page.getByTestId("add-filter")).toBeVisible();
  await expect(page.getByTestId("export")).toHaveCount(0);
});
