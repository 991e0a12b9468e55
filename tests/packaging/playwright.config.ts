// How the packaging tests run: as the browser tests do, once each project has the packed package.

import { defineConfig } from "@playwright/test";

import browser from "../playwright.config.ts";

export default defineConfig({
  ...browser,
  testDir: ".",
  testIgnore: ".output/**",
  outputDir: ".output/results",
  globalSetup: "./projects.ts",
  // Next.js builds for half a minute where two cores are shared.
  timeout: 180_000,
  projects: [{ name: "packaging" }],
});
