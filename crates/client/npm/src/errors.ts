// The one error type of the package.

import type { StoredRow } from "./types.js";

/** What went wrong, with a `code` that stays the same from version to version. */
export class StreamTableError extends Error {
  override readonly name = "StreamTableError";
  /** Such as `"name_empty_part"`, `"bad_value"`, `"finished"`, `"network"`. */
  readonly code: string;
  /** Where in the row the fault is, such as `"a.b[3]"`; of a row that was rejected in the page. */
  readonly path: string | undefined;
  /** Whether the rows concerned are still on their way. */
  readonly isRetried: boolean;
  /** This writer's number of the first of `rows`. */
  readonly seq: number | undefined;
  readonly #rows: (() => StoredRow[]) | undefined;

  constructor(code: string, message: string, more: ErrorDetails = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.path = more.path;
    this.isRetried = more.isRetried ?? false;
    this.seq = more.seq;
    this.#rows = more.rows;
  }

  /** The rows that the server refused, set aside for whoever wants to keep them; empty of any other error. */
  get rows(): StoredRow[] {
    return this.#rows?.() ?? [];
  }
}

/** What an error may tell beside its code and its sentence. */
interface ErrorDetails {
  path?: string;
  isRetried?: boolean;
  cause?: unknown;
  seq?: number;
  rows?: () => StoredRow[];
}

/** What a thrown value says of itself, whatever it is. */
export function describe(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return "an unknown error";
  }
}
