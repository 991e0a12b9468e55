// The demo page, as a visitor uses it: the form logs a row, the replay streams the data set, the status is true.

import { readFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "@playwright/test";
import { expect, test as base } from "./fixtures.ts";
import { needs, ROOT, StreamTableServer } from "./servers.ts";

const WWW = path.join(ROOT, "www");
const ORDERS = path.join(WWW, "demo/generated/orders.json");
const OUTPUT = new URL(".output/", import.meta.url).pathname;

/** A server of the test's own that serves the page, so that nothing but the page has to be built. */
const test = base.extend<{ demo: Page }>({
  own: async ({}, use) => {
    needs(ORDERS);
    const own = new StreamTableServer(WWW);
    await own.start();
    await use(own);
    await own.remove();
  },
  demo: async ({ own, context }, use) => {
    const page = await context.newPage();
    await page.goto(`${own.url}/demo/`);
    await use(page);
  },
});

/** The numbers and the state of a table's line: queued, acknowledged, rejected, dropped, state. */
function status(demo: Page, table: string) {
  return demo.getByTestId(`status-local/demo/${table}`).locator("td");
}

test("the feedback form logs a row with what was answered", async ({ own, demo }) => {
  await expect(demo).toHaveTitle(/Demo/);
  await expect(status(demo, "feedback")).toHaveText(["local/demo/feedback", "0", "0", "0", "0", "idle"]);
  await demo.screenshot({ path: `${OUTPUT}demo.png`, fullPage: true });

  await demo.getByRole("button", { name: "Send feedback" }).click();
  await expect(demo.getByText("Thank you"), "an answer is asked for").toHaveCount(0);

  await demo.getByRole("radio", { name: "Yes" }).check();
  await demo.getByRole("radio", { name: "4" }).check();
  await demo.getByLabel("Anything else?").fill("  Café ☕, \"quoted\"\nsecond line ");
  await demo.getByRole("button", { name: "Send feedback" }).click();
  await expect(demo.getByText("Thank you. Your row is in the table.")).toBeVisible();
  await expect(demo.getByLabel("Anything else?")).toHaveValue("");
  await expect(status(demo, "feedback")).toHaveText(["local/demo/feedback", "0", "1", "0", "0", "idle"]);

  await demo.getByRole("radio", { name: "No" }).check();
  await demo.getByRole("button", { name: "Send feedback" }).press("Enter");
  await expect(status(demo, "feedback").nth(2)).toHaveText("2");
  await demo.screenshot({ path: `${OUTPUT}demo-sent.png`, fullPage: true });

  const rows = await own.rows("local/demo/feedback");
  expect(rows).toMatchObject([
    { helpful: true, rating: 4, comment: 'Café ☕, "quoted"\nsecond line', language: "en-GB", window: { width: 1280, height: 800 } },
    { helpful: false, rating: null, comment: null },
  ]);
  const timings = ["first_byte_millis", "dom_ready_millis", "first_paint_millis", "transfer_bytes"].map((name) => rows[0]![name]);
  expect(timings.every((timing) => typeof timing === "number" && timing > 0), `${timings}`).toBe(true);
  const href = await demo.locator("#feedback-link").getAttribute("href");
  expect(href).toBe(`${own.url}/table/local/demo/feedback`);
});

test("the replay streams the whole data set in order, and can pause, go on and start again", async ({ own, demo }) => {
  const { names, times, rows: orders } = JSON.parse(readFileSync(ORDERS, "utf8")) as {
    names: string[];
    times: string[];
    rows: unknown[][];
  };
  const said = demo.getByTestId("replay-said");
  await expect(said).toHaveText("Nothing sent yet");
  await demo.getByTestId("rate").fill("7");
  await demo.getByTestId("play").click();
  await expect(said).toContainText(/^[1-9][\d,]* of 9,994/);
  await demo.getByTestId("play").click();
  await expect(demo.getByTestId("play")).toHaveText("Go on");
  const paused = await said.textContent();
  await demo.waitForTimeout(200);
  expect(await said.textContent()).toBe(paused);
  await demo.screenshot({ path: `${OUTPUT}demo-paused.png`, fullPage: true });

  await demo.getByTestId("rate").fill("9");
  await demo.getByTestId("play").click();
  await expect(said).toHaveText("9,994 of 9,994 orders sent");
  await expect(demo.getByTestId("play")).toHaveText("Again");
  await expect(status(demo, "superstore")).toHaveText(["local/demo/superstore", "0", "9,994", "0", "0", "idle"]);

  const stored = await own.rows("local/demo/superstore", { columns: names.join(",") });
  const isTime = names.map((name) => times.includes(name));
  const cell = (value: unknown, idx: number) => (isTime[idx] && value !== null ? { $ts: (value as number) * 1000 } : value);
  expect(stored.map((row) => names.map((name) => row[name]))).toEqual(orders.map((order) => order.map(cell)));

  await demo.getByTestId("play").click();
  await expect(said).toContainText(/^[1-9][\d,]* of 9,994/);
  await demo.getByTestId("stop").click();
  await expect(said).toHaveText("Nothing sent yet");
  await expect(demo.getByTestId("stop")).toBeDisabled();
});

test.describe("without a server", () => {
  test.use({ expectedErrors: /net::ERR_/ });

  test("the page says what is wrong, and that it is over", async ({ own, demo }) => {
    await demo.waitForLoadState("networkidle");
    await own.stop();
    await demo.getByRole("radio", { name: "Yes" }).check();
    await demo.getByRole("button", { name: "Send feedback" }).click();
    await expect(demo.getByText("Your row is on its way.")).toBeVisible();
    const trouble = demo.getByRole("alert");
    await expect(trouble).toContainText("cannot be reached");
    await expect(status(demo, "feedback")).toHaveText(["local/demo/feedback", "1", "0", "0", "0", "retrying"]);
    await demo.screenshot({ path: `${OUTPUT}demo-trouble.png`, fullPage: true });
    await own.start();
    await expect(status(demo, "feedback")).toHaveText(["local/demo/feedback", "0", "1", "0", "0", "idle"]);
    await expect(demo.getByText("Your row is in the table.")).toBeVisible();
    await expect(trouble).toBeHidden();
  });
});

test.describe("on a phone, in the dark", () => {
  test.use({ viewport: { width: 360, height: 740 }, colorScheme: "dark" });

  test("the page fits the width", async ({ demo }) => {
    await expect(status(demo, "superstore").first()).toBeVisible();
    const overflow = await demo.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await demo.screenshot({ path: `${OUTPUT}demo-phone.png`, fullPage: true });
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
