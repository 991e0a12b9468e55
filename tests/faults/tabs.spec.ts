// Several tabs of one origin: those that live take care of what the others left.

import { expect } from "@playwright/test";

import { KILLABLE, openKillable } from "./chromium.ts";
import { test } from "./fixtures.ts";
import { pause, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

test.use({ launchOptions: KILLABLE });

for (const nTabs of [2, 5]) {
  test(`${nTabs} tabs log while the server is down and are all closed; another is opened`, async ({ bed, context, page: visitor }) => {
    await playRounds(bed, async (round) => {
      const tabs = await Promise.all(Array.from({ length: nTabs }, () => context.newPage()));
      for (const tab of tabs) await round.enter(tab);
      await bed.way.down();
      for (const tab of tabs) await round.log(tab, TEN_ROWS);
      for (const tab of tabs) await tab.close();
      await bed.way.up();
      await visitor.goto(visitAddress(bed));
      await round.arrives(visitor);
      await visitor.goto(bed.site);
    });
  });
}

test("a tab is killed while the server is down; one that stays open delivers its rows with no further call", async ({ bed, context }) => {
  await playRounds(
    bed,
    async (round, idx) => {
      const way = round.bed.way;
      const { page: living } = await openKillable(context, (page) => (idx % 2 === 0 ? round.enter(page) : visit(page)));
      const { page: dying, kill } = await openKillable(context, (page) => round.enter(page));
      await way.down();
      await round.log(dying, TEN_ROWS);
      await kill();
      await way.up();
      await round.arrives(living);
      expect(round.arrivalMillis).toBeLessThan(15_000);
      await living.close();

      async function visit(page: typeof living): Promise<void> {
        await page.goto(visitAddress(round.bed));
      }
    },
    { nAtOnce: 10, hasOwnWay: true, hasOwnOrigin: true },
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
