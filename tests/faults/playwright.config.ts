// How the fault tests run: in the browser tests' Chromium, test by test on both cores.

import { defineConfig } from "@playwright/test";

import browser from "../playwright.config.ts";

/** What a browser of these tests is launched with. */
export const launchOptions = browser.use!.launchOptions as { executablePath: string | undefined; args: string[] };

/** What watches the clock runs last and by itself. */
const ALONE = /(burst|killed)\.spec/;

export default defineConfig({
  ...browser,
  testDir: ".",
  outputDir: ".output/results",
  fullyParallel: true,
  // A test is many rounds.
  timeout: 240_000,
  // A trace of hundreds of page lives would cost more than they do.
  use: { ...browser.use, trace: "off", actionTimeout: 20_000, navigationTimeout: 20_000 },
  projects: [
    { name: "faults", testIgnore: ALONE },
    { name: "alone", testMatch: ALONE, dependencies: ["faults"], workers: 1 },
  ],
});
