// Rows back from the server.

import { decodeLine } from "./decode.js";
import { describe, StreamTableError } from "./errors.js";
import type { RowsOptions, StoredRow } from "./types.js";

/** Reads rows one by one; leaving the loop early ends the request. */
export async function* readRows(url: string, key: string | undefined, options: RowsOptions): AsyncGenerator<StoredRow, void, undefined> {
  const query = new URLSearchParams({ format: "ndjson" });
  if (options.from !== undefined) query.set("from", String(options.from));
  if (options.limit !== undefined) query.set("limit", String(options.limit));
  if (options.filter !== undefined) query.set("filter", options.filter);
  if (options.columns !== undefined) query.set("columns", options.columns.join(","));
  if (options.system) query.set("system", "true");
  try {
    const headers: HeadersInit = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch(`${url}?${query}`, { headers });
    if (!response.ok) throw await refusal(response);
    for await (const line of linesOf(response)) if (line !== "") yield decodeLine(line);
  } catch (error) {
    if (error instanceof StreamTableError) throw error;
    throw new StreamTableError("network", `reading failed: ${describe(error)}`, { cause: error });
  }
}

async function* linesOf(response: Response): AsyncGenerator<string, void, undefined> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (let done = false; !done; ) {
      const chunk = await reader.read();
      done = chunk.done;
      const lines = (rest + decoder.decode(chunk.value, { stream: !done })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
    yield rest;
  } finally {
    // Ends the request where the loop was left early. What ended or broke by itself has nothing left to cancel.
    reader.cancel().catch(() => undefined);
  }
}

async function refusal(response: Response): Promise<StreamTableError> {
  const fallback = `http_${response.status}`;
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string } };
    return new StreamTableError(error.code, error.message);
  } catch {
    return new StreamTableError(fallback, `the server answered with status ${response.status}`);
  }
}
