// The libraries that are compared. Each module of `libraries` opens a table that answers the questions of `measure.mjs`.

/** @typedef {{ load(rows: { frames: Uint8Array[], stream: Uint8Array }): unknown, append(frame: Uint8Array): unknown,
 *   filter(): unknown, group(): unknown, top(): unknown, middle(): unknown, contains(): unknown,
 *   live(what: "filter" | "group" | "top"): Promise<{ read(): unknown, close(): unknown }>,
 *   bytes?(): number }} Engine
 *
 * `filter` and `contains` give how many rows pass; `group` the count and the mean of `val` by `cat`, in the order of `cat`;
 * `top` the ids of the 100 rows with the greatest `val`, `middle` those of the 100 from the middle of that order on. `live`
 * opens such a view, which appends keep up to date; `read` gives the same of it. */

export const libraries = [
  { name: "streamtable", npm: null },
  { name: "perspective", npm: "@perspective-dev/client" },
  { name: "duckdb", npm: "@duckdb/duckdb-wasm" },
  { name: "crossfilter", npm: "crossfilter2" },
  { name: "loop", npm: null },
];
