// Follows a table of a server over a WebSocket: stored rows first where they are asked for, then new ones, each once and
// in order, a lost connection being taken up again where it ended.

import type { Following } from "#glue";

import type { Core } from "./core.js";
import { decodeRow } from "./decode.js";
import { describe, StreamTableError } from "./errors.js";
import { guard } from "./guard.js";
import type { ServerTarget } from "./destination.js";
import type { StoredRow, SubscribeOptions } from "./types.js";

/** What `Following.skip` gives where it gives no count; the twins stand in `web/exports.rs`. */
const ALL = -1;
const GAP = -2;

type Message =
  | { type: "hello"; first_offset?: number; next_offset: number; created_micros?: number | null }
  | { type: "rows"; first_offset: number; rows: Record<string, unknown>[] }
  | { type: "dropped"; first_offset: number }
  | { type: "error"; error: { message: string } };

/** Calls `f` with each row until the function it returns is called. */
export function follow(
  starting: Promise<Core>,
  target: ServerTarget,
  f: (row: StoredRow, offset: number) => void,
  options: SubscribeOptions,
  onError: (error: StreamTableError, isNews: boolean) => void,
): () => void {
  let end = () => {};
  let isOver = false;
  if (typeof WebSocket === "undefined") {
    onError(new StreamTableError("no_websocket", "this platform has no WebSocket to follow a table with"), true);
    return end;
  }
  starting.then(
    (core) => {
      if (!isOver) end = start(new core.Following(options.from ?? -1), target, f, options, onError);
    },
    // That it cannot start is told where it is started.
    () => undefined,
  );
  return () => {
    isOver = true;
    end();
    end = () => {};
  };
}

function start(
  following: Following,
  { server, table, key }: ServerTarget,
  f: (row: StoredRow, offset: number) => void,
  options: SubscribeOptions,
  onError: (error: StreamTableError, isNews: boolean) => void,
): () => void {
  const url = `${server.replace(/^http/, "ws")}/api/v1/tail/${table}?format=json`;
  // A page's WebSocket sends no headers, and an address stands in logs.
  const protocols = key === undefined ? [] : ["streamtable", `streamtable.key.${key}`];
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLost = false;
  let isOver = false;

  const close = () => {
    const old = socket;
    socket = undefined;
    old?.close();
  };
  const lose = (reason: string) => {
    close();
    timer = setTimeout(connect, following.lost(Math.random()));
    if (isLost) return;
    isLost = true;
    const text = `following ${table} was interrupted: ${reason}`;
    onError(new StreamTableError("tail_lost", text, { isRetried: true }), true);
  };
  const take = (message: Message) => {
    if (message.type === "hello") {
      isLost = false;
      const isAnew = following.hello(message.first_offset ?? 0, message.next_offset, message.created_micros ?? -1);
      guard(() => options.onLive?.(message.next_offset));
      // The server must know from where, too.
      if (isAnew && !isOver) {
        close();
        connect();
      }
    } else if (message.type === "rows") {
      const { first_offset, rows } = message;
      const nSkip = following.skip(first_offset, rows.length);
      if (nSkip === GAP) lose(`rows from offset ${following.from} are missing`);
      for (let idx = nSkip; idx < rows.length && nSkip !== ALL && nSkip !== GAP && !isOver; idx++) {
        guard(() => f(decodeRow(rows[idx]!), first_offset + idx));
      }
    } else if (message.type === "error") {
      lose(message.error.message);
    }
  };
  const connect = () => {
    const { from } = following;
    let own: WebSocket;
    try {
      own = socket = new WebSocket(from < 0 ? url : `${url}&from=${from}`, protocols);
    } catch (error) {
      return lose(describe(error));
    }
    own.onmessage = ({ data }) => {
      if (own !== socket) return;
      try {
        take(read(data));
      } catch {
        lose("the server sent a message that is not known");
      }
    };
    own.onclose = ({ code, reason }) => {
      if (own !== socket) return;
      const text = code === 1006 ? "the server cannot be reached" : `the server closed the connection (${code})`;
      lose(reason || text);
    };
  };
  connect();
  return () => {
    isOver = true;
    clearTimeout(timer);
    close();
    following.free();
  };
}

/** The message that a server sent; throws where it is none. */
function read(data: unknown): Message {
  const message = JSON.parse(data as string) as Message;
  const isWhole = {
    hello: (message: { next_offset?: unknown }) => (message.next_offset as number) >= 0,
    rows: (message: { first_offset?: unknown; rows?: unknown }) => (message.first_offset as number) >= 0 && Array.isArray(message.rows),
    // What came stays with whoever has it.
    dropped: () => true,
    error: (message: { error?: { message?: unknown } }) => typeof message.error?.message === "string",
  }[message.type];
  if (!isWhole?.(message as never)) throw new Error("it is not known");
  return message;
}
