// Whole browsers that are killed soon after a page logged. How soon is watched by the clock, so this runs by itself.

import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "@playwright/test";

import { ProfiledBrowser } from "./chromium.ts";
import { newProfile, removeProfile, test } from "./fixtures.ts";
import { LARGE, type Load, note, playRounds, TEN_ROWS, visitAddress } from "./rounds.ts";

/** When the browser is killed: so many milliseconds after the task that logs has ended, or once no row is in the page's memory alone. */
const KILLS: [load: Load, after: number | "saved"][] = [
  [TEN_ROWS, 5],
  [LARGE, 50],
  [LARGE, "saved"],
];

/**
 * How long a page is open before it logs, in milliseconds. Chromium is at work for half a second after its first start, and a
 * transaction takes up to 35 ms then.
 */
const STARTED_MILLIS = 1500;

for (const [load, after] of KILLS) {
  const when = after === "saved" ? "once the status says that they are saved" : `${after} ms after the task that logs them`;

  test(`${load.what}, the browser is killed ${when}`, async ({ bed }) => {
    const profile = newProfile();
    const delays: number[] = [];
    const ends = await TaskEnds.listen();
    let browser = await ProfiledBrowser.launch(profile);
    try {
      await playRounds(bed, async (round) => {
        const page = await browser.context.newPage();
        await round.enter(page);
        if (after === "saved") {
          await round.log(page, load);
          await page.evaluate(() => life.saved());
        } else {
          await round.logLater(page, load, STARTED_MILLIS, ends.url);
          const ended = await ends.next();
          sleepUntil(ended + after);
          delays.push(now() - ended);
        }
        await browser.kill();

        browser = await ProfiledBrowser.launch(profile);
        const visitor = await browser.context.newPage();
        await visitor.goto(visitAddress(bed));
        await round.arrives(visitor);
        await visitor.close();
      });
    } finally {
      await browser.kill();
      ends.close();
      removeProfile(profile);
    }
    if (after === "saved") return;
    delays.sort((a, b) => a - b);
    note("killed after", `${delays.map((delay) => delay.toFixed(1)).join(", ")} ms`);
    expect(delays[delays.length >> 1], "half of the kills are about in time").toBeLessThan(after + 3);
  });
}

/**
 * Hears from pages when a task of theirs ended, over a WebSocket that was open before: the browser's own process, which is busy
 * with what was logged, has no part in it, and nothing is to be connected.
 */
class TaskEnds {
  #hear: (time: number) => void = () => undefined;

  private constructor(readonly server: Server) {
    server.on("upgrade", (request, socket) => {
      const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.on("error", () => undefined);
      // The one frame that a page sends: two bytes of header, four of the mask, and eight of a double.
      socket.on("data", (frame: Buffer) => {
        const time = Buffer.from(frame.subarray(6, 14).map((byte, i) => byte ^ frame[2 + (i & 3)]!));
        if (frame.length === 14) this.#hear(time.readDoubleLE());
      });
    });
  }

  static async listen(): Promise<TaskEnds> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new TaskEnds(server);
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next task's end on the clock that pages share, in milliseconds since 1970. */
  next(): Promise<number> {
    return new Promise((resolve) => (this.#hear = resolve));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** The time on the clock that pages share, in milliseconds since 1970. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Waits without a word to the browser and without taking a core from it, as a test that asks and spins would. */
function sleepUntil(time: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(time - now(), 0));
}
