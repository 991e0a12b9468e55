// A Chromium with an empty profile on disk and one page, which cannot reach anything beyond loopback.

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
    browser.#context = await chromium.launchPersistentContext(browser.#profile, LAUNCH);
    browser.#session = await browser.#context.browser().newBrowserCDPSession();
    browser.#session.on("Tracing.dataCollected", ({ value }) => browser.#events.push(...value));
    return browser;
  }

  get version() {
    return this.#context.browser().version();
  }

  /** Opens a library's page: its clock must have the resolution of isolated pages. */
  async open(url) {
    const page = await this.#context.newPage();
    await page.goto(url);
    if (!(await page.evaluate(() => crossOriginIsolated))) throw new Error(`${url} is not cross-origin isolated`);
    await page.waitForFunction(() => globalThis.bench !== undefined);
    return page;
  }

  /** Records what the main threads do, until `endTrace`. */
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

  /** Kills the processes of all pages at once, as a crash does. */
  async killPages() {
    const { processInfo } = await this.#session.send("SystemInfo.getProcessInfo");
    for (const { type, id } of processInfo) if (type === "renderer") process.kill(id, "SIGKILL");
  }

  async close() {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}
