// A table that lives in this browser: what `StreamTable` is made of where there is no server.

import { followTable } from "./browser_follow.js";
import { type Appended, appendChunk, type Chunk, deleteRecord, listRecords, lookAt } from "./browser_store.js";
import { decodeLine, decodeRow } from "./decode.js";
import { StreamTableError } from "./errors.js";
import { type Filter, filterLanguage } from "./filter_language.js";
import { parseName } from "./name.js";
import type { RowsOptions, StoredCell, StoredRow, SubscribeOptions } from "./types.js";

const SYSTEM_COLUMNS = ["_writer", "_seq", "_offset", "_received"];

/** What this browser knows of a table that lives in it. */
export interface BrowserTableInfo {
  /** `entity/project/table`. */
  readonly name: string;
  /** Tells the table from one of its name that was deleted before. */
  readonly id: string;
  readonly nRows: number;
  /** The size of the rows as JSON, in UTF-16 units: bytes, as far as they are ASCII. */
  readonly nBytes: number;
  /** The names of the columns, in the order in which rows brought them. */
  readonly columns: readonly string[];
  /** When the first row came. */
  readonly created: Date;
  /** When the last row came. */
  readonly lastReceived: Date;
}

/**
 * The tables that live in this browser, by name. They belong to the page's origin.
 *
 * @throws {StreamTableError} `storage_unavailable` where the browser has no storage for this page, or refuses it.
 */
export async function listBrowserTables(): Promise<BrowserTableInfo[]> {
  return (await listRecords()).map(([name, { id, nextOffset, nBytes, columns, created, lastReceived }]) => {
    return { name, id, nRows: nextOffset, nBytes, columns, created: toDate(created), lastReceived: toDate(lastReceived) };
  });
}

/**
 * Deletes a table that lives in this browser, with all its rows; those who follow it go on with the next of its name.
 *
 * @param name - `table`, `project/table` or `entity/project/table`.
 * @throws {StreamTableError} `storage_unavailable`; `name_…` where it names no table.
 */
export async function deleteBrowserTable(name: string): Promise<void> {
  const { entity, project, table } = parseName(name);
  return deleteRecord(`${entity}/${project}/${table}`);
}

/** A table that lives in this browser, by its full name `entity/project/table`. It is there from its first row on. */
export class BrowserTable {
  constructor(readonly name: string) {}

  /**
   * Stores rows at the table's end, all or none of them, and tells every tab.
   *
   * A row that is known, its number being at or below the last one of its writer, is not stored again: what was not
   * answered may be sent again, and a writer's rows must come in order. That rows survive the browser's end is promised
   * once it settles, that they survive a loss of power is not.
   *
   * @param lines - JSON objects, each with its line end.
   * @param nRows - how many.
   * @param writer - the one who logged them, 32 hexadecimal digits.
   * @param firstSeq - the writer's number of the first row, from 1; the others follow.
   * @throws {StreamTableError} `storage_full`, `storage_unavailable` or `too_many_columns`; no row was stored then.
   */
  append(lines: string, nRows: number, writer: string, firstSeq: number): Promise<Appended> {
    return appendChunk(this.name, { lines, nRows, writer, firstSeq });
  }

  /**
   * Reads rows back, oldest first, as a server gives them: those stored when it is called, each with every column that the
   * table has by then.
   *
   * @throws {StreamTableError} `unknown_table`, `unknown_column`, `bad_parameter`, `bad_filter`, `filter_missing` where the
   * page has not the entry `streamtable/filter`, `wasm_blocked`, `storage_unavailable`.
   */
  async *rows(options: RowsOptions = {}): AsyncGenerator<StoredRow, void, undefined> {
    const filter = options.filter === undefined ? undefined : await readFilter(options.filter);
    try {
      yield* this.#rows(options, filter);
    } finally {
      filter?.free();
    }
  }

  async *#rows(options: RowsOptions, filter: Filter | undefined): AsyncGenerator<StoredRow, void, undefined> {
    let next = whole("from", options.from) ?? 0;
    let nLeft = whole("limit", options.limit) ?? Infinity;
    const { record: table } = await lookAt(this.name);
    if (!table) throw new StreamTableError("unknown_table", `there is no table ${this.name}`);
    const read = reader(wanted(table.columns, options));
    while (next < table.nextOffset && nLeft > 0) {
      const { record, chunks } = await lookAt(this.name, next);
      if (record?.id !== table.id) throw new StreamTableError("unknown_table", `${this.name} was deleted while it was read`);
      for (const chunk of chunks) {
        const { lines, firstOffset, writer, firstSeq, received } = chunk;
        next = firstOffset + chunk.nRows;
        const passing = filter && new Set(filter.places(lines, firstOffset, writer, firstSeq, received));
        for (const [line, idx] of linesOf(chunk)) {
          if (passing && !passing.has(idx)) continue;
          if (nLeft-- <= 0 || firstOffset + idx >= table.nextOffset) return;
          yield read(line, chunk, idx);
        }
      }
    }
  }

  /**
   * Calls `f` with each row from `from` on and its offset, whoever adds it, each once and in order, until the function it
   * returns is called. Without `from` it starts at the end the table has, which `onLive` tells.
   *
   * @param f - must not throw, as none of the functions given here.
   * @param options - `onLost` is told why the storage cannot be read, which is tried again.
   */
  subscribe(
    f: (row: StoredRow, offset: number) => void,
    options: SubscribeOptions & { onLost?: ((reason: string) => void) | undefined } = {},
  ): () => void {
    let isOver = false;
    const end = followTable(this.name, options.from, (news) => {
      if (news.kind === "hello") return options.onLive?.(news.nextOffset);
      if (news.kind === "lost") return options.onLost?.(news.reason);
      for (const [line, idx] of linesOf(news.chunk)) {
        if (isOver) return;
        f(withoutNulls(decodeLine(line)), news.chunk.firstOffset + idx);
      }
    });
    return () => {
      isOver = true;
      end();
    };
  }
}

/** The filter that an expression is. */
async function readFilter(text: string): Promise<Filter> {
  const language = filterLanguage();
  const missing = 'to filter rows of a table in this browser, import "streamtable/filter" first';
  const filter = language ? await language(text) : { code: "filter_missing", message: missing };
  if ("code" in filter) throw new StreamTableError(filter.code, filter.message);
  return filter;
}

/** The columns of the answer, in order. A column that is named twice stands once. */
function wanted(columns: readonly string[], { columns: asked, system }: RowsOptions): string[] {
  const known = new Set([...columns, ...SYSTEM_COLUMNS]);
  const unknown = asked?.find((column) => !known.has(column));
  if (unknown !== undefined) {
    throw new StreamTableError("unknown_column", `the table has no column ${JSON.stringify(unknown)}`);
  }
  return [...new Set([...(asked ?? columns), ...(system ? SYSTEM_COLUMNS : [])])];
}

/** Reads rows that have these columns. */
function reader(columns: readonly string[]): (line: string, chunk: Chunk, idx: number) => StoredRow {
  // Copying an object sets its own properties, so a column `__proto__` stays one.
  const empty = Object.fromEntries(columns.map((column) => [column, null])) as Record<string, unknown>;
  return (line, chunk, idx) => {
    const cells = JSON.parse(line) as Record<string, unknown>;
    const row = { ...empty };
    for (const column of Object.keys(cells)) if (Object.hasOwn(row, column)) row[column] = cells[column];
    const read = decodeRow(row);
    const set = (column: string, cell: StoredCell) => {
      if (Object.hasOwn(read, column)) read[column] = cell;
    };
    set("_writer", chunk.writer);
    set("_seq", BigInt(chunk.firstSeq + idx));
    set("_offset", BigInt(chunk.firstOffset + idx));
    set("_received", toDate(chunk.received));
    return read;
  };
}

function* linesOf({ lines }: Chunk): Generator<[line: string, idx: number]> {
  for (let idx = 0, at = 0; at < lines.length; idx++) {
    const end = lines.indexOf("\n", at);
    yield [lines.slice(at, end), idx];
    at = end + 1;
  }
}

/** A followed row has only the cells that are not null, as a server's tail gives it. */
function withoutNulls(row: StoredRow): StoredRow {
  for (const column of Object.keys(row)) if (row[column] === null) delete row[column];
  return row;
}

function whole(name: string, n: number | undefined): number | undefined {
  if (n === undefined || (Number.isSafeInteger(n) && n >= 0)) return n;
  throw new StreamTableError("bad_parameter", `the parameter ${name}: ${n} is not a whole number from 0`);
}

function toDate(micros: number): Date {
  return new Date(Math.floor(micros / 1000));
}
