// Browsers that take storage away: a full quota, a database closed under the page, and none at all.

import { expect } from "@playwright/test";

import { KILLABLE, openKillable } from "./chromium.ts";
import { test } from "./fixtures.ts";
import { LARGE, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

test.use({ launchOptions: KILLABLE });

test("the quota is full: rows wait in memory, which is told, and arrive", async ({ bed, context, page }) => {
  const session = await context.newCDPSession(page);
  await playRounds(
    bed,
    async (round) => {
      const { site, way } = round.bed;
      await session.send("Storage.overrideQuotaForOrigin", { origin: site, quotaSize: 1 });
      await way.down();
      await page.goto(round.lifeAddress());
      await round.log(page, LARGE);
      await page.waitForFunction(() => life.told.includes("storage_full"));
      const status = await page.evaluate(() => life.st.status);
      expect(status).toMatchObject({ storage: "memory", queued: LARGE.nRows, volatile: LARGE.nRows, dropped: 0 });
      await round.log(page, TEN_ROWS);
      await way.up();
      await round.arrives(page);
      expect(await page.evaluate(() => life.st.status)).toMatchObject({ queued: 0, volatile: 0 });
    },
    // What a browser gives an origin is settled when it first writes.
    { hasOwnOrigin: true, options: { maxRetryMillis: 400 } },
  );
});

test("the quota is full and then is not: rows are durable again", async ({ bed, context, page: visitor }) => {
  const session = await context.newCDPSession(visitor);
  await playRounds(
    bed,
    async (round) => {
      const { site, way } = round.bed;
      await session.send("Storage.overrideQuotaForOrigin", { origin: site, quotaSize: 1 });
      await way.down();
      const { page, kill } = await openKillable(context, async (page) => void (await page.goto(round.lifeAddress())));
      await round.log(page, LARGE);
      await page.waitForFunction(() => life.told.includes("storage_full"));
      await session.send("Storage.overrideQuotaForOrigin", { origin: site });
      await page.waitForFunction(() => life.st.status.volatile === 0 && life.st.status.storage === "indexeddb");
      await kill();
      await way.up();
      await visitor.goto(visitAddress(round.bed));
      await round.arrives(visitor);
    },
    { hasOwnOrigin: true },
  );
});

for (const end of ["the page delivers them", "the renderer is killed"] as const) {
  test(`IndexedDB is closed while rows wait: they are written again, and ${end}`, async ({ bed, context, page: visitor }) => {
    await playRounds(bed, async (round) => {
      const { page, kill } = await openKillable(context, (page) => round.enter(page));
      const session = await context.newCDPSession(page);
      await bed.way.down();
      await round.log(page, LARGE);
      await page.evaluate(async () => {
        const open = indexedDB.open("streamtable");
        await new Promise((resolve) => (open.onsuccess = resolve));
        open.result.onclose = () => life.told.push("closed by the browser");
      });
      await page.waitForFunction(() => life.st.status.volatile === 0);
      await session.send("Storage.clearDataForOrigin", { origin: bed.site, storageTypes: "indexeddb" });
      await page.waitForFunction(() => life.told.includes("closed by the browser"));
      await round.log(page, TEN_ROWS);
      const isWritten = () => page.evaluate(async () => life.st.status.volatile === 0 && (await life.nLeft()) > 0);
      await expect.poll(isWritten, { message: "written again" }).toBe(true);
      if (end === "the renderer is killed") {
        await kill();
        await bed.way.up();
        await visitor.goto(visitAddress(bed));
        await round.arrives(visitor);
        await visitor.goto(bed.site);
      } else {
        await bed.way.up();
        await round.arrives(page);
        await page.close();
      }
    });
  });
}

/** Ways in which a page comes to have no storage. */
const REFUSALS = {
  "is refused to a page without an origin": undefined,
  "is not there": () => Object.defineProperty(globalThis, "indexedDB", { value: undefined }),
  "throws at whoever looks at it": () =>
    Object.defineProperty(globalThis, "indexedDB", {
      get: () => {
        throw new DOMException("The operation is insecure.", "SecurityError");
      },
    }),
};

for (const [what, refuse] of Object.entries(REFUSALS)) {
  test(`storage ${what}: rows wait in memory, which the status says, and arrive`, async ({ bed, page, site }) => {
    if (refuse) await page.addInitScript(refuse);
    const body = `<!doctype html><title>A page that logs</title><script type="module" src="/faults/life.js"></script>`;
    site.files.set("/sandboxed.html", { body, headers: { "content-security-policy": "sandbox allow-scripts" } });
    await playRounds(bed, async (round) => {
      const address = new URL(round.lifeAddress());
      if (!refuse) address.pathname = "/sandboxed.html";
      await page.goto(address.href);
      await round.log(page, TEN_ROWS);
      await page.evaluate(() => life.st.flush());
      await bed.way.down();
      await round.log(page, TEN_ROWS);
      await page.waitForFunction(() => life.told.includes("network"));
      const status = await page.evaluate(() => life.st.status);
      expect(status).toMatchObject({ storage: "memory", queued: 10, volatile: 10 });
      await bed.way.up();
      await round.arrives();
    }, { options: { maxRetryMillis: 400 } });
  });
}
