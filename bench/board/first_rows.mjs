// How soon the first rows of a table are on screen after a navigation.

import { median } from "./figures.mjs";
import { address, untilLive } from "./panel.mjs";
import { fill } from "./rows.mjs";
import { watch } from "./watch.mjs";

const TABLE = "local/bench/first";
const N_NAVIGATIONS = 10;

export async function measureFirstRows(browser, server, { nRows, say }) {
  say(`storing ${nRows.toLocaleString("en")} rows`);
  await fill(server.url, TABLE, 0, nRows);
  const page = await browser.page(watch);
  const samples = [];
  for (let n = 0; n <= N_NAVIGATIONS; n += 1) {
    await page.goto("about:blank");
    await page.goto(address(server.url, TABLE));
    await page.waitForFunction(() => watch.firstRowMillis !== null);
    const firstRowMillis = await page.evaluate(() => watch.firstRowMillis);
    await untilLive(page, nRows);
    const liveMillis = await page.evaluate(() => performance.now());
    samples.push({ firstRowMillis, liveMillis });
  }
  await page.close();
  // The first finds nothing in the cache.
  const [cold, ...warm] = samples;
  const each = warm.map(({ firstRowMillis }) => firstRowMillis);
  return {
    nRows,
    coldMillis: cold.firstRowMillis,
    firstRowMillis: median(each),
    each,
    liveMillis: median(warm.map(({ liveMillis }) => liveMillis)),
  };
}
