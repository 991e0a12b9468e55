// What a library is measured against: the endpoint that it sends to, and which of its rows arrived.

import { randomUUID } from "node:crypto";

import { answerAs, answerFrom, Endpoint } from "./endpoint.mjs";
import { protocols } from "./protocols.mjs";

/** How often it is asked whether everything came. */
const POLL_MILLIS = 100;
/** A library that sent nothing for so long has given up what did not come: all of them flush within 5 s. */
const GIVEN_UP_MILLIS = 12_000;
/** How long rows that all came may still be on their way a second time. */
const SETTLED_MILLIS = 1_000;
const PATIENCE_MILLIS = 180_000;

/** A fresh endpoint for a library, its rows counted by their step. */
export class Target {
  /** The table that StreamTable logs to. */
  table = `bench/client/${randomUUID()}`;
  endpoint;
  #serverUrl;
  /** How often each step came to a peer's endpoint. */
  #came = new Map();

  /** @param {import("./libraries.mjs").Library} library */
  static async open(library, serverUrl) {
    const target = new Target(library, serverUrl);
    await target.endpoint.up();
    return target;
  }

  constructor(library, serverUrl) {
    const isOurs = library.protocol === "streamtable";
    this.#serverUrl = isOurs ? serverUrl : null;
    const count = (steps) => {
      for (const step of steps) this.#came.set(step, (this.#came.get(step) ?? 0) + 1);
    };
    this.endpoint = new Endpoint(isOurs ? answerFrom(serverUrl) : answerAs(protocols[library.protocol], count));
  }

  /** How many different rows arrived with a step below `before`, and how many of these more than once. */
  async arrived(before = Infinity) {
    const came = this.#serverUrl === null ? this.#came : await this.#stored();
    const times = [...came].filter(([step]) => step < before).map(([, nTimes]) => nTimes);
    return { nRows: times.length, nDoubled: times.filter((nTimes) => nTimes > 1).length };
  }

  /** Waits until `nRows` rows have arrived and no more comes, or the library gave them up, or `isOver` says so. */
  async settle(nRows, isOver = () => false) {
    const until = performance.now() + PATIENCE_MILLIS;
    while (performance.now() < until && !isOver()) {
      const quietMillis = this.endpoint.quietMillis;
      if (quietMillis > GIVEN_UP_MILLIS) return;
      if (quietMillis > SETTLED_MILLIS && (await this.arrived()).nRows >= nRows) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
  }

  async close() {
    await this.endpoint.down();
  }

  /** How often the real server has each step of the table. */
  async #stored() {
    const response = await fetch(`${this.#serverUrl}/api/v1/tables/${this.table}/rows?format=json&columns=step`);
    if (response.status === 404) return new Map();
    if (!response.ok) throw new Error(`the server does not give the rows back: ${await response.text()}`);
    const came = new Map();
    for (const { step } of await response.json()) came.set(step, (came.get(step) ?? 0) + 1);
    return came;
  }
}
