// A row to its JSON line, with the tags of `wire::json`. Nothing of the row is kept: what changes later changes nothing.

import { describe, StreamTableError } from "./errors.js";
import { blobUrl, isImageUrl, pictureUrl, toBase64 } from "./media.js";

/** The largest row the server takes, in bytes. */
export const MAX_ROW_BYTES = 8 << 20;
/** How deep lists and objects may nest within a cell. */
const MAX_CELL_DEPTH = 63;
const MAX_CACHED_KEYS = 2000;

const SYSTEM_COLUMNS = new Set(["_writer", "_seq", "_offset", "_received"]);

/** A row's line; or, where media has yet to be read, a promise of it. */
export type Encoded = string | Promise<string>;

// One row is encoded at a time and nothing is awaited meanwhile, so the state can stand here.
let out = "";
let parts: (string | Promise<string>)[] = [];

/**
 * Encodes a row, adding `timestamp` in microseconds unless the row brings one.
 *
 * @throws {StreamTableError} when the row cannot be stored. Nothing else is thrown, whatever the row does.
 */
export function encodeRow(row: unknown, nowMicros: number): Encoded {
  out = "";
  parts = [];
  try {
    encodeCells(row, nowMicros);
    if (parts.length > 0) return join([...parts, out]);
    return checkedSize(out);
  } catch (error) {
    throw toRejection(error);
  } finally {
    out = "";
    parts = [];
  }
}

async function join(pieces: readonly (string | Promise<string>)[]): Promise<string> {
  try {
    return checkedSize((await Promise.all(pieces)).join(""));
  } catch (error) {
    throw toRejection(error);
  }
}

function checkedSize(line: string): string {
  // A UTF-16 unit is at most three bytes, so most rows need no count.
  if (line.length * 3 > MAX_ROW_BYTES && new TextEncoder().encode(line).length > MAX_ROW_BYTES) tooLarge();
  return line;
}

function tooLarge(): never {
  throw new Rejection("row_too_large", `a row has at most ${MAX_ROW_BYTES} bytes`);
}

function encodeCells(row: unknown, nowMicros: number): void {
  const cells = cellsOf(row);
  let hasTimestamp = false;
  let key = "";
  out = "{";
  try {
    for (const cell of cells) {
      key = cell[0];
      const value = cell[1];
      if (value === undefined) continue;
      if (SYSTEM_COLUMNS.has(key)) {
        throw new Rejection("system_column", "this column is the system's; give it another name");
      }
      if (key === "timestamp") hasTimestamp = true;
      if (out.length > 1 || parts.length > 0) out += ",";
      out += encodeKey(key);
      encodeCell(value, 1);
    }
  } catch (error) {
    throw located(error, key);
  }
  if (!hasTimestamp) {
    if (out.length > 1 || parts.length > 0) out += ",";
    out += `"timestamp":{"$ts":${nowMicros}}`;
  }
  out += "}";
}

/** The cells of what was logged as a row. */
function cellsOf(row: unknown): Iterable<[string, unknown]> {
  if (typeof row !== "object" || row === null) notARow(row === null ? "null" : `a ${typeof row}`);
  const kind = kindOf(row);
  if (kind === "Map") return textKeys(row as Map<unknown, unknown>);
  if (kind !== "Object" || isNamed(row)) {
    if (typeof (row as { toJSON?: unknown }).toJSON !== "function" || kind === "Date") notARow(`a ${kind}`);
  }
  if (typeof (row as { toJSON?: unknown }).toJSON === "function") {
    const json: unknown = (row as { toJSON: () => unknown }).toJSON();
    if (typeof json !== "object" || json === null || Array.isArray(json)) notARow("what its toJSON gives");
    return fields(json);
  }
  return fields(row);
}

function notARow(what: string): never {
  throw new Rejection("not_a_row", `a row is an object of cells, not ${what}`);
}

/** Own enumerable properties, each read when its turn comes. */
function* fields(object: object): Generator<[string, unknown]> {
  for (const key of Object.keys(object)) yield [key, (object as Record<string, unknown>)[key]];
}

function* textKeys(map: Map<unknown, unknown>): Generator<[string, unknown]> {
  for (const [key, value] of map) {
    if (typeof key !== "string") throw new Rejection("bad_value", "the keys of a map must be text");
    yield [key, value];
  }
}

function encodeCell(value: unknown, depth: number): void {
  switch (typeof value) {
    case "string":
      out += encodeText(value);
      return;
    case "number":
      out += encodeNumber(value);
      return;
    case "boolean":
      out += value ? "true" : "false";
      return;
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) throw new Rejection("bigint_range", "a bigint must fit 64 bits");
      out += `{"$i64":"${value}"}`;
      return;
    case "undefined":
      out += "null";
      return;
    case "object":
      if (value === null) out += "null";
      else encodeObject(value, depth);
      return;
    default:
      throw new Rejection("bad_value", `a ${typeof value} cannot be stored`);
  }
}

function encodeObject(value: object, depth: number): void {
  if (depth > MAX_CELL_DEPTH) throw new Rejection("too_deep", "it nests too deep, or holds itself");
  // What repeats within itself without being a cycle can still grow without end.
  if (out.length > MAX_ROW_BYTES) tooLarge();
  if (Array.isArray(value)) return encodeList(value, depth);
  const kind = kindOf(value);
  switch (kind) {
    case "Date":
      return encodeDate(value as Date);
    case "Uint8Array":
      return encodeBytes(value as Uint8Array);
    case "ArrayBuffer":
    case "SharedArrayBuffer":
      return encodeBytes(new Uint8Array(value as ArrayBuffer));
    case "DataView": {
      const view = value as DataView;
      return encodeBytes(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    }
    case "Blob":
    case "File":
      return encodePending(blobUrl(value as Blob));
    case "ImageData":
    case "HTMLCanvasElement":
    case "OffscreenCanvas":
    case "ImageBitmap": {
      const url = pictureUrl(kind, value);
      if (typeof url === "string") out += `{"$media":"${url}"}`;
      else encodePending(url);
      return;
    }
    case "Map":
      return encodeFields([...textKeys(value as Map<unknown, unknown>)], depth);
    case "Set":
      return encodeList([...(value as Set<unknown>)], depth);
    case "Number":
    case "String":
    case "Boolean":
    case "BigInt":
      return encodeCell(value.valueOf(), depth);
    case "Promise":
    case "WeakMap":
    case "WeakSet":
    case "WeakRef":
      throw new Rejection("bad_value", `a ${kind} cannot be stored`);
    case "Error":
    case "DOMException": {
      const { name, message } = value as Error;
      return encodeFields([["name", name], ["message", message], ...fields(value)], depth);
    }
  }
  if (ArrayBuffer.isView(value)) return encodeList([...(value as unknown as Iterable<unknown>)], depth);
  const toJSON = (value as { toJSON?: unknown }).toJSON;
  if (typeof toJSON === "function") return encodeCell(toJSON.call(value), depth + 1);
  if (isNamed(value) && typeof Node !== "undefined" && value instanceof Node) {
    throw new Rejection("bad_value", "an element of the page cannot be stored");
  }
  encodeFields(fields(value), depth);
}

/** `Object`, `Date`, `Map` and so on, of any realm. */
function kindOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return "Object";
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether it is no plain object but one the platform or a library gives a name to. */
function isNamed(value: object): boolean {
  return Array.isArray(value) || Object.prototype.toString.call(value) !== "[object Object]";
}

function encodeList(items: readonly unknown[], depth: number): void {
  let idx = 0;
  out += "[";
  try {
    for (; idx < items.length; idx++) {
      if (idx > 0) out += ",";
      encodeCell(items[idx], depth + 1);
    }
  } catch (error) {
    throw located(error, idx);
  }
  out += "]";
}

function encodeFields(entries: Iterable<[string, unknown]>, depth: number): void {
  let isFirst = true;
  let key = "";
  let first = "";
  let rest = entries;
  try {
    // An object of one key that starts with `$` would read as a tag. To know whether there is one key, the others must
    // be looked at, and a getter must not be asked twice.
    const iterator = entries[Symbol.iterator]();
    const ahead: [string, unknown][] = [];
    while (ahead.length < 2) {
      const next = iterator.next();
      if (next.done) break;
      key = next.value[0];
      if (next.value[1] === undefined) continue;
      ahead.push(next.value);
      if (!ahead[0]?.[0].startsWith("$")) break;
    }
    first = ahead[0]?.[0] ?? "";
    rest = chained(ahead, iterator);
    const isTagLike = ahead.length === 1 && first.startsWith("$");
    out += isTagLike ? '{"$obj":{' : "{";
    for (const cell of rest) {
      key = cell[0];
      if (cell[1] === undefined) continue;
      if (!isFirst) out += ",";
      isFirst = false;
      out += encodeKey(key);
      encodeCell(cell[1], depth + 1);
    }
    out += isTagLike ? "}}" : "}";
  } catch (error) {
    throw located(error, key);
  }
}

function* chained(ahead: [string, unknown][], rest: Iterator<[string, unknown]>): Generator<[string, unknown]> {
  yield* ahead;
  for (let next = rest.next(); !next.done; next = rest.next()) yield next.value;
}

function encodeDate(date: Date): void {
  const millis = Date.prototype.getTime.call(date);
  if (Number.isNaN(millis)) throw new Rejection("invalid_date", "the date is invalid");
  // Digits, not a product, so that far dates keep every one.
  out += `{"$ts":${millis === 0 ? "0" : `${millis}000`}}`;
}

function encodeBytes(bytes: Uint8Array): void {
  out += `{"$bytes":"${toBase64(bytes)}"}`;
}

function encodePending(url: Promise<string>): void {
  parts.push(`${out}{"$media":"`, url);
  out = '"}';
  // Whether it fails is asked by the row; until then a failure is not an unhandled one.
  url.catch(() => undefined);
}

function encodeNumber(value: number): string {
  if (value === 0) return 1 / value < 0 ? "-0" : "0";
  if (value !== value) return '{"$f64":"NaN"}';
  if (value === Infinity) return '{"$f64":"Infinity"}';
  if (value === -Infinity) return '{"$f64":"-Infinity"}';
  const text = String(value);
  // Without a point or an exponent it would read as a whole number of 64 bits.
  return (value >= 2 ** 53 || value <= -(2 ** 53)) && !text.includes("e") ? `${text}.0` : text;
}

function encodeText(text: string): string {
  if (isImageUrl(text)) return `{"$media":"${text}"}`;
  return wellFormed(text);
}

/** The text's JSON, lone surrogates replaced by U+FFFD as every encoding to UTF-8 does. */
function wellFormed(text: string): string {
  const json = JSON.stringify(text);
  // `JSON.stringify` escapes lone surrogates and no others.
  return json.includes("\\ud") ? JSON.stringify(text.replace(/\p{Surrogate}/gu, "\ufffd")) : json;
}

const keys = new Map<string, string>();

function encodeKey(key: string): string {
  let json = keys.get(key);
  if (json === undefined) {
    json = `${wellFormed(key)}:`;
    if (keys.size >= MAX_CACHED_KEYS) keys.clear();
    keys.set(key, json);
  }
  return json;
}

/** Why a row cannot be stored, its place being found on the way out. */
class Rejection {
  path = "";
  constructor(
    readonly code: string,
    readonly message: string,
    readonly cause?: unknown,
  ) {}
}

function located(error: unknown, key: string | number): Rejection {
  const rejection = asRejection(error);
  const { path } = rejection;
  const place = typeof key === "number" ? `[${key}]` : key;
  rejection.path = path === "" || path.startsWith("[") ? place + path : `${place}.${path}`;
  return rejection;
}

function asRejection(error: unknown): Rejection {
  if (error instanceof Rejection) return error;
  return new Rejection("bad_value", `it cannot be read: ${describe(error)}`, error);
}

function toRejection(error: unknown): StreamTableError {
  const { code, message, path, cause } = asRejection(error);
  const where = path === "" ? "" : ` at ${path.length > 200 ? `${path.slice(0, 200)}…` : path}`;
  return new StreamTableError(code, `a row was rejected${where}: ${message}`, { path, cause });
}
