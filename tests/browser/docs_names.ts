// The names that the docs must explain, as the sources have them, and those that they do explain.

import { readdirSync } from "node:fs";
import path from "node:path";

import { read } from "./docs_examples.ts";
import { ROOT } from "./servers.ts";

const SOURCES = "crates/client/npm/src";

/** The text of a page below a heading such as `## log`, up to the next one of its rank or above. */
export function section(page: string, heading: string): string {
  const text = read(page);
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) throw new Error(`${page} has no heading ${heading}`);
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${heading.indexOf(" ")}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The cells of the tables in a text, row by row. */
export function tableRows(text: string): string[][] {
  const rows = text.split("\n").filter((line) => line.startsWith("| "));
  return rows.map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

/** The names in code marks in the first cells of the tables in a text. */
export function explained(text: string): string[] {
  return tableRows(text).flatMap(([first]) => [...first!.matchAll(/`"?(\w+)"?`/g)].map(([, name]) => name!));
}

/** The fields of an interface or class of the package, each with the comment before it. */
export function fieldsOf(file: string, name: string): Map<string, string> {
  const body = new RegExp(`(?:interface|class) ${name}\\b[^{]*\\{\\n(.*?)^\\}`, "ms").exec(read(`${SOURCES}/${file}.ts`))?.[1];
  if (body === undefined) throw new Error(`${file}.ts has no ${name}`);
  const fields = body.matchAll(/(\/\*\*(?:(?!\*\/).)*\*\/\n)?^  (?:readonly )?(\w+)\??: /gms);
  return new Map([...fields].map(([, comment = "", field]) => [field!, comment.replaceAll(/\s*\n\s*\*? ?/g, " ")]));
}

/** The methods and getters of the package's class. */
export function members(): string[] {
  const body = /^export class StreamTable \{(.*?)^\}/ms.exec(read(`${SOURCES}/stream_table.ts`))![1]!;
  const names = [...body.matchAll(/^  (?:get |async )?([a-z]\w*)[<(]/gm)].map(([, name]) => name!);
  return [...new Set(names)].filter((name) => name !== "constructor");
}

/** The number that an option has by default in the code. */
export function defaultNumber(option: string): number {
  const code = ["stream_table", "way", "destination"].map((file) => read(`${SOURCES}/${file}.ts`)).join("\n");
  const name = option === "requestTimeoutMillis" ? "timeoutMillis" : option;
  const text = new RegExp(`\\b${name} (?:=|\\?\\?) ([\\d_]+(?: << \\d+)?)`).exec(code)?.[1];
  if (text === undefined) throw new Error(`the code has no default of ${option}`);
  const [n, shift = 0] = text.replaceAll("_", "").split(" << ").map(Number);
  return n! * 2 ** shift;
}

/** A text in lower case with an underscore is a code, wherever it stands. */
const CODE = /"([a-z0-9]+(?:_[a-z0-9]+)+)"/g;
/** Codes of one word, where an error is made. */
const SHORT_CODES = [/(?:StreamTableError|Rejection)\(\s*"([a-z]+)"/g, /\bcode: "([a-z]+)"/g, /\bcode = .* : "([a-z]+)";/g];
/** A field of the server's answer. */
const NO_CODE = "acked_seq";

function matches(text: string, patterns: readonly RegExp[]): string[] {
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, code]) => code!));
}

/** Each code that the package brings up by itself. */
export function codesOfPackage(): string[] {
  const files = readdirSync(path.join(ROOT, SOURCES)).filter((file) => /(?<!\.d)\.ts$/.test(file));
  const code = files.map((file) => read(`${SOURCES}/${file}`).replaceAll(/^\s*(\/\/|\/?\*).*$/gm, "")).join("\n");
  return matches(code, [CODE, ...SHORT_CODES]).filter((code) => code !== NO_CODE);
}

/** Each attribute that the panel's element has, and each code that it tells. */
export function namesOfPanel(): string[] {
  const code = ["element", "board", "worker"].map((file) => read(`${SOURCES}/panel/${file}.ts`)).join("\n");
  const attributes = /observedAttributes.* = \[(.*)\]/.exec(code)![1]!.match(/\w+/g)!;
  const told = read("crates/board/src/panel/hosted.rs");
  return [...attributes, ...matches(code, [/StreamTableError\("(\w+)"/g]), ...matches(told, [/on_fault\("(\w+)"/g])];
}

const SERVER = ["server/src/http/error.rs", "server/src/journal/error.rs", "server/src/keys/error.rs", "wire/src/error.rs", "model/src/row.rs"];
/** What no request of the package brings about. */
const NEVER_ANSWERED = [
  // A server that does not start, or is asked to copy itself.
  ...["data_in_use", "journal_foreign", "journal_too_new", "journal_open", "engine_refused", "backup_failed"],
  // Other ways to append, frames of Arrow, messages of a cluster.
  ...["bad_writer", "bad_frame", "bad_message", "newer_message", "websocket_expected"],
  // Imports of files, and what is kept of a table.
  ...["imports_full", "bad_csv", "bad_arrow", "bad_parquet", "unsupported_column", "bad_cell", "part_too_large", "bad_retention"],
  // A reader of rows is told `unknown_table`, one that follows them is sent off.
  "table_deleted",
];

/** Each code that a server may answer the package with. */
export function codesOfServer(): string[] {
  const enums = SERVER.map((file) => /fn code\(.*?^    \}/ms.exec(read(`crates/${file}`))![0]).join("\n");
  const codes = [...matches(enums, [/=> "(\w+)"/g]), ...matches(read("crates/server/src/http/append.rs"), [CODE])];
  return codes.filter((code) => !NEVER_ANSWERED.includes(code));
}
