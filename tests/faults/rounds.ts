// Rounds: a fault is played again and again, each time on a table of its own, and every round is judged twice: once its
// rows are there, and once more when all rounds are over, since what comes twice may come late.

import { expect, type Page, test } from "@playwright/test";

import { LossyProxy } from "../browser/proxy.ts";
import type { StreamTableServer } from "../browser/servers.ts";
import { FLAWLESS, judge, Ledger, nStored } from "./oracle.ts";

/** How often each fault is played. */
export const N_ROUNDS = Number(process.env.STREAMTABLE_FAULT_ROUNDS ?? 20);

/** How long rows that can be delivered may take, in milliseconds. */
export const PATIENCE_MILLIS = 30_000;

/** Rows to log in one task. */
export interface Load {
  readonly what: string;
  readonly nRows: number;
  readonly rowBytes: number;
}

export const TEN_ROWS: Load = { what: "ten rows", nRows: 10, rowBytes: 20 };
export const LARGE: Load = { what: "200 KB", nRows: 200, rowBytes: 1000 };

/** What a page does in its very first task. */
export interface FirstTask {
  readonly load: Load;
  /** `"leave"` goes to another page, `"close"` closes the page. */
  readonly then?: "leave" | "close";
}

/** Where rounds are played: a server, the way to it, and a site of another origin whose pages log. */
export interface Bed {
  readonly server: StreamTableServer;
  /** The way on which pages send their rows; undefined where they send them straight to the server. */
  readonly way: LossyProxy | undefined;
  /** The site's origin. */
  readonly site: string;
  /** Gives a table's name that nobody used. */
  newTable(): string;
}

/** One round: a table and what was logged to it. */
export class Round<B extends Bed = Bed> {
  readonly ledger = new Ledger();
  readonly table: string;
  /** How long the rows took to arrive from when they were waited for, in milliseconds. */
  arrivalMillis = 0;

  constructor(
    readonly bed: B,
    readonly options: object = {},
  ) {
    this.table = bed.newTable();
  }

  /** The address of a page that begins a life of this round's table. */
  lifeAddress(first?: FirstTask): string {
    const life = this.ledger.begin();
    const task = first && { rows: `${first.load.nRows}`, rowBytes: `${first.load.rowBytes}`, then: first.then ?? "" };
    if (first) this.ledger.tries(life, first.load.nRows);
    return address(this.bed, this.table, { life: `${life}`, ...task }, this.options);
  }

  /** Takes a page to a new life and waits until that has its storage and its WebAssembly, and its first row is stored. */
  async enter(page: Page): Promise<void> {
    await page.goto(this.lifeAddress());
    await this.log(page, { what: "one row", nRows: 1, rowBytes: 10 });
    await page.evaluate(() => life.st.flush());
    // A row does not wait for a storage that is slow to open, so that it is stored does not tell.
    await page.evaluate(() => life.opened());
    await page.evaluate(() => life.saved());
  }

  /** Logs in one task of a page, which does `then` in that task, too: a statement. */
  async log(page: Page, load: Load, then = "void 0"): Promise<void> {
    const number = await page.evaluate(() => life.number);
    this.ledger.tries(number, load.nRows);
    await page.evaluate(`life.log(${load.nRows}, ${load.rowBytes}); ${then}`);
    this.ledger.logged(number);
  }

  /**
   * Has a page log rows in one task some time later, in milliseconds, and tell a WebSocket's server when that task has ended: that
   * time as a double of eight bytes. Does not wait for it.
   */
  async logLater(page: Page, load: Load, later: number, listener: string): Promise<void> {
    const number = await page.evaluate(() => life.number);
    this.ledger.tries(number, load.nRows);
    await page.evaluate(
      async ({ nRows, rowBytes, later, listener }) => {
        const socket = new WebSocket(listener);
        await new Promise((resolve) => (socket.onopen = resolve));
        const ended = new MessageChannel();
        ended.port1.onmessage = () => socket.send(Float64Array.of(performance.timeOrigin + performance.now()));
        setTimeout(() => {
          life.log(nRows, rowBytes);
          ended.port2.postMessage(0);
        }, later);
      },
      { ...load, later, listener },
    );
    this.ledger.logged(number);
  }

  /** Waits until every row has arrived, judges them, and sees that `page`'s origin has nothing left over. */
  async arrives(page?: Page): Promise<void> {
    const started = performance.now();
    const { server } = this.bed;
    await expect
      .poll(() => nStored(server, this.table), { timeout: PATIENCE_MILLIS, intervals: [20, 50, 100], message: `rows of ${this.table}` })
      .toBeGreaterThanOrEqual(this.ledger.nLogged);
    this.arrivalMillis = performance.now() - started;
    await this.judge();
    if (page) await expect.poll(() => page.evaluate(() => life.nLeft()), { message: "what is left in the browser" }).toBe(0);
  }

  /** Judges the rows that are there. */
  async judge(): Promise<void> {
    expect(await judge(this.bed.server, this.table, this.ledger), this.table).toEqual(FLAWLESS);
  }
}

/** The address of a page of the site that makes a `StreamTable` and does nothing more. */
export function visitAddress(bed: Bed): string {
  return address(bed, "local/faults/visitors", { life: "0" }, {});
}

function address(bed: Bed, table: string, params: Record<string, string>, options: object): string {
  const server = bed.way?.url ?? bed.server.url;
  const query = new URLSearchParams({ table, ...params, options: JSON.stringify({ server, ...options }) });
  return `${bed.site}/faults/life.html?${query}`;
}

/** How rounds are played. */
export interface Play {
  /** How many at a time. Default: 1. */
  readonly nAtOnce?: number;
  /** Whether each round has a way of its own, which others do not take down. Default: no. */
  readonly hasOwnWay?: boolean;
  /** Whether each round has an origin of its own, whose storage no other page sees. Default: no. */
  readonly hasOwnOrigin?: boolean;
  /** What the tables are made with. */
  readonly options?: object;
}

/** Plays all rounds. */
export async function playRounds<B extends Bed>(bed: B, play: (round: Round<B>, idx: number) => Promise<void>, how: Play = {}): Promise<void> {
  const { nAtOnce = 1, hasOwnWay = false, hasOwnOrigin = false, options = {} } = how;
  const played: Round[] = [];
  let n_begun = 0;
  const player = async () => {
    while (n_begun < N_ROUNDS) {
      const idx = n_begun++;
      const way = hasOwnWay ? await LossyProxy.start(bed.server.url) : bed.way;
      // Names below `localhost` are this machine's in a browser.
      const site = hasOwnOrigin ? bed.site.replace("127.0.0.1", `${newOrigin()}.localhost`) : bed.site;
      const round = new Round({ ...bed, way, site }, options);
      await test.step(`round ${idx + 1}`, () => play(round, idx));
      if (hasOwnWay) way?.close();
      played.push(round);
    }
  };
  await Promise.all(Array.from({ length: nAtOnce }, player));
  for (const round of played) await round.judge();
  const slowest = Math.max(...played.map(({ arrivalMillis }) => arrivalMillis));
  note("slowest arrival", `${slowest.toFixed(0)} ms`);
}

let n_origins = 0;

function newOrigin(): string {
  n_origins += 1;
  return `o${n_origins}`;
}

/** Says something of a test that passed, too: it stands in the report, and on the terminal. */
export function note(what: string, figure: string): void {
  test.info().annotations.push({ type: what, description: figure });
  console.log(`      ${what}: ${figure} (${test.info().title})`);
}

/** Settles after a while. */
export function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
