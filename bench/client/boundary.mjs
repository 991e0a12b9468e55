// Measures the ways of a row from JavaScript into wasm, in a page of its own.

import { Browser } from "./browser.mjs";

/** Microseconds a row, by the way's name. */
export async function measureBoundary({ pagesUrl }) {
  const browser = await Browser.start();
  try {
    const page = await browser.open(`${pagesUrl}/boundary`);
    return await page.evaluate(() => bench.measure());
  } finally {
    await browser.close();
  }
}
