// A server that comes and goes, by chance that can be had again.

import { setTimeout as sleep } from "node:timers/promises";

import type { StreamTableServer } from "../browser/servers.ts";

/** How long the server is up, and how long it is down, in milliseconds: from and to. */
const UP_MILLIS = [5_000, 40_000] as const;
const DOWN_MILLIS = [1_000, 25_000] as const;
/** How often a start is tried: another program may have taken the port while the server was down. */
const MAX_STARTS = 20;

/** A time without a server. */
export interface Outage {
  /** How it was ended: asked to, or killed in whatever it was doing. */
  readonly signal: "SIGTERM" | "SIGKILL";
  /** When, in seconds since the beginning. */
  readonly atSeconds: number;
  /** How long nobody listened. */
  readonly downSeconds: number;
}

/** Stops a server and starts it again at random times, for so long; it runs when the promise settles. */
export async function disturb(server: StreamTableServer, seed: number, millis: number): Promise<Outage[]> {
  const outages: Outage[] = [];
  const random = seeded(seed);
  const within = ([from, to]: readonly [number, number]) => from + random() * (to - from);
  const began = performance.now();
  for (;;) {
    const upMillis = within(UP_MILLIS);
    const leftMillis = began + millis - performance.now();
    await sleep(Math.max(Math.min(upMillis, leftMillis), 0));
    if (upMillis >= leftMillis) return outages;
    const signal = random() < 0.5 ? "SIGTERM" : "SIGKILL";
    const stopped = performance.now();
    await server.stop(signal);
    await sleep(within(DOWN_MILLIS));
    await start(server);
    outages.push({ signal, atSeconds: seconds(stopped - began), downSeconds: seconds(performance.now() - stopped) });
  }
}

async function start(server: StreamTableServer): Promise<void> {
  for (let n_starts = 1; ; n_starts++) {
    try {
      return await server.start();
    } catch (error) {
      if (n_starts === MAX_STARTS) throw error;
      await sleep(1000);
    }
  }
}

function seconds(millis: number): number {
  return Math.round(millis / 100) / 10;
}

/** Numbers from 0 to below 1, the same for the same seed (Mulberry32, by Tommy Ettinger). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
