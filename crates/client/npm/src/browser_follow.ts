// Follows a table of this browser: the rows there are, then those that any tab adds.

import { onTableChanged } from "./browser_news.js";
import { type Chunk, lookAt } from "./browser_store.js";
import { onDbClosed } from "./db.js";
import { describe } from "./errors.js";

/** How often a table is looked at though nothing was heard, in milliseconds: a tab may die before it tells of its rows. */
const QUIET_MILLIS = 2000;
/** The wait after a failure, in milliseconds; it doubles up to the longest. */
const RETRY_MILLIS = 250;
const MAX_RETRY_MILLIS = 15_000;

/** What following a table brings. */
export type Followed =
  /**
   * The table ends here now: told first of all, after a failure, and when the table was deleted (0) or made anew, whose rows
   * then follow from the first.
   */
  | { readonly kind: "hello"; readonly nextOffset: number }
  /** Rows, each once and in order. */
  | { readonly kind: "rows"; readonly chunk: Chunk }
  /** The storage cannot be read; it is tried again. */
  | { readonly kind: "lost"; readonly reason: string };

/**
 * Follows a table from offset `from`, or from its present end; gives the function that ends that. A table that does not
 * exist yet is waited for. `take` must not throw.
 */
export function followTable(table: string, from: number | undefined, take: (news: Followed) => void): () => void {
  const bell = new Bell();
  const ends = [onTableChanged((changed) => changed === table && bell.ring()), onDbClosed(() => bell.ring())];
  const tail = new Tail(table, from, take);
  void (async () => {
    for (let retryMillis = RETRY_MILLIS; !tail.isOver; ) {
      bell.hush();
      try {
        const isBehind = await tail.look();
        retryMillis = RETRY_MILLIS;
        if (!isBehind) await bell.wait(QUIET_MILLIS);
      } catch (error) {
        tail.lose(describe(error));
        await bell.wait(retryMillis);
        retryMillis = Math.min(retryMillis * 2, MAX_RETRY_MILLIS);
      }
    }
  })();
  return () => {
    tail.isOver = true;
    for (const end of ends) end();
    bell.ring();
  };
}

/** Where a reader stands, and in which table. */
class Tail {
  isOver = false;
  readonly #table: string;
  readonly #take: (news: Followed) => void;
  #next: number | undefined;
  /** The table that is read, once there is one. */
  #id: string | undefined;
  #isGreeted = false;

  constructor(table: string, from: number | undefined, take: (news: Followed) => void) {
    this.#table = table;
    this.#next = from;
    this.#take = take;
  }

  /** Takes what is new; true where there may be more of it. */
  async look(): Promise<boolean> {
    const { record, chunks } = await lookAt(this.#table, this.#next);
    if (this.isOver) return false;
    const end = record?.nextOffset ?? 0;
    if (this.#id !== undefined && this.#id !== record?.id) {
      // The table was deleted. What has its name by now is another, which is greeted at the next look.
      this.#id = undefined;
      this.#next = 0;
      this.#isGreeted = record === undefined;
      this.#tell({ kind: "hello", nextOffset: 0 });
      return record !== undefined;
    }
    this.#id = record?.id;
    const isPastEnd = this.#next !== undefined && this.#next > end;
    if (isPastEnd) this.#next = 0;
    this.#next ??= end;
    if (!this.#isGreeted) this.#tell({ kind: "hello", nextOffset: end });
    this.#isGreeted = true;
    for (const chunk of chunks) {
      this.#next = chunk.firstOffset + chunk.nRows;
      this.#tell({ kind: "rows", chunk });
    }
    return this.#next < end;
  }

  /** Says that the storage cannot be read. */
  lose(reason: string): void {
    this.#isGreeted = false;
    this.#tell({ kind: "lost", reason });
  }

  #tell(news: Followed): void {
    if (!this.isOver) this.#take(news);
  }
}

/** Wakes the one who waits; a ring before the wait counts too. */
class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Forgets what has rung so far. */
  hush(): void {
    this.#hasRung = false;
  }

  /** Settles when it rings or the time is over. */
  wait(millis: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#hasRung) return resolve();
      const timer = setTimeout(resolve, millis);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
