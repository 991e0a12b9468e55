// A way to the server that can lose answers, as a network does.

import { once } from "node:events";
import { createServer, request as forward, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Passes requests on whole; told to, it cuts connections once the server has dealt with the request. */
export class LossyProxy {
  readonly #server: Server;
  readonly #port: number;
  #n_toLose = 0;
  /** How many answers were lost. */
  n_lost = 0;
  /** The appends that came: their bodies and how these were announced. */
  readonly appends: { headers: IncomingHttpHeaders; body: Buffer }[] = [];
  /** The methods of all requests. */
  readonly methods: string[] = [];
  /** How many bytes each answer to a read had on its way. */
  readonly readBytes: number[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts one in front of the server at `target`. */
  static async start(target: string): Promise<LossyProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new LossyProxy(server, (server.address() as AddressInfo).port);
    server.on("request", (request, response) => proxy.#pass(target, request, response));
    return proxy;
  }

  /** Loses the answers to the next so many appends. */
  loseAnswers(n: number): void {
    this.#n_toLose = n;
  }

  /** Ends it. */
  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #pass(target: string, request: IncomingMessage, response: ServerResponse): void {
    const isAppend = request.method === "POST";
    this.methods.push(request.method!);
    const passed = forward(target + request.url, { method: request.method, headers: request.headers }, (answer) => {
      if (isAppend && this.#n_toLose > 0) {
        this.#n_toLose -= 1;
        this.n_lost += 1;
        // The server has committed: it answers after that. The page learns nothing of it.
        answer.resume().on("end", () => request.socket.destroy());
        return;
      }
      let n_bytes = 0;
      answer.on("data", (chunk: Buffer) => (n_bytes += chunk.length));
      if (request.method === "GET") answer.on("end", () => this.readBytes.push(n_bytes));
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    passed.on("error", () => request.socket.destroy());
    const body: Buffer[] = [];
    request.on("data", (chunk: Buffer) => body.push(chunk));
    if (isAppend) request.on("end", () => this.appends.push({ headers: request.headers, body: Buffer.concat(body) }));
    request.pipe(passed);
  }
}
