// As many rows as come in an hour, as fast as they go, to a table that keeps its newest: what a panel of it takes over time.

import { median } from "./figures.mjs";
import { address, shown } from "./panel.mjs";
import { append, fill, line, SORTED } from "./rows.mjs";
import { watch } from "./watch.mjs";

const TABLE = "local/bench/hour";
/** How many rows are kept. */
const N_KEPT = 6_000_000;
/** How far the panel may be behind before the next rows are sent. */
const MAX_BEHIND = 500_000;
/** How many samples there are. */
const N_SAMPLES = 72;
const LONGEST_WAIT_MILLIS = 120_000;

export async function measureRetention(browser, server, { nRows, say }) {
  const page = await browser.page(watch);
  await page.goto(address(server.url, TABLE, SORTED));
  await page.getByTestId("rows-total").waitFor();
  const session = await page.context().newCDPSession(page);
  const samples = [];
  let nextSample = 0;
  const look = async (nSent) => {
    const nHeld = await shown(page, "rows-total");
    const [text = "0"] = await page.getByText(/older ones dropped/).allInnerTexts();
    const nLetGo = Number(text.replace(/[^0-9]/g, ""));
    return { nSent, nHeld, nLetGo };
  };
  const began = performance.now();
  await append(server.url, TABLE, line(0));
  const kept = { method: "PUT", body: JSON.stringify({ rows: N_KEPT }) };
  const answer = await fetch(`${server.url}/api/v1/tables/${TABLE}/retention`, kept);
  if (!answer.ok) throw new Error(`the retention is not taken: ${await answer.text()}`);
  await fill(server.url, TABLE, 1, nRows, async (nSent) => {
    const waits = performance.now() + LONGEST_WAIT_MILLIS;
    let seen = await look(nSent);
    while (seen.nHeld + seen.nLetGo < nSent - (nSent === nRows ? 0 : MAX_BEHIND)) {
      if (performance.now() > waits) throw new Error(`the panel has ${seen.nHeld + seen.nLetGo} of ${nSent} rows`);
      await page.waitForTimeout(50);
      seen = await look(nSent);
    }
    if (nSent < nextSample) return;
    nextSample += nRows / N_SAMPLES;
    const cells = await page.getByTestId("memory").innerText();
    // What the page's scripts left behind counts when it was collected, and not before.
    await session.send("HeapProfiler.collectGarbage");
    samples.push({ ...seen, cells, seconds: (performance.now() - began) / 1000, bytes: await browser.pageBytes() });
    const { nHeld, nLetGo, bytes } = samples.at(-1);
    say(`${nSent} rows sent, ${nHeld} held, ${nLetGo} let go, ${cells}, ${Math.round(bytes / 2 ** 20)} MiB of pages`);
  });
  const tasks = await page.evaluate(() => watch.takeLongTasks());
  await page.close();
  // From where rows are let go on, memory should stand still.
  const full = samples.filter(({ nLetGo }) => nLetGo > 0);
  const third = Math.floor(full.length / 3);
  const of = (some) => median(some.map(({ bytes }) => bytes));
  const [fullBytes, endBytes] = third > 0 ? [of(full.slice(0, third)), of(full.slice(-third))] : [NaN, NaN];
  return {
    nRows, nHeld: samples.at(-1).nHeld, nLetGo: samples.at(-1).nLetGo, seconds: (performance.now() - began) / 1000,
    fullBytes, endBytes, growth: endBytes / fullBytes - 1, greatestBytes: Math.max(...samples.map(({ bytes }) => bytes)),
    nLongTasks: tasks.length, samples,
  };
}
