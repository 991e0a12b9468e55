// One request and what its answer says.

import { describe } from "./errors.js";

/** A smaller body is sent as it is: compressing would gain next to nothing. */
const MIN_GZIP_UNITS = 1 << 10;

const encoder = new TextEncoder();

/** A row that the server refused. */
interface Refusal {
  readonly index: number;
  readonly code: string;
  readonly message: string;
}

/** The server's answer, as it stands in the body. */
export interface AckBody {
  readonly acked_seq: number;
  readonly n_stored: number;
  readonly n_duplicate: number;
  readonly first_offset: number | null;
  readonly refused: readonly Refusal[];
}

/** Why rows are not stored, or not yet. */
export interface Fault {
  /** 0 where there was no answer, or one that no StreamTable server gives. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Whether the code is the server's own. */
  readonly isOurs: boolean;
  /** What the server asked for; below 0 where it asked for nothing. */
  readonly retryAfterMillis: number;
}

/** Posts a body of rows. */
export async function post(url: string, body: string, timeoutMillis: number): Promise<AckBody | Fault> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: await encoded(body),
      signal: AbortSignal.timeout(timeoutMillis),
    });
    text = await response.text();
  } catch (error) {
    return lost(describe(error));
  }
  const { status } = response;
  const json = parse(text) as Partial<AckBody> & { error?: { code?: unknown; message?: unknown } };
  if ((status === 200 || status === 422) && typeof json.acked_seq === "number") {
    return { ...(json as AckBody), refused: Array.isArray(json.refused) ? json.refused : [] };
  }
  if (response.ok) return lost("the answer is not one of a StreamTable server");
  const { code, message } = json.error ?? {};
  const isOurs = typeof code === "string" && typeof message === "string";
  return {
    status,
    code: isOurs ? code : `http_${status}`,
    message: isOurs ? message : `the server answered with status ${status}`,
    isOurs,
    retryAfterMillis: retryAfterMillis(response.headers.get("retry-after")),
  };
}

function lost(message: string): Fault {
  return { status: 0, code: "network", message, isOurs: false, retryAfterMillis: -1 };
}

/**
 * The body, gzipped where that can be done. No header says so, which would need leave of the server first: it knows gzip
 * by its first bytes.
 */
async function encoded(body: string): Promise<string | ArrayBuffer> {
  if (body.length < MIN_GZIP_UNITS || typeof CompressionStream === "undefined") return body;
  const { readable, writable } = new CompressionStream("gzip");
  const writer = writable.getWriter();
  // What fails here fails what reads, too.
  writer.write(utf8(body)).catch(() => undefined);
  writer.close().catch(() => undefined);
  return new Response(readable).arrayBuffer();
}

/** As `TextEncoder.encode`, which takes twice as long for what is ASCII, as most is. */
function utf8(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  const { read, written } = encoder.encodeInto(text, bytes);
  return read === text.length ? bytes.subarray(0, written) : encoder.encode(text);
}

function parse(text: string): object {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : {};
  } catch {
    return {};
  }
}

/** `Retry-After` is a number of seconds or a date. */
function retryAfterMillis(text: string | null): number {
  if (text === null) return -1;
  const seconds = Number(text);
  return seconds >= 0 ? seconds * 1000 : Math.max(Date.parse(text) - Date.now(), -1) || -1;
}
