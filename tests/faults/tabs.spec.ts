// Several tabs of one origin: those that live take care of what the others left.

import { expect } from "@playwright/test";

import { KILLABLE, openKillable } from "./chromium.ts";
import { test } from "./fixtures.ts";
import { playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

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
      // Pages that are killed before that stand in `killed.spec.ts`.
      await dying.evaluate(() => life.saved());
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
