// Where the libraries send their rows: an HTTP endpoint on loopback that counts what comes, and can be taken down.

import { once } from "node:events";
import { Agent, createServer, request as forward } from "node:http";
import { gunzipSync } from "node:zlib";

/** Answers a request whose body has come: gives what to send back. */
/** @typedef {(request: import("node:http").IncomingMessage, body: Buffer) => Promise<{ status: number, headers: object, body: Buffer | string }>} Answer */

export class Endpoint {
  #server;
  #port = 0;
  #sockets = new Set();
  #nClosedBytes = 0;
  #nBytesBefore = 0;
  #nRequests = 0;
  #nPreflights = 0;
  #nBodyBytes = 0;
  #nOpen = 0;
  #lastAt = performance.now();

  /** @param {Answer} answer */
  constructor(answer) {
    this.#server = createServer((request, response) => void this.#take(answer, request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.#nClosedBytes += socket.bytesRead;
      });
    });
  }

  /** Where it listens. */
  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** How long nothing has come and nothing was under way. */
  get quietMillis() {
    return this.#nOpen > 0 ? 0 : performance.now() - this.#lastAt;
  }

  /** What came since `reset`: `nWireBytes` with the requests' headers, `nBodyBytes` without, both as they were sent. */
  get counts() {
    return {
      nRequests: this.#nRequests,
      nPreflights: this.#nPreflights,
      nBodyBytes: this.#nBodyBytes,
      nWireBytes: this.#nReadBytes - this.#nBytesBefore,
    };
  }

  reset() {
    this.#nRequests = 0;
    this.#nPreflights = 0;
    this.#nBodyBytes = 0;
    this.#nBytesBefore = this.#nReadBytes;
    this.#lastAt = performance.now();
  }

  /** Listens, on the port it had before if it did before. */
  async up() {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = this.#server.address().port;
  }

  /** Refuses connections, and cuts those that stand. */
  async down() {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  get #nReadBytes() {
    let nBytes = this.#nClosedBytes;
    for (const socket of this.#sockets) nBytes += socket.bytesRead;
    return nBytes;
  }

  async #take(answer, request, response) {
    this.#nOpen += 1;
    this.#lastAt = performance.now();
    response.on("close", () => {
      this.#nOpen -= 1;
      this.#lastAt = performance.now();
    });
    try {
      const body = Buffer.concat(await request.toArray());
      if (request.method === "OPTIONS") {
        this.#nPreflights += 1;
      } else {
        this.#nRequests += 1;
        this.#nBodyBytes += body.length;
      }
      const { status, headers, body: text } = await answer(request, body);
      response.writeHead(status, headers).end(text);
    } catch (error) {
      if (this.#server.listening) console.error(`${request.method} ${request.url}: ${error}`);
      request.socket.destroy();
    }
  }
}

/** Answers as a peer's service does, and tells `onSteps` which rows came. */
export function answerAs(protocol, onSteps) {
  return async (request, body) => {
    const headers = allowing(request);
    if (request.method === "OPTIONS") return { status: 204, headers: { ...headers, "access-control-max-age": "600" }, body: "" };
    const isGzip = body[0] === 0x1f && body[1] === 0x8b;
    const steps = body.length === 0 ? [] : protocol.steps(request.url, (isGzip ? gunzipSync(body) : body).toString());
    onSteps(steps);
    return { status: 200, headers: { ...headers, "content-type": protocol.contentType }, body: protocol.answer(steps.length, body.length) };
  };
}

/** Passes requests on to the server at `origin`, and its answers back. */
export function answerFrom(origin) {
  const agent = new Agent({ keepAlive: true });
  return async (request, body) => {
    const passed = forward(origin + request.url, { method: request.method, headers: request.headers, agent });
    passed.end(body);
    const [answer] = await once(passed, "response");
    return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(await answer.toArray()) };
  };
}

/** What lets a page of another origin send anything, and its cross-origin isolated page read the answer. */
function allowing(request) {
  return {
    "access-control-allow-origin": request.headers.origin ?? "*",
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "cross-origin-resource-policy": "cross-origin",
    vary: "origin",
  };
}
