// Where the rows of a table go and come from: a server, or this browser.

import { BrowserTable } from "./browser_table.js";
import type { Target } from "./chunk.js";
import type { Core } from "./core.js";
import { describe, StreamTableError } from "./errors.js";
import { follow } from "./follow.js";
import { guard } from "./guard.js";
import { type AckBody, type Fault, post } from "./post.js";
import { readRows } from "./read.js";
import type { RowsOptions, StoredRow, SubscribeOptions } from "./types.js";

/** Tells of trouble; `isNews` is false for what goes on of one that was told. */
export type OnError = (error: StreamTableError, isNews: boolean) => void;

/** A table, wherever it is. */
export interface Destination {
  /** Stores rows of a writer that follow each other; those that are known are not stored again. */
  send(writer: string, firstSeq: number, nRows: number, lines: string): Promise<AckBody | Fault>;
  rows(options: RowsOptions): AsyncGenerator<StoredRow, void, undefined>;
  /** `starting` gives the machines of the WebAssembly, where they are needed. */
  subscribe(f: (row: StoredRow, offset: number) => void, options: SubscribeOptions, starting: () => Promise<Core>, onError: OnError): () => void;
}

/** The table that a target names. */
export function destinationOf(target: Target, timeoutMillis = 30_000): Destination {
  return target.server === null ? inBrowser(target) : onServer(target as ServerTarget, timeoutMillis);
}

/** A table of a server. */
export type ServerTarget = Target & { readonly server: string };

/** Where a table's rows are. */
export function rowsUrl({ server, table }: ServerTarget): string {
  return `${server}/api/v1/tables/${table}/rows`;
}

/** The first line of a request for rows from `seq` on; `wire::append` tells what it says. */
export function header(writer: string, seq: number, { key }: Target): string {
  return `${JSON.stringify({ v: 1, writer, seq, key })}\n`;
}

function onServer(target: ServerTarget, timeoutMillis: number): Destination {
  return {
    send: (writer, firstSeq, _, lines) => post(rowsUrl(target), header(writer, firstSeq, target) + lines, timeoutMillis),
    rows: (options) => readRows(rowsUrl(target), target.key, options),
    subscribe: (f, options, starting, onError) => follow(starting(), target, f, options, onError),
  };
}

function inBrowser({ table }: Target): Destination {
  const own = new BrowserTable(table);
  return {
    async send(writer, firstSeq, nRows, lines) {
      try {
        const { firstOffset, nStored } = await own.append(lines, nRows, writer, firstSeq);
        const acked_seq = firstSeq + nRows - 1;
        return { acked_seq, n_stored: nStored, n_duplicate: nRows - nStored, first_offset: firstOffset, refused: [] };
      } catch (error) {
        const code = error instanceof StreamTableError ? error.code : "internal";
        // As a server would say it: what the rows are at fault for is final, the rest passes.
        const status = code === "too_many_columns" ? 422 : 503;
        return { status, code, message: describe(error), isOurs: true, retryAfterMillis: -1 };
      }
    },
    rows: (options) => own.rows(options),
    subscribe(f, options, _, onError) {
      let isLost = false;
      const onLost = (reason: string) => {
        const text = `following ${table} was interrupted: ${reason}`;
        onError(new StreamTableError("tail_lost", text, { isRetried: true }), !isLost);
        isLost = true;
      };
      const onLive = (nextOffset: number) => {
        isLost = false;
        guard(() => options.onLive?.(nextOffset));
      };
      return own.subscribe((row, offset) => guard(() => f(row, offset)), { ...options, onLive, onLost });
    },
  };
}
