// What must be stored, and whether it is: every row of a task that ended, once, in the order of the calls.

import type { StreamTableServer } from "../browser/servers.ts";

/** What the pages of a table logged. A life is a page life that logs to the table; it numbers its rows from 0. */
export class Ledger {
  readonly #lives: { n_tried: number; n_logged: number }[] = [];

  /** Begins a life and gives its number. */
  begin(): number {
    return this.#lives.push({ n_tried: 0, n_logged: 0 }) - 1;
  }

  /** A life is about to log: from now on these rows may be stored. */
  tries(life: number, nRows: number): void {
    this.#lives[life]!.n_tried += nRows;
  }

  /** The task that logged all that was tried has ended: from now on the rows must be stored. */
  logged(life: number): void {
    this.#lives[life]!.n_logged = this.#lives[life]!.n_tried;
  }

  /** The same of every life. */
  allLogged(): void {
    for (const life of this.#lives.keys()) this.logged(life);
  }

  get nLives(): number {
    return this.#lives.length;
  }

  /** How many rows must be stored. */
  get nLogged(): number {
    return this.#lives.reduce((n, life) => n + life.n_logged, 0);
  }

  /** Each life's rows, by name: those that must be stored, and all that may be. */
  names(): { must: Set<string>; may: Set<string> } {
    const upTo = (count: "n_logged" | "n_tried") =>
      new Set(this.#lives.flatMap((life, number) => Array.from({ length: life[count] }, (_, n) => name(number, n))));
    return { must: upTo("n_logged"), may: upTo("n_tried") };
  }
}

/** What is wrong with a table, each row by its name. */
export interface Verdict {
  /** Logged and not there. */
  readonly lost: string[];
  /** There more than once. */
  readonly doubled: string[];
  /** There and never logged. */
  readonly foreign: string[];
  /** Not as they were logged. */
  readonly damaged: string[];
  /** Before a row of their writer that was logged earlier, or numbered so. */
  readonly disordered: string[];
  /** Stored under the writer of another life. */
  readonly mixed: string[];
}

/** A row as `pages/life.js` makes it and the server gives it. */
interface StoredRow {
  readonly life: number;
  readonly n: number;
  readonly text: string;
  readonly _writer: string;
  readonly _seq: { readonly $i64: string };
}

export const FLAWLESS: Verdict = { lost: [], doubled: [], foreign: [], damaged: [], disordered: [], mixed: [] };

/** Reads a table back by HTTP and judges it. */
export async function judge(server: StreamTableServer, table: string, ledger: Ledger): Promise<Verdict> {
  const verdict: Verdict = structuredClone(FLAWLESS);
  const { must, may } = ledger.names();
  const seen = new Set<string>();
  const writers = new Map<string, { life: number; n: number; seq: number }>();
  for (const { life, n, text, _writer: writer, _seq } of await stored(server, table)) {
    const seq = Number(_seq.$i64);
    const row_name = name(life, n);
    if (!may.has(row_name)) verdict.foreign.push(row_name);
    if (seen.has(row_name)) verdict.doubled.push(row_name);
    seen.add(row_name);
    const half = text.length / 2;
    if (text.slice(0, half) !== text.slice(half)) verdict.damaged.push(row_name);
    const last = writers.get(writer);
    if (last && last.life !== life) verdict.mixed.push(row_name);
    if (last && !(last.n < n && last.seq < seq)) verdict.disordered.push(row_name);
    writers.set(writer, { life, n, seq });
  }
  verdict.lost.push(...[...must].filter((row_name) => !seen.has(row_name)));
  return verdict;
}

/** A table's rows in the order of their offsets; none where there is no table yet. */
async function stored(server: StreamTableServer, table: string): Promise<StoredRow[]> {
  if ((await nStored(server, table)) === 0) return [];
  return (await server.rows(table, { system: "true" })) as unknown as StoredRow[];
}

/** How many rows a table has. */
export async function nStored(server: StreamTableServer, table: string): Promise<number> {
  const response = await fetch(`${server.url}/api/v1/tables/${table}`);
  if (response.status === 404) return 0;
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return ((await response.json()) as { n_rows: number }).n_rows;
}

function name(life: number, n: number): string {
  return `life ${life} row ${n}`;
}
