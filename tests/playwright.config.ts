// How the browser tests run: one Chromium, real servers on free ports, no retries.

import { defineConfig } from "@playwright/test";

/** What watches the clock, or keeps both cores busy. */
const ALONE = /(replay|ten_million|let_go|columns)\.spec/;

/** What holds for a panel wherever its view is kept, and so is tried once more where the server keeps it. */
const VIEWS = /(board|computed|controls|keyboard|windows)\.spec/;
const NOT_OF_VIEWS = /home lists|in the dark|phone's width|columns are resized|an address that cannot/;

const isRoot = process.getuid?.() === 0;

export default defineConfig<{ memory: string | undefined }>({
  testDir: "browser",
  outputDir: "browser/.output/results",
  fullyParallel: false,
  workers: Number(process.env.STREAMTABLE_TEST_WORKERS ?? 2),
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  // What watches the clock runs last and by itself.
  projects: [
    { name: "on the server", testMatch: VIEWS, grepInvert: NOT_OF_VIEWS, use: { memory: "1KB" } },
    { name: "all", testIgnore: ALONE },
    { name: "alone", testMatch: ALONE, dependencies: ["all"], workers: 1 },
  ],
  use: {
    viewport: { width: 1280, height: 800 },
    timezoneId: "Europe/Berlin",
    locale: "en-GB",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH || undefined,
      args: [
        ...(isRoot ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
