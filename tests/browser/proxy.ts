// A way to the server that can lose answers, as a network does.

import { once } from "node:events";
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Passes requests on whole; told to, it cuts connections once the server has dealt with the request. */
export class LossyProxy {
  readonly #server: Server;
  readonly #port: number;
  #n_toLose = 0;
  /** How many answers were lost. */
  n_lost = 0;
  /** How many appends came. */
  n_appends = 0;

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
    if (isAppend) this.n_appends += 1;
    const passed = forward(target + request.url, { method: request.method, headers: request.headers }, (answer) => {
      if (!isAppend || this.#n_toLose === 0) {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
        return;
      }
      this.#n_toLose -= 1;
      this.n_lost += 1;
      // The server has committed: it answers after that. The page learns nothing of it.
      answer.resume().on("end", () => request.socket.destroy());
    });
    passed.on("error", () => request.socket.destroy());
    request.pipe(passed);
  }
}
