// A way to the server that fails as networks do: it loses answers, is slow, is away, or says that the server is.

import { once } from "node:events";
import { createServer, request as forward, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What something on the way answers in the server's place. */
export interface Unwell {
  readonly status: number;
  readonly retryAfterSeconds?: number;
}

/** Passes requests on whole; told to, it fails them. */
export class LossyProxy {
  readonly #server: Server;
  readonly #port: number;
  #n_toLose = 0;
  /** How many answers were lost. */
  n_lost = 0;
  /** What appends are answered instead of being passed on. */
  unwell: Unwell | undefined;
  /** How many appends were answered so. */
  n_unwell = 0;
  /** How long an append that came whole is held up before it is passed on, in milliseconds. */
  delayMillis = 0;
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
    server.on("request", (request, response) => proxy.#take(target, request, response));
    return proxy;
  }

  /** Loses the answers to the next so many appends. */
  loseAnswers(n: number): void {
    this.#n_toLose = n;
  }

  /** Cuts every connection and refuses new ones, until it is `up` again. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.close();
    await closed;
  }

  /** Listens again, where it did. */
  async up(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Ends it. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #take(target: string, request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    this.methods.push(request.method!);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      if (request.method !== "POST") return this.#pass(target, request, body, response);
      this.appends.push({ headers: request.headers, body });
      if (this.unwell) return this.#refuse(this.unwell, response);
      setTimeout(() => this.#pass(target, request, body, response), this.delayMillis);
    });
  }

  #refuse({ status, retryAfterSeconds }: Unwell, response: ServerResponse): void {
    this.n_unwell += 1;
    const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after" };
    const after = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
    response.writeHead(status, { "content-type": "text/plain", ...headers, ...after }).end("unwell");
  }

  #pass(target: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const passed = forward(target + request.url, { method: request.method, headers: request.headers }, (answer) => {
      if (request.method === "POST" && this.#n_toLose > 0) {
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
    passed.end(body);
  }
}
