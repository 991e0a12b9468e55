// Rows arrive in a large table that is shown filtered and sorted: what that costs the page, and how soon they are on screen.

import { setTimeout as sleep } from "node:timers/promises";

import { Feed } from "./feed.mjs";
import { median, quantile } from "./figures.mjs";
import { address, clockOffset, scroll, shown, toTop, untilLive } from "./panel.mjs";
import { fill, SORTED } from "./rows.mjs";
import { MARK, worked } from "./trace.mjs";
import { watch } from "./watch.mjs";

const TABLE = "local/bench/live";
const ROWS_PER_SECOND = 10_000;
/** The reader looks at the top for so long, then scrolls for so long, and so on, in milliseconds. */
const PHASE_MILLIS = 10_000;
/** Pixels a turn of the wheel: slowly, and as fast as a hand can throw it. */
const TURNS_PIXELS = [60, 2_400];
/** How long the panel is left alone before its memory is taken. */
const REST_MILLIS = 2_000;
/** How long before and after a scroll a row is not waited for at the top. */
const MARGIN_MILLIS = 1_000;

export async function measureLive(browser, server, { nRows, seconds, isTraced, say }) {
  say(`storing ${nRows.toLocaleString("en")} rows`);
  await fill(server.url, TABLE, 0, nRows);
  const page = await browser.page(watch);
  say("opening the panel");
  const opened = performance.now();
  await page.goto(address(server.url, TABLE, SORTED));
  await untilLive(page, nRows);
  const loadSeconds = (performance.now() - opened) / 1000;
  await sleep(REST_MILLIS);
  const before = await size(browser, page);
  const loadTasks = await page.evaluate(() => watch.takeLongTasks());

  say(`${ROWS_PER_SECOND.toLocaleString("en")} rows/s for ${seconds} s`);
  const clock = await clockOffset(page);
  if (isTraced) await browser.beginTrace();
  await page.evaluate((mark) => performance.mark(mark), MARK);
  const feed = new Feed(server.url, TABLE, nRows, ROWS_PER_SECOND);
  const began = performance.now();
  const { frames, rowsBehind, isAtTop } = await read(page, feed, began + seconds * 1000);
  await feed.stop();
  const elapsed = (performance.now() - began) / 1000;
  const traced = isTraced ? worked(await browser.endTrace()) : null;

  await untilLive(page, feed.nAcked);
  await sleep(MARGIN_MILLIS);
  const seen = new Map(await page.evaluate(() => watch.takeSeen()));
  const probes = [...feed.acked].filter(([, at]) => isAtTop(at));
  const delays = probes.filter(([row]) => seen.has(row)).map(([row, at]) => seen.get(row) - clock - at);
  const tasks = (await page.evaluate(() => watch.takeLongTasks())).map(({ duration }) => duration);
  await sleep(REST_MILLIS);
  const after = await size(browser, page);
  await page.close();
  return {
    nRows,
    seconds: elapsed,
    rowsPerSecond: (feed.nAcked - nRows) / elapsed,
    loadSeconds,
    nLongLoadTasks: loadTasks.length,
    nLongTasks: tasks.length,
    longestTaskMillis: tasks.reduce((a, b) => Math.max(a, b), 0),
    nFrames: frames.length,
    frameMillis: median(frames),
    frameMillis99: quantile(frames, 0.99),
    nProbes: probes.length,
    nSeen: delays.length,
    delayMillis: median(delays),
    delayMillis99: quantile(delays, 0.99),
    rowsBehind,
    before,
    after,
    growth: after.pageBytes / before.pageBytes - 1,
    traced,
    samples: { tasks, frames, delays },
  };
}

/** Looks and scrolls in turn until `end` on Node's clock. */
async function read(page, feed, end) {
  const frames = [];
  const scrolled = [];
  let rowsBehind = 0;
  for (let phase = 0; performance.now() < end; phase += 1) {
    const millis = Math.min(PHASE_MILLIS, end - performance.now());
    const began = performance.timeOrigin + performance.now();
    if (phase % 2 === 0) {
      await sleep(millis);
    } else {
      for (const pixels of TURNS_PIXELS) frames.push(...(await scroll(page, millis / TURNS_PIXELS.length, pixels)));
      await toTop(page);
      scrolled.push([began - MARGIN_MILLIS, performance.timeOrigin + performance.now() + MARGIN_MILLIS]);
    }
    // Those that were acknowledged before the panel was asked.
    const { nAcked } = feed;
    rowsBehind = Math.max(rowsBehind, nAcked - (await shown(page, "rows-total")));
  }
  return { frames, rowsBehind, isAtTop: (at) => scrolled.every(([from, to]) => at < from || at > to) };
}

/** What the page's process has in memory, and what the panel says its table and view take. */
async function size(browser, page) {
  return { pageBytes: await browser.pageBytes(), cells: await page.getByTestId("memory").innerText() };
}
