// Renderer processes that are killed: right after they logged, so this runs by itself, and in the middle of sending.

import { KILLABLE, openKillable } from "./chromium.ts";
import { test } from "./fixtures.ts";
import { LARGE, pause, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

test.use({ launchOptions: KILLABLE });

for (const load of [TEN_ROWS, LARGE]) {
  for (const isUp of [true, false]) {
    test(`${load.what}, the renderer is killed after the task that logs them, the server ${isUp ? "up" : "down"}`, async ({ bed, context, page: visitor }) => {
      await playRounds(bed, async (round) => {
        const { page, kill } = await openKillable(context, (page) => round.enter(page));
        if (!isUp) await bed.way.down();
        await round.log(page, load);
        await kill();
        await bed.way.up();
        await visitor.goto(visitAddress(bed));
        await round.arrives(visitor);
        await visitor.goto(bed.site);
      });
    });
  }
}

test("a large backlog, the renderer is killed in the middle of sending it", async ({ bed, context, page: visitor }) => {
  const backlog = { what: "1 MB", nRows: 1000, rowBytes: 1000 };
  await playRounds(
    bed,
    async (round, idx) => {
      const { page, kill } = await openKillable(context, (page) => round.enter(page));
      bed.way.delayMillis = 20;
      const n_before = bed.way.appends.length;
      await round.log(page, backlog);
      const n_wanted = 1 + (idx % 5);
      while (bed.way.appends.length < n_before + n_wanted) await pause(1);
      // Sometimes before the server has them, sometimes before the page has the answer, sometimes after it.
      await pause((idx * 7) % 40);
      await kill();
      bed.way.delayMillis = 0;
      await visitor.goto(visitAddress(bed));
      await round.arrives(visitor);
      await visitor.goto(bed.site);
    },
    { options: { maxBatchBytes: 100_000 } },
  );
});

test("a tab hangs while it looks for rows that were left; another logs meanwhile and is killed", async ({ bed, context }) => {
  await playRounds(
    bed,
    async (round) => {
      const { page: hanging } = await openKillable(context, async (page) => void (await page.goto(visitAddress(round.bed))));
      const { page: dying, kill } = await openKillable(context, (page) => round.enter(page));
      await round.bed.way.down();
      await hanging.evaluate(hang, HANG_MILLIS);
      await pause(HANG_MILLIS / 3);
      await round.log(dying, TEN_ROWS);
      await kill();
      await round.bed.way.up();
      await round.arrives(hanging);
      await hanging.close();
    },
    { hasOwnWay: true, hasOwnOrigin: true },
  );
});

const HANG_MILLIS = 600;

/** Makes a page look for rows and, once it has asked its storage, hear nothing for a while. */
function hang(millis: number): void {
  setTimeout(async () => {
    dispatchEvent(new Event("online"));
    // In the same task still, after what follows from the event at once.
    for (let n = 0; n < 100; n++) await undefined;
    const start = performance.now();
    while (performance.now() - start < millis);
  }, millis / 10);
}
