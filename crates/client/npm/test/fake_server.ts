// Stands in for the network: answers `fetch` as a server would, or as a test says.

import { gunzipSync } from "node:zlib";

/** A request that was made. */
export interface Request {
  readonly url: string;
  readonly init: RequestInit;
  /** The header line, read. */
  readonly header: { v: number; writer: string; seq: number; key?: string };
  /** The rows, a line each. */
  readonly lines: string[];
  readonly isGzipped: boolean;
  /** When it came, by `performance.now()`. */
  readonly at: number;
}

/** The requests so far. */
export const requests: Request[] = [];
let answer: (request: Request) => Response | Promise<Response> = ack;

/** Forgets all requests, and answers as a server does. */
export function reset(): void {
  requests.length = 0;
  answer = ack;
}

/** Answers the requests to come so. */
export function answerWith(f: typeof answer): void {
  answer = f;
}

/** The answer of a server that stores every row. */
export function ack({ header, lines }: Request, more: object = {}): Response {
  const ack = { acked_seq: header.seq + lines.length - 1, n_stored: lines.length, n_duplicate: 0, first_offset: 0, ...more };
  return Response.json(ack);
}

/** Every row that came, without its timestamp. */
export function rows(): string[] {
  return requests.flatMap(({ lines }) => lines.map((line) => line.replace(/,?"timestamp":\{"\$ts":\d+\}/, "")));
}

globalThis.fetch = async (input, init = {}) => {
  const body = init.body as string | ArrayBuffer;
  const isGzipped = typeof body !== "string";
  const text = isGzipped ? gunzipSync(Buffer.from(body)).toString() : body;
  const [header, ...lines] = text.trimEnd().split("\n");
  const request = { url: String(input), init, header: JSON.parse(header!), lines, isGzipped, at: performance.now() };
  requests.push(request);
  return answer(request);
};
