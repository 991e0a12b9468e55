// Pages that are left, kept by the browser as they are, and come back to.

import { expect, type Page } from "@playwright/test";

import { test } from "./fixtures.ts";
import { launchOptions } from "./playwright.config.ts";
import { LARGE, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

test.use({ launchOptions: { ...launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] } });

/** Goes back, and sees that the page is the one that was left. */
async function goBack(page: Page): Promise<void> {
  await page.goBack({ waitUntil: "commit" });
  await page.waitForFunction(() => life.told.includes("came back"));
}

/** Has the page tell when it comes back. */
async function watchReturn(page: Page): Promise<void> {
  await page.evaluate(() => addEventListener("pageshow", ({ persisted }) => life.told.push(persisted ? "came back" : "came anew")));
}

for (const load of [TEN_ROWS, LARGE]) {
  test(`${load.what}, the page is left in the task that logs them, comes back and goes on`, async ({ bed, page }) => {
    await playRounds(bed, async (round) => {
      await round.enter(page);
      await watchReturn(page);
      await round.log(page, load, "void (location.href = '/')");
      await page.waitForURL(`${bed.site}/`);
      await goBack(page);
      await round.log(page, TEN_ROWS);
      await round.arrives(page);
    });
  });

  test(`${load.what}, the page is left while the server is down, another delivers them, it comes back and goes on`, async ({ bed, context, page }) => {
    await playRounds(bed, async (round) => {
      await round.enter(page);
      await watchReturn(page);
      await bed.way.down();
      await round.log(page, load, "void (location.href = '/')");
      await page.waitForURL(`${bed.site}/`);
      await bed.way.up();
      const visitor = await context.newPage();
      await visitor.goto(visitAddress(bed));
      await round.arrives(visitor);
      await goBack(page);
      await round.log(page, TEN_ROWS);
      await round.arrives(page);
      expect(await page.evaluate(() => life.st.status)).toMatchObject({ queued: 0, rejected: 0, dropped: 0 });
      await visitor.close();
    });
  });
}
