// Pages that go right after they logged: left for another, closed, and closed while the browser is offline.

import type { Page } from "@playwright/test";

import { test } from "./fixtures.ts";
import { LARGE, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

for (const load of [TEN_ROWS, LARGE]) {
  test(`${load.what}, the page is left in the task that logs them`, async ({ bed, page }) => {
    await playRounds(bed, async (round) => {
      await round.enter(page);
      await round.log(page, load, "void (location.href = '/')");
      await page.waitForURL(`${bed.site}/`);
      await page.goto(visitAddress(bed));
      await round.arrives(page);
    });
  });

  test(`${load.what}, the page is left in its very first task`, async ({ bed, page }) => {
    await playRounds(bed, async (round) => {
      await page.goto(round.lifeAddress({ load, then: "leave" }), { waitUntil: "commit" });
      await page.waitForURL(`${bed.site}/`);
      round.ledger.allLogged();
      await page.goto(visitAddress(bed));
      await round.arrives(page);
    });
  });

  for (const runBeforeUnload of [false, true]) {
    const how = runBeforeUnload ? "closed as a user closes it" : "closed";

    test(`${load.what}, the page is ${how} after the task that logs them`, async ({ bed, context, page: visitor }) => {
      await playRounds(bed, async (round) => {
        const page = await context.newPage();
        await round.enter(page);
        await round.log(page, load);
        await close(page, runBeforeUnload);
        await visitor.goto(visitAddress(bed));
        await round.arrives(visitor);
        await visitor.goto(bed.site);
      });
    });

    test(`${load.what}, the page is ${how} in its very first task`, async ({ bed, context, page: visitor }) => {
      await playRounds(bed, async (round) => {
        const page = await context.newPage();
        let settle = () => {};
        const logged = new Promise<void>((resolve) => (settle = resolve));
        await page.exposeBinding("firstTaskLogged", () => settle());
        await page.goto(round.lifeAddress({ load }), { waitUntil: "commit" });
        await logged;
        await close(page, runBeforeUnload);
        round.ledger.allLogged();
        await visitor.goto(visitAddress(bed));
        await round.arrives(visitor);
        await visitor.goto(bed.site);
      });
    });
  }

  test(`${load.what}, the page closes itself in its very first task`, async ({ bed, context, page: visitor }) => {
    await visitor.goto(bed.site);
    await playRounds(bed, async (round) => {
      const opened = context.waitForEvent("page");
      await visitor.evaluate((url) => void open(url), round.lifeAddress({ load, then: "close" }));
      const page = await opened;
      if (!page.isClosed()) await page.waitForEvent("close");
      round.ledger.allLogged();
      await visitor.goto(visitAddress(bed));
      await round.arrives(visitor);
      await visitor.goto(bed.site);
    });
  });

  test(`${load.what}, logged offline, the page closed, and another opened online`, async ({ bed, context, page: visitor }) => {
    await playRounds(bed, async (round) => {
      const page = await context.newPage();
      await round.enter(page);
      // What Chromium pretends to a page ends with the page, and its last request may get through.
      await bed.way.down();
      await context.setOffline(true);
      await round.log(page, load);
      await page.close();
      await context.setOffline(false);
      await bed.way.up();
      await visitor.goto(visitAddress(bed));
      await round.arrives(visitor);
      await visitor.goto(bed.site);
    });
  });
}

async function close(page: Page, runBeforeUnload: boolean): Promise<void> {
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload });
  await closed;
}
