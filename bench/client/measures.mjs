// The three measures of a library, each in a browser of its own with an empty profile.

import { Browser } from "./browser.mjs";
import { median } from "./statistics.mjs";
import { Target } from "./target.mjs";
import { mainThread } from "./trace.mjs";

const N_FIRST = 100;
const N_WARM_UP = 1_000;
const N_CALLS = 1_000;
const N_CALLS_A_TASK = 100;
const PAUSE_MILLIS = 20;
const N_RESTED = 200;
const REST_MILLIS = 50;
export const N_BURST = 10_000;
export const N_CRASH = 10;
/** What a page does when it loads is over by then. */
const LOADED_MILLIS = 1_500;

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** Where things are: the pages, and the real server. */
/** @typedef {{ pagesUrl: string, serverUrl: string }} Places */

/** Microseconds a call: of the first calls after load, of many a task, of one a task, of one after a rest; and all work until a row is sent. */
export async function measureCalls(library, places) {
  return measured(library, places, async (browser, target, open) => {
    const page = await open({ isLimitRaised: true });
    let nLogged = 0;
    const log = async (name, nRows, ...args) => {
      const result = await page.evaluate(([name, args]) => bench[name](...args), [name, args]);
      nLogged += nRows;
      await target?.settle(nLogged);
      return result;
    };
    const first = await log("timeTask", N_FIRST, N_FIRST);
    // A trace slows what it watches, so it watches the calls that warm up, and not those that are timed.
    await browser.beginTrace();
    await log("timeTasks", N_WARM_UP, N_WARM_UP / N_CALLS_A_TASK, N_CALLS_A_TASK, PAUSE_MILLIS);
    const { busyMillis } = mainThread(await browser.endTrace());
    const warm = await log("timeTasks", N_CALLS, N_CALLS / N_CALLS_A_TASK, N_CALLS_A_TASK, PAUSE_MILLIS);
    const lone = await log("timeTasks", N_CALLS, N_CALLS, 1, 0);
    const rested = await log("timeTasks", N_RESTED, N_RESTED, 1, REST_MILLIS);
    const arrived = await target?.arrived();
    return {
      chromium: browser.version,
      taskMicros: median(warm.map((time) => time.taskMicros)),
      callMicros: median(warm.map((time) => time.callMicros)),
      workMicros: (busyMillis * 1000) / N_WARM_UP,
      firstMicros: first.taskMicros,
      loneMicros: median(lone.map((time) => time.taskMicros)),
      restedMicros: median(rested.map((time) => time.taskMicros)),
      restedCallMicros: median(rested.map((time) => time.callMicros)),
      nLogged,
      nArrived: arrived?.nRows ?? null,
    };
  });
}

/** What `N_BURST` calls in one task cost the main thread until everything was sent or given up, and what arrives. */
export async function measureBurst(library, places) {
  return measured(library, places, async (browser, target, open) => {
    const page = await open({ isLimitRaised: false });
    let isCrashed = false;
    page.on("crash", () => (isCrashed = true));
    await sleep(LOADED_MILLIS);
    target?.endpoint.reset();
    await browser.beginTrace();
    await page.evaluate((nRows) => bench.logInOneTask(nRows), N_BURST).catch(() => (isCrashed = true));
    await (target ? target.settle(N_BURST, () => isCrashed) : sleep(LOADED_MILLIS));
    const events = await browser.endTrace();
    const thread = isCrashed ? { busyMillis: null, longestMillis: null } : mainThread(events);
    return { ...thread, isCrashed, ...target?.endpoint.counts, ...(await target?.arrived()) };
  });
}

/** One page after the other is killed, so that none has less of the machine than another meanwhile. */
let killing = Promise.resolve();

/**
 * How many of a few rows arrive, that were logged while the endpoint was down, when the page's process is killed `millis`
 * after their task and the page is opened anew with the endpoint up: without a further call, and after one.
 */
export async function measureCrash(library, places, millis) {
  return measured(library, places, async (browser, target, open) => {
    const page = await open({ isLimitRaised: false });
    await sleep(LOADED_MILLIS);
    await target.endpoint.down();
    // One that failed keeps none from being killed.
    killing = killing.catch(() => undefined).then(async () => {
      await page.evaluate((nRows) => bench.logInOneTask(nRows), N_CRASH);
      if (millis > 0) await sleep(millis);
      await browser.killPages();
    });
    await killing;
    await sleep(500);
    await target.endpoint.up();
    const again = await open({ isLimitRaised: false });
    target.endpoint.reset();
    await target.settle(N_CRASH);
    const { nRows: nKept } = await target.arrived();
    if (nKept >= N_CRASH) return { nKept, nAfterCall: nKept };
    await again.evaluate((step) => {
      bench.startAt(step);
      return bench.logInOneTask(1);
    }, N_CRASH);
    target.endpoint.reset();
    await target.settle(N_CRASH + 1);
    return { nKept, nAfterCall: (await target.arrived(N_CRASH)).nRows };
  });
}

/** Runs a measure with a browser and, where the library sends at all, a target; `open` loads and starts the library. */
async function measured(library, { pagesUrl, serverUrl }, measure) {
  const browser = await Browser.start();
  const target = library.protocol === null ? null : await Target.open(library, serverUrl);
  try {
    const open = async (options) => {
      const page = await browser.open(`${pagesUrl}/${library.name}`);
      await page.evaluate((options) => bench.start(options), { url: target?.endpoint.url, table: target?.table, ...options });
      return page;
    };
    return await measure(browser, target, open);
  } finally {
    await browser.close();
    await target?.close();
  }
}
