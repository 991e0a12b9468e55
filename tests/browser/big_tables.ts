// Tables of millions of rows or of hundreds of columns, made through the server's own API, and what it costs to scroll them.

import type { Page } from "@playwright/test";
import type { StreamTableServer } from "./servers.ts";

/** Appends rows as JSON lines, of which `line(n)` is the n-th, so many a request. */
export async function fill(
  server: StreamTableServer,
  table: string,
  n_rows: number,
  line: (n: number) => string,
  rows_per_request = 50_000,
): Promise<void> {
  let sent: Promise<void> = Promise.resolve();
  for (let from = 0; from < n_rows; from += rows_per_request) {
    let body = "";
    for (let n = from; n < Math.min(from + rows_per_request, n_rows); n += 1) body += `${line(n)}\n`;
    // The next body is made while the server takes this one; rows stay in order.
    await sent;
    sent = send(server, table, body);
  }
  await sent;
}

async function send(server: StreamTableServer, table: string, body: string): Promise<void> {
  const headers = { "content-type": "application/x-ndjson" };
  const response = await fetch(`${server.url}/api/v1/tables/${table}/rows`, { method: "POST", headers, body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
}

/** How long frames took, in milliseconds. */
export type Frames = { median: number; worst: number };

/** Scrolls the grid at every frame by so many pixels, and tells how far apart the frames were. */
export async function scrollFrames(page: Page, by: { down?: number; right?: number }, n_frames = 180): Promise<Frames> {
  return page.getByTestId("grid").evaluate(
    async (grid, { down, right, n_frames }) => {
      const frame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
      const millis: number[] = [];
      let last = await frame();
      for (let n = 0; n < n_frames; n += 1) {
        grid.scrollTop += down;
        grid.scrollLeft += right;
        const now = await frame();
        millis.push(now - last);
        last = now;
      }
      millis.sort((a, b) => a - b);
      const rounded = (value: number) => Math.round(value * 10) / 10;
      return { median: rounded(millis[millis.length >> 1]!), worst: rounded(millis.at(-1)!) };
    },
    { down: by.down ?? 0, right: by.right ?? 0, n_frames },
  );
}
