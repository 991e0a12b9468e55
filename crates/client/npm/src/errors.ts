// The one error type of the package.

/** What went wrong, with a `code` that stays the same from version to version. */
export class StreamTableError extends Error {
  override readonly name = "StreamTableError";
  /** Such as `"name_empty_part"`, `"bad_value"`, `"finished"`, `"network"`. */
  readonly code: string;
  /** Where in the row the fault is, such as `"a.b[3]"`; of a row that was rejected in the page. */
  readonly path: string | undefined;
  /** Whether the rows concerned are still on their way. */
  readonly isRetried: boolean;

  constructor(code: string, message: string, more: { path?: string; isRetried?: boolean; cause?: unknown } = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.path = more.path;
    this.isRetried = more.isRetried ?? false;
  }
}

/** What a thrown value says of itself, whatever it is. */
export function describe(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return "an unknown error";
  }
}
