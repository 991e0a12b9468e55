// Everything at once: a random schedule of faults over several tabs, the same each time.

import { expect, type BrowserContext, type Page } from "@playwright/test";

import { LossyProxy } from "../browser/proxy.ts";
import { KILLABLE, type KillablePage, openKillable } from "./chromium.ts";
import { test } from "./fixtures.ts";
import { Random } from "./random.ts";
import { type Bed, type Load, note, pause, Round, TEN_ROWS, visitAddress } from "./rounds.ts";

test.use({ launchOptions: KILLABLE });

const SEEDS = (process.env.STREAMTABLE_FAULT_SEEDS ?? "1,2").split(",").map(Number);
const N_STEPS = 250;
const MAX_TABS = 4;

const LOADS: Load[] = [{ what: "a row", nRows: 1, rowBytes: 20 }, TEN_ROWS, { what: "30 KB", nRows: 30, rowBytes: 1000 }];
const BURST: Load = { what: "500 rows", nRows: 500, rowBytes: 200 };

/** What a step may be, and how likely. Whatever is broken is mended more readily than it was broken. */
const STEPS = [
  ["log", 30],
  ["burst", 4],
  ["open", 8],
  ["open and log in the first task", 4],
  ["visit", 3],
  ["navigate", 5],
  ["log and navigate", 4],
  ["close", 5],
  ["log and close", 4],
  ["kill", 5],
  ["log and kill", 4],
  ["offline", 3],
  ["online", 6],
  ["stop the server", 3],
  ["kill the server", 3],
  ["start the server", 9],
  ["lose answers", 4],
  ["503", 3],
  ["no 503", 6],
  ["slow", 3],
  ["fast", 3],
  ["wait", 12],
] as const;

type Step = (typeof STEPS)[number][0];

/** The tabs of a browser, the server, and the way between them, in whatever state the schedule brought them to. */
class Schedule {
  readonly done: string[] = [];
  readonly #tabs: (KillablePage & { isLife: boolean })[] = [];
  #isOffline = false;
  #isUp = true;

  constructor(
    readonly random: Random,
    readonly bed: Bed & { readonly way: LossyProxy },
    readonly round: Round,
    readonly context: BrowserContext,
  ) {}

  async step(): Promise<void> {
    const step = this.random.weighted(STEPS);
    this.done.push(step);
    await this.#play(step);
  }

  async #play(step: Step): Promise<void> {
    const { random, bed } = this;
    switch (step) {
      case "log":
        return this.#log(await this.#life(), random.of(LOADS));
      case "burst":
        return this.#log(await this.#life(), BURST);
      case "open":
        return void (await this.#open(this.round.lifeAddress(), true));
      case "open and log in the first task":
        await this.#open(this.round.lifeAddress({ load: TEN_ROWS }), true);
        return this.round.ledger.allLogged();
      case "visit":
        return void (await this.#open(visitAddress(bed), false));
      case "navigate":
        return this.#navigate(await this.#life());
      case "log and navigate": {
        const tab = await this.#life();
        await this.#log(tab, random.of(LOADS));
        return this.#navigate(tab);
      }
      case "close":
        return this.#take()?.page.close();
      case "log and close": {
        const tab = await this.#life();
        await this.#log(tab, random.of(LOADS));
        return this.#forget(tab).page.close();
      }
      case "kill":
        return this.#take()?.kill();
      case "log and kill": {
        const tab = await this.#life();
        await this.#log(tab, random.of(LOADS));
        return this.#forget(tab).kill();
      }
      case "offline":
        return this.#setOffline(true);
      case "online":
        return this.#setOffline(false);
      case "stop the server":
        return this.#setUp(false);
      case "kill the server":
        return this.#setUp(false, "SIGKILL");
      case "start the server":
        return this.#setUp(true);
      case "lose answers":
        return bed.way.loseAnswers(1 + random.below(4));
      case "503":
        return void (bed.way.unwell = random.of([{ status: 503 }, { status: 503, retryAfterSeconds: 1 }, { status: 429 }]));
      case "no 503":
        return void (bed.way.unwell = undefined);
      case "slow":
        return void (bed.way.delayMillis = 50 + random.below(200));
      case "fast":
        return void (bed.way.delayMillis = 0);
      case "wait":
        return pause(random.below(300));
    }
  }

  /** Mends everything. */
  async mend(): Promise<void> {
    await this.#setOffline(false);
    await this.#setUp(true);
    this.bed.way.loseAnswers(0);
    this.bed.way.unwell = undefined;
    this.bed.way.delayMillis = 0;
  }

  async #setOffline(isOffline: boolean): Promise<void> {
    this.#isOffline = isOffline;
    await this.context.setOffline(isOffline);
  }

  async #setUp(isUp: boolean, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (isUp && !this.#isUp) await this.bed.server.start();
    if (!isUp) await this.bed.server.stop(signal);
    this.#isUp = isUp;
  }

  /** A tab that logs, be it one that is open. */
  async #life(): Promise<KillablePage> {
    const lives = this.#tabs.filter(({ isLife }) => isLife);
    return lives.length > 0 ? this.random.of(lives) : this.#open(this.round.lifeAddress(), true);
  }

  async #open(address: string, isLife: boolean): Promise<KillablePage> {
    // The site's pages come by the network, too.
    if (this.#isOffline) await this.#setOffline(false);
    while (this.#tabs.length >= MAX_TABS) await this.#take()!.page.close();
    const tab = { ...(await openKillable(this.context, (page) => go(page, address))), isLife };
    this.#tabs.push(tab);
    return tab;
  }

  async #log({ page }: KillablePage, load: Load): Promise<void> {
    await this.round.log(page, load);
  }

  async #navigate({ page }: KillablePage): Promise<void> {
    if (this.#isOffline) await this.#setOffline(false);
    await go(page, this.round.lifeAddress());
  }

  /** Some tab, which is no longer kept. */
  #take(): KillablePage | undefined {
    return this.#tabs.length === 0 ? undefined : this.#forget(this.random.of(this.#tabs));
  }

  #forget(tab: KillablePage): KillablePage {
    this.#tabs.splice(this.#tabs.findIndex(({ page }) => page === tab.page), 1);
    return tab;
  }
}

/** Takes a page to an address, whose module has run then. */
async function go(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.waitForFunction("'life' in globalThis");
}

for (const seed of SEEDS) {
  test(`${N_STEPS} random steps from the seed ${seed}`, async ({ ownBed, context }) => {
    const way = await LossyProxy.start(ownBed.server.url);
    const bed = { ...ownBed, way };
    const round = new Round(bed, { maxRetryMillis: 1000 });
    const schedule = new Schedule(new Random(seed), bed, round, context);
    try {
      for (let n = 0; n < N_STEPS; n++) await schedule.step();
      await schedule.mend();
      const visitor = await context.newPage();
      await visitor.goto(visitAddress(bed));
      await round.arrives(visitor);
      expect(round.ledger.nLogged).toBeGreaterThan(N_STEPS);
      note("rows", `${round.ledger.nLogged} of ${round.ledger.nLives} lives, arrived after ${round.arrivalMillis.toFixed(0)} ms`);
    } catch (error) {
      console.log(`seed ${seed}, step ${schedule.done.length}: ${schedule.done.join(", ")}`);
      throw error;
    } finally {
      way.close();
    }
  });
}
