// Rows arrive in a large table that is shown filtered and sorted: what it costs the page, and how soon they are on screen.

import { setTimeout as sleep } from "node:timers/promises";

import { median, quantile } from "./figures.mjs";
import { Feed } from "./feed.mjs";
import { address, clockOffset, scroll, shown, toTop, untilLive } from "./panel.mjs";
import { fill, SORTED } from "./rows.mjs";
import { longestTasks } from "./trace.mjs";
import { watch } from "./watch.mjs";

const TABLE = "local/bench/live";
/** The reader looks at the top for so long, then scrolls for so long, and so on, in milliseconds. */
const PHASE_MILLIS = 10_000;
/** Pixels a step of the wheel: a turn of it, and as fast as a hand can throw it. */
const STEPS_PIXELS = [60, 2_400];
/** How long a row may be on its way at most before it counts as not seen. */
const LAST_ROWS_MILLIS = 5_000;

export async function measureLive(browser, server, { nRows, seconds, rowsPerSecond, trace, say }) {
  say(`storing ${nRows.toLocaleString("en")} rows`);
  await fill(server.url, TABLE, 0, nRows);
  const page = await browser.page(watch);
  say("opening the panel");
  const began = performance.now();
  await page.goto(address(server.url, TABLE, SORTED));
  const loadMillis = await untilLive(page, nRows, began);
  await sleep(2_000);
  const bytesBefore = await browser.pageBytes();
  const cells = await page.getByTestId("memory").innerText();
  const loadTasks = await page.evaluate(() => watch.takeLongTasks());

  say(`${rowsPerSecond} rows/s for ${seconds} s; loaded in ${Math.round(loadMillis)} ms, ${cells}`);
  const feed = new Feed(server.url, TABLE, nRows, rowsPerSecond);
  const cpu = await mainThreadCpu(page);
  const [frames, behind] = [[], []];
  if (trace) await browser.beginTrace();
  const started = performance.now();
  const offset = await clockOffset(page);
  const left = () => started + seconds * 1000 - performance.now();
  let scrolledAt = [];
  for (let phase = 0; left() > 0; phase += 1) {
    const millis = Math.min(PHASE_MILLIS, left());
    if (phase % 2 === 0) {
      await toTop(page);
      await sleep(millis);
    } else {
      const from = Date.now();
      for (const pixels of STEPS_PIXELS) frames.push(...(await scroll(page, millis / STEPS_PIXELS.length, pixels)));
      await toTop(page);
      scrolledAt.push([from, Date.now() + 500]);
    }
    behind.push(feed.nAcked - (await shown(page, "rows-total")));
  }
  const events = trace ? await browser.endTrace() : [];
  const busyShare = (await cpu()) / (performance.now() - started);
  await feed.stop();
  const elapsed = (performance.now() - started) / 1000;
  await toTop(page);
  await untilLive(page, feed.nAcked);
  await sleep(Math.min(LAST_ROWS_MILLIS, seconds * 100));
  const seen = new Map(await page.evaluate(() => watch.takeSeen()));
  const isAway = (at) => scrolledAt.some(([from, to]) => at > from - 500 && at < to);
  const delays = [...feed.acked].filter(([row, at]) => !isAway(at) && seen.has(row)).map(([row, at]) => seen.get(row) - offset - at);
  const nLooked = [...feed.acked].filter(([, at]) => !isAway(at)).length;
  const tasks = (await page.evaluate(() => watch.takeLongTasks())).map(({ duration }) => duration);
  const bytesAfter = await browser.pageBytes();
  const cellsAfter = await page.getByTestId("memory").innerText();
  await page.close();
  return {
    nRows, seconds: elapsed, rowsPerSecond: (feed.nAcked - nRows) / elapsed,
    loadMillis, longestLoadTaskMillis: Math.max(0, ...loadTasks.map(({ duration }) => duration)),
    longTasks: tasks, nLongTasks: tasks.length, longestTaskMillis: Math.max(0, ...tasks),
    mainThreadShare: busyShare,
    frameMillis: median(frames), frameP99Millis: quantile(frames, 0.99), nFrames: frames.length,
    nLooked, nSeen: delays.length, delayMillis: median(delays), delayP99Millis: quantile(delays, 0.99),
    rowsBehind: Math.max(...behind),
    bytesBefore, bytesAfter, cells, cellsAfter, delays,
    traced: longestTasks(events),
  };
}

/** Begins to count the processor's time of the page's main thread, in milliseconds. */
async function mainThreadCpu(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const taken = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
  };
  const before = await taken();
  return async () => (await taken()) - before;
}
