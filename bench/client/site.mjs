// Serves the pages: a script each, in a cross-origin isolated page, so that its clock has a resolution of 5 us.

import { once } from "node:events";
import { createServer } from "node:http";

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const TYPES = { ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm" };

/** Serves `/NAME` for each script `/NAME.js` among the files, which are by their path. */
export async function serve(files) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    const type = TYPES[/\.\w+$/.exec(pathname)?.[0]];
    if (files.has(pathname)) {
      response.writeHead(200, { ...HEADERS, "content-type": type }).end(files.get(pathname));
    } else if (files.has(`${pathname}.js`)) {
      response.writeHead(200, { ...HEADERS, "content-type": "text/html; charset=utf-8" });
      response.end(`<!doctype html><title>Bench</title><script type="module" src="${pathname}.js"></script>`);
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = () => (server.closeAllConnections(), server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}
