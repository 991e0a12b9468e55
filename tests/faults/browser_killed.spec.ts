// Whole browsers that are killed soon after a page logged. How soon is watched by the clock, so this runs by itself.

import { ProfiledBrowser } from "./chromium.ts";
import { newProfile, removeProfile, test } from "./fixtures.ts";
import { LARGE, type Load, note, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

/** When the browser is killed: so many milliseconds after `log()` returned, or once no row is in the page's memory alone. */
const KILLS: [load: Load, after: number | "saved"][] = [
  [TEN_ROWS, 5],
  [LARGE, 50],
  [LARGE, "saved"],
];

for (const [load, after] of KILLS) {
  const when = after === "saved" ? "once the status says that they are saved" : `${after} ms after log() returned`;

  test(`${load.what}, the browser is killed ${when}`, async ({ bed }) => {
    test.fixme(after === 5, "some rows of the last five milliseconds are lost with the browser: about one round of ten");
    const profile = newProfile();
    const delays: number[] = [];
    let browser = await ProfiledBrowser.launch(profile);
    try {
      await playRounds(bed, async (round) => {
        const page = await browser.context.newPage();
        await round.enter(page);
        let settle = (_: number) => {};
        const signalled = new Promise<number>((resolve) => (settle = resolve));
        await page.exposeBinding("signal", (_, returnedAt: number) => settle(returnedAt));
        const then = after === "saved" ? "life.saved().then(() => signal(at))" : "signal(at)";
        // The call dies with the browser.
        const logging = round.log(page, load, `const at = Date.now(); void ${then}`).catch(() => undefined);
        const returnedAt = await signalled;
        while (after !== "saved" && Date.now() < returnedAt + after);
        const killed = browser.kill();
        delays.push(Date.now() - returnedAt);
        await Promise.all([killed, logging]);
        round.ledger.allLogged();

        browser = await ProfiledBrowser.launch(profile);
        const visitor = await browser.context.newPage();
        await visitor.goto(visitAddress(bed));
        await round.arrives(visitor);
        await visitor.close();
      });
      note("killed after", `${Math.min(...delays)} to ${Math.max(...delays)} ms`);
    } finally {
      await browser.kill();
      removeProfile(profile);
    }
  });
}
