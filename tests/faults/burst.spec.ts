// A burst: ten thousand rows in one task. What it costs the page is watched by the clock, so this runs by itself.

import { expect } from "@playwright/test";

import { type Busy, watchBusy } from "./busy.ts";
import { test } from "./fixtures.ts";
import { note, playRounds } from "./rounds.ts";

const N_ROWS = 10_000;
/** With its other cells a row is about 250 bytes. */
const ROW_BYTES = 170;
/** The most appends that may take it. */
const MAX_REQUESTS = 20;
/** How long the page may be held up at once, and in all, in milliseconds. */
const MAX_AT_ONCE_MILLIS = 50;
const MAX_IN_ALL_MILLIS = 150;

for (const [how, inOneCall] of [["a call each", false], ["in one call", true]] as const) {
  test(`10,000 rows in one task, ${how}, are stored in few requests and hold the page up little`, async ({ bed, profile, page }) => {
    const busy: Busy[] = [];
    const n_requests: number[] = [];
    await playRounds(bed, async (round) => {
      await round.enter(page);
      // The making of the rows is the page's own.
      await page.evaluate(
        ([nRows, rowBytes]) => {
          Object.assign(globalThis, { rows: life.makeRows(nRows, rowBytes) });
          return new Promise((resolve) => setTimeout(resolve, 100));
        },
        [N_ROWS, ROW_BYTES] as const,
      );
      const number = await page.evaluate(() => life.number);
      const n_before = bed.way.appends.length;
      round.ledger.tries(number, N_ROWS);
      const burst = async () => {
        await page.evaluate((inOneCall) => {
          const { rows } = globalThis as unknown as { rows: { n: number }[] };
          if (inOneCall) life.st.log(rows);
          else for (const row of rows) life.st.log(row);
        }, inOneCall);
        round.ledger.logged(number);
        await page.evaluate(() => life.st.flush());
      };
      busy.push(await watchBusy(profile.browser()!, page, burst));
      n_requests.push(bed.way.appends.length - n_before);
      await round.arrives(page);
    });
    const figures = {
      "most requests": n_requests,
      "longest task, CPU ms": busy.map(({ cpu }) => cpu.longest),
      "all tasks, CPU ms": busy.map(({ cpu }) => cpu.all),
      "longest task, ms": busy.map(({ wall }) => wall.longest),
      "all tasks, ms": busy.map(({ wall }) => wall.all),
    };
    for (const [what, values] of Object.entries(figures)) {
      const [least, median, most] = [0, 0.5, 1].map((share) => quantile(values, share).toFixed(0));
      note(what, `${median} (${least} to ${most})`);
    }
    expect(Math.max(...n_requests)).toBeLessThanOrEqual(MAX_REQUESTS);
    // In every round by the thread's own clock. The wall clock counts what other programs do meanwhile, so one round may be
    // another's fault; the half of them may not.
    for (const [longest, all] of [
      [Math.max(...busy.map(({ cpu }) => cpu.longest)), Math.max(...busy.map(({ cpu }) => cpu.all))],
      [quantile(busy.map(({ wall }) => wall.longest), 0.5), quantile(busy.map(({ wall }) => wall.all), 0.5)],
    ] as const) {
      expect(longest).toBeLessThanOrEqual(MAX_AT_ONCE_MILLIS);
      expect(all).toBeLessThanOrEqual(MAX_IN_ALL_MILLIS);
    }
  });
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.round(share * (values.length - 1))]!;
}
