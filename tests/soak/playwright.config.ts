// How the soak runs: as the browser tests do, for as long as it takes, and with no trace, which would grow.

import { defineConfig } from "@playwright/test";

import browser from "../playwright.config.ts";

export default defineConfig({
  ...browser,
  testDir: ".",
  testMatch: "*.soak.ts",
  outputDir: ".output/results",
  timeout: 0,
  reporter: [["dot"]],
  projects: [{ name: "soak" }],
  use: { ...browser.use, trace: "off" },
});
