// Browsers to be killed: single renderer processes by their id, and whole browsers with a profile that outlives them.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type Browser, type BrowserContext, chromium, type Page } from "@playwright/test";

import { endsWithUs } from "../browser/servers.ts";
import { launchOptions } from "./playwright.config.ts";

/**
 * What a browser needs for `openKillable`: without spare processes, what starts while a page opens is the page's.
 *
 * Of several such switches the last one counts, and Playwright's own is given up.
 */
export const KILLABLE = { ...launchOptions, args: [...launchOptions.args, "--disable-features=SpareRendererForSitePerProcess"] };

/** A page and how to kill the processes that run it. */
export interface KillablePage {
  readonly page: Page;
  /** Ends the processes by SIGKILL, and settles when the page has crashed. */
  kill(): Promise<void>;
}

/** Pages are opened one after another, so that each one's processes are known. */
let opening: Promise<unknown> = Promise.resolve();

/** Opens a page by `enter`, in a browser that was launched as `KILLABLE`. Nobody else may open pages meanwhile. */
export function openKillable(context: BrowserContext, enter: (page: Page) => Promise<void>): Promise<KillablePage> {
  const opened = opening.then(() => open(context, enter));
  opening = opened.catch(() => undefined);
  return opened;
}

async function open(context: BrowserContext, enter: (page: Page) => Promise<void>): Promise<KillablePage> {
  const browser = context.browser()!;
  const before = await renderers(browser);
  const page = await context.newPage();
  await enter(page);
  const pids = (await renderers(browser)).filter((pid) => !before.includes(pid));
  if (pids.length === 0) throw new Error("the page shares the process of another");
  const kill = async () => {
    const crashed = page.waitForEvent("crash", { timeout: 10_000 });
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await crashed;
    await page.close();
  };
  return { page, kill };
}

/** The ids of a browser's renderer processes. */
async function renderers(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/** A browser of its own on the profile in a folder. */
export class ProfiledBrowser {
  private constructor(
    readonly context: BrowserContext,
    readonly process: ChildProcess,
  ) {}

  static async launch(profile: string): Promise<ProfiledBrowser> {
    const executable = launchOptions.executablePath ?? chromium.executablePath();
    const args = [...launchOptions.args, "--headless", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
    // In a group of its own, which is killed whole.
    const child = spawn(executable, args, { detached: true, stdio: ["ignore", "ignore", "pipe"] });
    endsWithUs(child);
    for await (const line of createInterface({ input: child.stderr! })) {
      const endpoint = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (endpoint === undefined) continue;
      child.stderr!.resume();
      const browser = await chromium.connectOverCDP(endpoint);
      return new ProfiledBrowser(browser.contexts()[0]!, child);
    }
    throw new Error("the browser ended before it listened");
  }

  /** Ends all its processes by SIGKILL. */
  async kill(): Promise<void> {
    const ended = once(this.process, "exit");
    process.kill(-this.process.pid!, "SIGKILL");
    await ended;
  }
}
