// The built board and demo as any host of files serves them: no server of ours answers, whatever is asked.

import { once } from "node:events";
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { BOARD, needs } from "./servers.ts";

const TYPES: Record<string, string> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** Serves the built board; where no file is, with its `404.html`. */
export async function serveStatic(): Promise<{ url: string; close: () => void }> {
  needs(BOARD);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://host");
    const asked = path.join(BOARD, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    const isThere = existsSync(asked) && statSync(asked).isFile();
    const file = isThere ? asked : path.join(BOARD, "404.html");
    response.writeHead(isThere ? 200 : 404, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.closeAllConnections() ?? server.close() };
}
