// A row to its JSON line, with the tags of `wire::json`. Nothing of the row is kept: what changes later changes nothing.

import { describe, StreamTableError } from "./errors.js";
import { blobUrl, isImageUrl, pictureUrl, toBase64 } from "./media.js";

/** The largest row the server takes, in bytes. */
export const MAX_ROW_BYTES = 8 << 20;
/** How deep lists and objects may nest within a cell. */
const MAX_CELL_DEPTH = 63;
const MAX_CACHED_KEYS = 2000;
const UNDERSCORE = 95;

const SYSTEM_COLUMNS = new Set(["_writer", "_seq", "_offset", "_received"]);

/** A row's line; or, where media has yet to be read, a promise of it. */
export type Encoded = string | Promise<string>;

/** The end of a row that was logged then. */
let stamp = "";
let stamped = NaN;

// Nothing is awaited while a row is encoded, so the state can stand here.
let out = "";
let parts: (string | Promise<string>)[] = [];
/** The lists and objects around the cell that is encoded. */
let ancestors: object[] = [];

/**
 * Encodes a row, adding `timestamp` in microseconds unless the row brings one.
 *
 * @throws {StreamTableError} when the row cannot be stored. Nothing else is thrown, whatever the row does.
 */
export function encodeRow(row: unknown, nowMicros: number): Encoded {
  let line: string | undefined;
  try {
    line = encodePlain(row, nowMicros);
  } catch {
    // Why is found out below, and where.
  }
  return line ?? encodeAny(row, nowMicros);
}

/** A row of simple cells, as most are, by the platform's own encoder; nothing where a cell is not as simple as that. */
function encodePlain(row: unknown, nowMicros: number): string | undefined {
  if (typeof row !== "object" || row === null || Object.getPrototypeOf(row) !== Object.prototype) return undefined;
  let hasTimestamp = false;
  // Faster than a list of the keys. What a page has added to all objects is found here, too, and only here.
  for (const key in row) {
    const value = (row as Record<string, unknown>)[key];
    if (value === undefined) continue;
    // It may be a column of the system's.
    if (key.charCodeAt(0) === UNDERSCORE) return undefined;
    if (key === "timestamp") hasTimestamp = true;
    if (!isSimple(value)) return undefined;
  }
  const json = JSON.stringify(row);
  // A lone surrogate, or a text that looks like one's escape.
  if (json.includes("\\ud")) return undefined;
  if (json.length * 3 > MAX_ROW_BYTES) return undefined;
  if (hasTimestamp && Object.hasOwn(row, "timestamp")) return json;
  if (json === "{}") return undefined;
  // The clock is coarser than calls are apart, and a number takes longer to write than a row's cells to look at.
  if (nowMicros !== stamped) {
    stamped = nowMicros;
    stamp = `,"timestamp":{"$ts":${nowMicros}}}`;
  }
  return json.slice(0, -1) + stamp;
}

/** Whether `JSON.stringify` writes a cell as the server reads it. */
function isSimple(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return !value.startsWith("data:image/");
    case "number":
      return Math.abs(value) <= Number.MAX_SAFE_INTEGER && (value !== 0 || 1 / value > 0);
    case "boolean":
      return true;
    default:
      return value === null;
  }
}

function encodeAny(row: unknown, nowMicros: number): Encoded {
  // A getter or a `toJSON` of the row may itself log a row, and find the state of this one.
  const outer = { out, parts, ancestors };
  out = "";
  parts = [];
  ancestors = [];
  try {
    encodeCells(row, nowMicros);
    if (parts.length > 0) return join([...parts, out]);
    return checkedSize(out);
  } catch (error) {
    throw toRejection(error);
  } finally {
    ({ out, parts, ancestors } = outer);
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
  out = "{";
  const cells = cellsOf(row);
  const hasTimestamp = Array.isArray(cells) ? encodeEntries(cells, 0) : encodeOwn(cells, 0);
  if (!hasTimestamp) {
    if (out.length > 1 || parts.length > 0) out += ",";
    out += `"timestamp":{"$ts":${nowMicros}}`;
  }
  out += "}";
}

type Entries = [string, unknown][];

/** What was logged as a row: an object whose own properties are cells, or the cells themselves. */
function cellsOf(row: unknown): object | Entries {
  if (typeof row !== "object" || row === null) notARow(row === null ? "null" : `a ${typeof row}`);
  const kind = kindOf(row);
  if (kind === "Map") return textKeys(row as Map<unknown, unknown>);
  const toJSON = (row as { toJSON?: unknown }).toJSON;
  if (typeof toJSON === "function" && kind !== "Date") {
    const json: unknown = toJSON.call(row);
    if (typeof json !== "object" || json === null || kindOf(json) !== "Object") notARow("what its toJSON gives");
    return json;
  }
  // Of what the platform names, only what has a `toJSON` has cells to show.
  if (kind !== "Object") notARow(kind);
  return row;
}

function notARow(what: string): never {
  throw new Rejection("not_a_row", `a row is an object of cells, not ${what}`);
}

function textKeys(map: Map<unknown, unknown>): Entries {
  const entries = [...map];
  if (entries.some(([key]) => typeof key !== "string")) {
    throw new Rejection("bad_value", "the keys of a map must be text");
  }
  return entries as Entries;
}

/** Encodes own enumerable properties, each read once; says whether `timestamp` is among them. */
function encodeOwn(object: object, depth: number): boolean {
  let hasTimestamp = false;
  let isFirst = true;
  let key = "";
  try {
    for (key of Object.keys(object)) {
      const value = (object as Record<string, unknown>)[key];
      if (value === undefined) continue;
      if (depth === 0) hasTimestamp = checkColumn(key) || hasTimestamp;
      if (!isFirst) out += ",";
      isFirst = false;
      out += encodeKey(key);
      encodeCell(value, depth + 1);
    }
  } catch (error) {
    throw located(error, key);
  }
  return hasTimestamp;
}

/** As `encodeOwn`, of entries. */
function encodeEntries(entries: Entries, depth: number): boolean {
  let hasTimestamp = false;
  let isFirst = true;
  for (const [key, value] of entries) {
    if (value === undefined) continue;
    try {
      if (depth === 0) hasTimestamp = checkColumn(key) || hasTimestamp;
      if (!isFirst) out += ",";
      isFirst = false;
      out += encodeKey(key);
      encodeCell(value, depth + 1);
    } catch (error) {
      throw located(error, key);
    }
  }
  return hasTimestamp;
}

/** Whether a column is `timestamp`; throws when it is the system's. */
function checkColumn(name: string): boolean {
  if (name.startsWith("_") && SYSTEM_COLUMNS.has(name)) {
    throw new Rejection("system_column", "this column is the system's; give it another name");
  }
  return name === "timestamp";
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
  if (depth > MAX_CELL_DEPTH) throw new Rejection("too_deep", "it nests too deep");
  // What repeats within itself without being a cycle can still grow without end.
  if (out.length > MAX_ROW_BYTES) tooLarge();
  if (ancestors.includes(value)) throw new Rejection("bad_value", "it holds itself");
  ancestors.push(value);
  if (Array.isArray(value)) encodeList(value, depth);
  else encodeNamed(value, kindOf(value), depth);
  ancestors.pop();
}

function encodeNamed(value: object, kind: string, depth: number): void {
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
      return encodeFields(textKeys(value as Map<unknown, unknown>), depth);
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
      return encodeFields([["name", name], ["message", message], ...Object.entries(value)], depth);
    }
  }
  if (ArrayBuffer.isView(value)) return encodeList([...(value as unknown as Iterable<unknown>)], depth);
  const toJSON = (value as { toJSON?: unknown }).toJSON;
  if (typeof toJSON === "function") return encodeCell(toJSON.call(value), depth + 1);
  if (kind !== "Object" && typeof Node !== "undefined" && value instanceof Node) {
    throw new Rejection("bad_value", "an element of the page cannot be stored");
  }
  // Only an object with such a key can look like a tag, and few have one.
  if (Object.keys(value).some((key) => key.startsWith("$"))) return encodeFields(Object.entries(value), depth);
  out += "{";
  encodeOwn(value, depth);
  out += "}";
}

/** `Object`, `Date`, `Map` and so on, of any realm; a class of the page's own is an `Object`. */
function kindOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return "Object";
  return Object.prototype.toString.call(value).slice(8, -1);
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

/** Encodes an object of these fields, so that one with a single key like `$ts` does not read as a tag. */
function encodeFields(entries: Entries, depth: number): void {
  const present = entries.filter(([, value]) => value !== undefined);
  const isTagLike = present.length === 1 && present[0]?.[0].startsWith("$");
  out += isTagLike ? '{"$obj":{' : "{";
  encodeEntries(present, depth);
  out += isTagLike ? "}}" : "}";
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
