// What the package's types allow and forbid. It is checked, never run: a line that should not pass is marked so.

import { StreamTable, StreamTableError } from "streamtable";
import type { Ack, Cell, Row, RowsOptions, Status, StoredCell, StoredRow, StreamTableOptions } from "streamtable";

/** Holds only where two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

interface Point {
  x: number;
  label?: string;
}

export async function allowed(canvas: HTMLCanvasElement, bitmap: ImageBitmap, point: Point): Promise<void> {
  const options: StreamTableOptions = { project: "p", entity: undefined, lingerMillis: 10 };
  new StreamTable("t");
  new StreamTable("t", "p", "e");
  const st = new StreamTable("t", options);
  same<string, typeof st.name>(true);
  same<string, typeof st.url>(true);
  same<Status, typeof st.status>(true);
  same<"idle" | "loading" | "blocked" | "sending" | "retrying" | "finished", Status["state"]>(true);

  const url = st.log({ a: 1, b: "x", c: null, d: undefined, e: 2n, f: new Date(), g: [1, ["x"]], h: { i: { j: true } } });
  same<string, typeof url>(true);
  st.log({ canvas, bitmap, blob: new Blob([]), bytes: new Uint8Array(1), data: new ImageData(1, 1), map: new Map([["k", 1]]) });
  st.log([{ a: 1 }, { b: 2 }]);
  st.log(point);
  st.log([point] as const);
  const row: Row = { a: 1 };
  const cell: Cell = [row];
  st.log({ cell });

  const rows: RowsOptions = { from: 0, limit: 1, filter: 'row["a"] > 1', columns: ["a"], system: true };
  for await (const stored of st.rows(rows)) same<StoredRow, typeof stored>(true);
  const stop = st.subscribe(
    (stored, offset) => {
      same<StoredRow, typeof stored>(true);
      same<number, typeof offset>(true);
    },
    { from: 0, onLive: (next: number) => void next },
  );
  same<() => void, typeof stop>(true);
  st.on("ack", (ack) => same<Ack, typeof ack>(true));
  st.on("error", (error) => same<StreamTableError, typeof error>(true));
  st.on("status", (status) => same<Status, typeof status>(true));
  const ends: [Promise<void>, Promise<void>] = [st.flush(), st.finish()];
  await Promise.all(ends);
  const stored: StoredCell = new Uint8Array(1);
  void stored;
}

export function forbidden(st: StreamTable): void {
  // @ts-expect-error: a function is no cell.
  st.log({ f: () => 1 });
  // @ts-expect-error: nor is a symbol.
  st.log({ s: Symbol("s") });
  // @ts-expect-error: however deep.
  st.log({ a: { b: [{ c: () => 1 }] } });
  // @ts-expect-error: a row is an object.
  st.log(5);
  // @ts-expect-error: and must be given.
  st.log();
  // @ts-expect-error: there is no such event.
  st.on("nothing", () => undefined);
  // @ts-expect-error: there is no such option.
  new StreamTable("t", { sever: "http://x" });
  // @ts-expect-error: a name is a text.
  new StreamTable(5);
  // @ts-expect-error: what is read cannot be set.
  st.name = "x";
}
