// The panel of a table as a reader has it: opened, scrolled, and what it says of itself.

import { setTimeout as sleep } from "node:timers/promises";

const OPEN_MILLIS = 300_000;

/** The address of a table's panel; `ops` follow `.rows()`. */
export function address(serverUrl, table, ops = "") {
  const e = `table("${table}").rows()${ops && `.${ops}`}`;
  return `${serverUrl}/table/${table}?${new URLSearchParams({ e })}`;
}

/** The number that a part of the panel shows. */
export async function shown(page, testId) {
  return Number((await page.getByTestId(testId).innerText()).replace(/[^0-9]/g, ""));
}

/** Waits until the panel has every stored row; gives the milliseconds since `began` on Node's clock. */
export async function untilLive(page, nRows, began = performance.now()) {
  await page.waitForFunction(
    (nRows) => {
      const text = (testId) => document.querySelector(`[data-testid=${testId}]`)?.textContent ?? "";
      return text("connection") === "Live" && Number(text("rows-total").replace(/[^0-9]/g, "")) >= nRows;
    },
    nRows,
    { timeout: OPEN_MILLIS },
  );
  return performance.now() - began;
}

/** Scrolls by the wheel for so long, and gives how far apart the frames were, in milliseconds. */
export async function scroll(page, millis, pixels) {
  const { x, y, width, height } = await page.getByTestId("grid").boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.evaluate(() => watch.beginFrames());
  const end = performance.now() + millis;
  while (performance.now() < end) {
    await page.mouse.wheel(0, pixels);
    await sleep(8);
  }
  return page.evaluate(() => watch.endFrames());
}

/** Goes back to the top, with the pointer away from the rows. */
export async function toTop(page) {
  await page.mouse.move(2, 2);
  await page.getByTestId("grid").evaluate((grid) => (grid.scrollTop = 0));
}

/** How far the clock of the page is ahead of Node's, in milliseconds: the best of some exchanges. */
export async function clockOffset(page) {
  let best = { roundTrip: Infinity, offset: 0 };
  for (let n = 0; n < 20; n += 1) {
    const before = performance.timeOrigin + performance.now();
    const there = await page.evaluate(() => watch.now());
    const after = performance.timeOrigin + performance.now();
    if (after - before < best.roundTrip) best = { roundTrip: after - before, offset: there - (before + after) / 2 };
  }
  return best.offset;
}
