// A Chromium with an empty profile on disk, and what its processes take. It reaches loopback only.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { LAUNCH, TRACED } from "../chromium.mjs";

export class Browser {
  #context;
  #profile;
  #session;
  #events = [];

  static async start() {
    const browser = new Browser();
    browser.#profile = mkdtempSync(join(tmpdir(), "streamtable-bench-"));
    browser.#context = await chromium.launchPersistentContext(browser.#profile, {
      ...LAUNCH,
      viewport: { width: 1280, height: 800 },
    });
    browser.#session = await browser.#context.browser().newBrowserCDPSession();
    browser.#session.on("Tracing.dataCollected", ({ value }) => browser.#events.push(...value));
    return browser;
  }

  get version() {
    return this.#context.browser().version();
  }

  /** A page in which `script` runs before any other, at every address. */
  async page(script) {
    const page = await this.#context.newPage();
    page.on("pageerror", (error) => console.error(`  the page failed: ${error}`));
    await page.addInitScript(script);
    return page;
  }

  /** What the process of a page, its workers included, has in memory, in bytes: that of the largest of all pages. */
  async pageBytes() {
    const { processInfo } = await this.#session.send("SystemInfo.getProcessInfo");
    const pids = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
    const said = execFileSync("ps", ["-o", "rss=", "-p", pids.join(",")], { encoding: "utf8" });
    return Math.max(...said.trim().split(/\s+/).map(Number)) * 1024;
  }

  /** Records what threads do, until `endTrace`. */
  async beginTrace() {
    this.#events = [];
    const traceConfig = { includedCategories: TRACED, excludedCategories: ["*"], recordMode: "recordAsMuchAsPossible" };
    await this.#session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig });
  }

  /** Ends the recording and gives its events. */
  async endTrace() {
    const complete = new Promise((resolve) => this.#session.once("Tracing.tracingComplete", resolve));
    await this.#session.send("Tracing.end");
    if ((await complete).dataLossOccurred) throw new Error("the trace is not whole");
    return this.#events;
  }

  async close() {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}
