// Servers that are away for a while, or whose answers are lost; the page lives on.

import { expect } from "@playwright/test";

import { test } from "./fixtures.ts";
import { LARGE, pause, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

const MINUTE_MILLIS = 60_000;

declare global {
  /** How many requests of the page have no whole answer yet. */
  var nPending: number;
}

/** Runs in the page, before all else. */
function countPending(): void {
  const real = fetch;
  globalThis.nPending = 0;
  globalThis.fetch = async (...args) => {
    nPending += 1;
    try {
      const response = await real(...args);
      // What is read of it is there then, and takes no time.
      await response.clone().arrayBuffer();
      return response;
    } finally {
      nPending -= 1;
    }
  };
}

for (const retryAfterSeconds of [undefined, 120]) {
  const asks = retryAfterSeconds === undefined ? "without Retry-After" : `with Retry-After: ${retryAfterSeconds}`;

  test(`an hour of 503 ${asks}, then a server that is well`, async ({ bed, profile }) => {
    await playRounds(
      bed,
      async (round) => {
        const way = round.bed.way;
        // The clock is the context's, and others need a true one.
        const context = await profile.browser()!.newContext();
        const page = await context.newPage();
        await page.addInitScript(countPending);
        await page.clock.install();
        await round.enter(page);
        // Lets so much time go by for the page. An answer takes none of it.
        const passes = async (millis: number) => {
          await page.clock.runFor(millis);
          while ((await page.evaluate(() => nPending)) > 0) await pause(1);
        };
        way.unwell = { status: 503, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
        for (let minute = 0; minute < 60; minute++) {
          if (minute % 20 === 0) await round.log(page, TEN_ROWS);
          await passes(MINUTE_MILLIS / 2);
          await passes(MINUTE_MILLIS / 2);
        }
        expect(await page.evaluate(() => life.st.status)).toMatchObject({ state: "retrying", queued: 30, rejected: 0, dropped: 0 });
        expect(await page.evaluate(() => life.told)).toEqual(["http_503"]);
        if (retryAfterSeconds !== undefined) expect(way.n_unwell).toBeLessThanOrEqual(3600 / retryAfterSeconds + 1);
        expect(way.n_unwell).toBeGreaterThan(10);

        way.unwell = undefined;
        // What was asked for last, and the longest wait on top.
        const longest = 1000 * (retryAfterSeconds ?? 0) + MINUTE_MILLIS;
        for (let gone = 0; gone <= longest; gone += MINUTE_MILLIS / 4) await passes(MINUTE_MILLIS / 4);
        await round.arrives(page);
        await context.close();
      },
      // The faked clock would end requests that are under way.
      { nAtOnce: 3, hasOwnWay: true, options: { requestTimeoutMillis: 7_200_000 } },
    );
  });
}

test("a server that is stopped while the browser is online, then started", async ({ ownBed, page }) => {
  await playRounds(
    ownBed,
    async (round) => {
      await round.enter(page);
      await ownBed.server.stop();
      await round.log(page, TEN_ROWS);
      await page.waitForFunction(() => life.told.includes("network"));
      expect(await page.evaluate(() => [navigator.onLine, life.st.status.state, life.st.status.queued])).toEqual([true, "retrying", 10]);
      await ownBed.server.start();
      await round.arrives(page);
    },
    { options: { maxRetryMillis: 400 } },
  );
});

for (const load of [TEN_ROWS, LARGE]) {
  test(`${load.what}, the answer is lost after the commit`, async ({ bed, page }) => {
    await playRounds(
      bed,
      async (round, idx) => {
        await round.enter(page);
        const n_before = bed.way.n_lost;
        bed.way.loseAnswers(1 + (idx % 3));
        await round.log(page, load);
        await page.evaluate(() => life.st.flush());
        expect(bed.way.n_lost - n_before).toBe(1 + (idx % 3));
        await round.arrives(page);
      },
      { options: { maxRetryMillis: 100 } },
    );
  });

  test(`${load.what}, the answer is lost after the commit and the page closed; another sends them again`, async ({ bed, context, page: visitor }) => {
    await playRounds(bed, async (round) => {
      const page = await context.newPage();
      await round.enter(page);
      const n_before = bed.way.n_lost;
      bed.way.loseAnswers(1000);
      await round.log(page, load);
      while (bed.way.n_lost === n_before) await pause(1);
      await page.close();
      bed.way.loseAnswers(0);
      await visitor.goto(visitAddress(bed));
      await round.arrives(visitor);
      await visitor.goto(bed.site);
    });
  });
}

test("a server that is killed in the middle of a stream and started again", async ({ ownBed, page }) => {
  await playRounds(
    ownBed,
    async (round, idx) => {
      await round.enter(page);
      const number = await page.evaluate(() => life.number);
      round.ledger.tries(number, 300);
      const streamed = page.evaluate(() => life.stream(300, 50));
      await pause(30 + 10 * idx);
      await ownBed.server.stop("SIGKILL");
      await pause(50);
      await ownBed.server.start();
      await streamed;
      round.ledger.logged(number);
      await round.arrives(page);
    },
    { options: { lingerMillis: 10, maxRetryMillis: 200 } },
  );
});

const SMALL = { what: "three rows", nRows: 3, rowBytes: 20 };
const HUGE = { what: "a row of 2 MB", nRows: 1, rowBytes: 2_000_000 };

test("a row of 2 MB among small ones", async ({ bed, page }) => {
  await playRounds(bed, async (round) => {
    await round.enter(page);
    for (const load of [SMALL, HUGE, SMALL]) await round.log(page, load);
    await round.arrives(page);
  });
});

test("a row of 2 MB among small ones, and the page is left", async ({ bed, page }) => {
  await playRounds(bed, async (round) => {
    await round.enter(page);
    await round.log(page, SMALL);
    await round.log(page, HUGE);
    await round.log(page, SMALL, "void (location.href = '/')");
    await page.waitForURL(`${bed.site}/`);
    await page.goto(visitAddress(bed));
    await round.arrives(page);
  });
});
