// Rows that arrive at a rate, through the server's API, and when each of some was acknowledged.

import { setTimeout as sleep } from "node:timers/promises";

import { ABOVE_ALL, append, line, lines } from "./rows.mjs";

const REQUESTS_PER_SECOND = 10;
/** The last row of every so manieth request stands above all others of the sorted view. */
const REQUESTS_PER_PROBE = 5;

export class Feed {
  /** Rows that were acknowledged, those included that were there before. */
  nAcked;
  /** By row: when it was acknowledged, in milliseconds of the machine's clock. */
  acked = new Map();
  #isStopped = false;
  #ended;

  /** Begins to append rows from row `first` on, so many a second. */
  constructor(serverUrl, table, first, rowsPerSecond) {
    this.nAcked = first;
    this.#ended = this.#run(serverUrl, table, Math.max(1, Math.round(rowsPerSecond / REQUESTS_PER_SECOND)));
    // Whoever stops the feed is told what ended it.
    this.#ended.catch(() => {});
  }

  /** Stops, and settles when nothing is on its way. */
  async stop() {
    this.#isStopped = true;
    await this.#ended;
  }

  async #run(serverUrl, table, nRows) {
    const began = performance.now();
    for (let request = 0; !this.#isStopped; request += 1) {
      const first = this.nAcked;
      const last = first + nRows - 1;
      const isProbe = request % REQUESTS_PER_PROBE === REQUESTS_PER_PROBE - 1;
      const body = isProbe ? lines(first, nRows - 1) + line(last, ABOVE_ALL + last / 2 ** 32) : lines(first, nRows);
      // A request that took long is followed at once by those that it held up.
      await sleep(began + (request * 1000) / REQUESTS_PER_SECOND - performance.now());
      await append(serverUrl, table, body);
      if (isProbe) this.acked.set(last, performance.timeOrigin + performance.now());
      this.nAcked += nRows;
    }
  }
}
