// Tagged JSON back to values.

import { fromBase64 } from "./media.js";
import type { StoredCell, StoredRow } from "./types.js";

/** A row of its JSON text. */
export function decodeLine(line: string): StoredRow {
  return decodeRow(JSON.parse(line) as Record<string, unknown>);
}

/**
 * A row of its parsed JSON, which is changed in place. A row itself is never a tag.
 *
 * `JSON.parse` makes every key an own property, `__proto__` too, and setting an own property leaves it one.
 */
export function decodeRow(row: Record<string, unknown>): StoredRow {
  for (const key of Object.keys(row)) {
    const cell = row[key];
    if (typeof cell === "object" && cell !== null) row[key] = decodeCell(cell);
  }
  return row as StoredRow;
}

function decodeCell(cell: unknown): StoredCell {
  if (typeof cell !== "object" || cell === null) return cell as StoredCell;
  if (Array.isArray(cell)) {
    for (let idx = 0; idx < cell.length; idx++) cell[idx] = decodeCell(cell[idx]);
    return cell as StoredCell[];
  }
  const object = cell as Record<string, unknown>;
  const keys = Object.keys(object);
  const tag = keys[0];
  if (keys.length === 1 && tag?.startsWith("$")) return decodeTag(tag, object[tag], object);
  return decodeRow(object);
}

function decodeTag(tag: string, value: unknown, object: Record<string, unknown>): StoredCell {
  switch (tag) {
    case "$f64":
      return Number(value);
    case "$i64":
      return BigInt(value as string | number);
    case "$ts":
      return toDate(value as number);
    case "$bytes":
      return fromBase64(value as string);
    case "$media":
      return toBlob(value as string);
    case "$obj":
      return decodeRow(value as Record<string, unknown>);
    default:
      return decodeRow(object);
  }
}

/** A Date counts milliseconds; what is finer is cut off, towards the past. */
function toDate(micros: number): Date {
  // Past 2^53 the number itself is rounded, and the nearest millisecond is the one that was meant.
  return new Date(Number.isSafeInteger(micros) ? Math.floor(micros / 1000) : Math.round(micros / 1000));
}

function toBlob(url: string): Blob {
  const comma = url.indexOf(";base64,");
  const bytes = fromBase64(url.slice(comma + ";base64,".length));
  return new Blob([bytes as Uint8Array<ArrayBuffer>], { type: url.slice("data:".length, comma) });
}
