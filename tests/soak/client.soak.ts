// A page logs for long to a server that comes and goes. In the end every row is there once, and neither the page nor its
// storage holds more than in the beginning. `cargo xtask soak client` runs it.

import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "../browser/fixtures.ts";
import { disturb } from "./outages.ts";
import { instrument, logRows } from "./page.ts";
import { HEAD, sample, type Sample, shown } from "./samples.ts";
import { Unwatched, type UnwatchedPage } from "./unwatched.ts";
import { beginning, countRows, faultsOf } from "./verdict.ts";

const MINUTES = Number(process.env.STREAMTABLE_SOAK_MINUTES ?? 30);
const SEED = Number(process.env.STREAMTABLE_SOAK_SEED ?? 1);
const JSON_FILE = process.env.STREAMTABLE_SOAK_JSON;

const TABLE = "local/soak/client";
const ROWS_PER_SECOND = 20;
const SAMPLE_MILLIS = 10_000;
/** What counts as the beginning. */
const BEGINNING_SECONDS = 60;
/** How long the page may take for what waits once the server stays: twice its longest wait between two tries. */
const DELIVERY_MILLIS = 60_000;
/** How long it has nothing to do before the last sample. */
const SETTLE_MILLIS = 10_000;
/** What a browser says of a server that is not there, or goes in the middle of a request. */
const NO_SERVER = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|CONNECTION_CLOSED|EMPTY_RESPONSE)$/;

test(`${MINUTES} minutes of rows while the server comes and goes`, async ({ browser, own, pages }) => {
  const logging = { table: TABLE, server: own.url, rowsPerSecond: ROWS_PER_SECOND, rowsPerPicture: 30 * ROWS_PER_SECOND, rowsPerNested: 4 };
  const unwatched = await Unwatched.in(browser);
  const page = await unwatched.open(pages.url, instrument);
  const other = await unwatched.open(pages.url);
  const scale = new Scale(page, other);

  await page.run(logRows, logging);
  const [outages] = await Promise.all([disturb(own, SEED, MINUTES * 60_000).finally(() => scale.stop()), scale.run()]);
  await page.run(() => soak.stop());
  const flushed = page.run(() => soak.table.flush()).then(() => true);
  const isDelivered = await Promise.race([flushed, sleep(DELIVERY_MILLIS, false)]);
  await sleep(SETTLE_MILLIS);
  const end = await scale.take();

  const begin = beginning(scale.samples.filter(({ seconds }) => seconds <= BEGINNING_SECONDS));
  const rows = countRows(await own.rows(TABLE, { system: "true" }), end.nLogged, logging);
  const told = await page.run(() => soak.errors);
  const [refused, errors] = [page.errors.filter((text) => NO_SERVER.test(text)), page.errors.filter((text) => !NO_SERVER.test(text))];
  const faults = [
    ...(isDelivered ? [] : [`the rows were not delivered within ${DELIVERY_MILLIS / 1000} s`]),
    ...faultsOf(begin, end, rows),
    ...told.filter(({ isRetried }) => !isRetried).map(({ code }) => `the package told ${code}`),
    ...[...errors, ...other.errors].map((text) => `on the console: ${text}`),
  ];
  const downSeconds = Math.round(outages.reduce((n, outage) => n + outage.downSeconds, 0));
  const found = { minutes: MINUTES, seed: SEED, begin, end, rows, nOutages: outages.length, downSeconds, nOutagesTold: told.length, nRequestsRefused: refused.length, faults };
  console.log(found);
  if (JSON_FILE) writeFileSync(JSON_FILE, `${JSON.stringify({ ...found, outages, samples: scale.samples }, null, 2)}\n`);
  expect(faults).toEqual([]);
});

/** Takes samples, now and again, and prints them. */
class Scale {
  readonly samples: Sample[] = [];
  readonly #began = performance.now();
  #isStopped = false;

  constructor(
    readonly page: UnwatchedPage,
    readonly other: UnwatchedPage,
  ) {}

  async take(): Promise<Sample> {
    const taken = await sample(this.page, this.other, this.#began);
    if (this.samples.length === 0) console.log(HEAD);
    this.samples.push(taken);
    console.log(shown(taken));
    return taken;
  }

  async run(): Promise<void> {
    for (; !this.#isStopped; await sleep(SAMPLE_MILLIS)) await this.take();
  }

  stop(): void {
    this.#isStopped = true;
  }
}
