// Drives a machine of the WebAssembly: sends what it says when it says so, and tells it the answers.

import type { Delivery } from "#glue";

import { decodeLine } from "./decode.js";
import type { Destination } from "./destination.js";
import { describe, StreamTableError } from "./errors.js";
import { cutRows } from "./lines.js";
import type { Outbox } from "./outbox.js";
import type { AckBody, Fault } from "./post.js";
import type { Ack } from "./types.js";

/** What `Delivery.next` gives where it gives no time; the twins stand in `web/exports.rs`. */
const SEND = -2;
const FINISHED = -3;

/** What a sender tells. */
export interface SenderEvents {
  onAck(ack: Ack): void;
  /** `isNews` is false for what goes on of an outage that was told. */
  onError(error: StreamTableError, isNews: boolean): void;
  /** Something moved. */
  onChange(): void;
  /** Rows are no longer in the storage: another page has delivered them, or the user cleared them. */
  onGone(nRows: number): void;
  /** Every row was dealt with, and no more come. */
  onFinished(): void;
}

/** Sends the rows of one outbox. */
export class Sender {
  #busyThrough = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(
    readonly machine: Delivery,
    readonly outbox: Outbox,
    readonly destination: Destination,
    readonly events: SenderEvents,
  ) {
    for (const chunk of outbox.chunks) machine.push(chunk.firstSeq, chunk.nRows, chunk.nBytes);
  }

  /** Something is new: looks what there is to do, in a task of its own. */
  wake(): void {
    if (!this.#isStopped) this.#later(0);
  }

  /** The way to the server may be well again. */
  hint(): void {
    this.machine.hint();
    this.wake();
  }

  /** The number of the last row under way; 0 where none is. */
  get busyThrough(): number {
    return this.#busyThrough;
  }

  /** Does nothing more. An answer that is still to come is not heard. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #later(millis: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#step(), millis);
  }

  #step(): void {
    const now = performance.now();
    const next = this.machine.next(now);
    if (next === SEND) void this.#send(this.machine.firstSeq, this.machine.nRows);
    else if (next === FINISHED) this.events.onFinished();
    else if (next >= 0) this.#later(next - now);
  }

  async #send(firstSeq: number, nRows: number): Promise<void> {
    this.#busyThrough = firstSeq + nRows - 1;
    this.events.onChange();
    let lines = "";
    let nGone = 0;
    let reply: AckBody | Fault | undefined;
    try {
      const read = await this.outbox.read(firstSeq, nRows);
      ({ lines, nGone } = read);
      if (nGone === 0) reply = await this.destination.send(this.outbox.writer, firstSeq, read.nRows, lines);
    } catch (error) {
      reply = { status: 0, code: "storage_unavailable", message: describe(error), isOurs: true, retryAfterMillis: -1 };
    }
    this.#busyThrough = 0;
    if (this.#isStopped) return;
    if (!reply) this.#gone(firstSeq, nGone);
    else if ("acked_seq" in reply) this.#acked(reply, firstSeq, lines);
    else this.#refused(reply, firstSeq, lines);
    this.outbox.dropBefore(this.machine.keptSeq);
    this.events.onChange();
    this.#step();
  }

  #gone(firstSeq: number, nRows: number): void {
    this.machine.acked(performance.now(), firstSeq + nRows - 1, nRows, 0);
    this.events.onGone(nRows);
  }

  #acked(ack: AckBody, firstSeq: number, lines: string): void {
    const { refused } = ack;
    const makesSense = this.machine.acked(performance.now(), ack.acked_seq, refused.length, Math.random());
    if (!makesSense) {
      return this.#held({ code: "network", message: "the answer acknowledges none of the rows", status: 0 });
    }
    for (const { index, code, message } of refused) {
      const row = cutRows(lines, index, index + 1, Infinity);
      this.events.onError(new StreamTableError(code, `the server refused a row: ${message}`, rows(row, firstSeq + index)), true);
    }
    this.events.onAck({
      ackedSeq: ack.acked_seq,
      stored: ack.n_stored,
      duplicates: ack.n_duplicate,
      refused: refused.length,
      firstOffset: ack.first_offset ?? null,
    });
  }

  #refused(fault: Fault, firstSeq: number, lines: string): void {
    const { status, isOurs, retryAfterMillis } = fault;
    const isFinal = this.machine.refused(performance.now(), status, isOurs, retryAfterMillis, Math.random());
    // Without a failure the rows go again at once, fewer at a time.
    if (!isFinal) return this.machine.nFailures > 0 ? this.#held(fault) : undefined;
    const message = `the server refused ${this.machine.nRows} rows: ${fault.message}`;
    this.events.onError(new StreamTableError(fault.code, message, rows(lines, firstSeq)), true);
  }

  /** One outage is told once. */
  #held({ code, message, status }: Pick<Fault, "code" | "message" | "status">): void {
    const what = status === 0 ? "cannot be reached" : "could not answer";
    const text = `the server ${what} and is tried again: ${message}`;
    this.events.onError(new StreamTableError(code, text, { isRetried: true }), this.machine.nFailures === 1);
  }
}

function rows(lines: string, seq: number): { seq: number; rows: () => ReturnType<typeof decodeLine>[] } {
  return { seq, rows: () => lines.split("\n").filter((line) => line !== "").map(decodeLine) };
}
