// Rows to JSON lines and back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeLine } from "../src/decode.js";
import { encodeRow, MAX_ROW_BYTES } from "../src/encode.js";
import { StreamTableError } from "../src/errors.js";

const NOW = 1_700_000_000_000_123;
const STAMP = `"timestamp":{"$ts":${NOW}}`;

function line(row: unknown): string {
  const encoded = encodeRow(row, NOW);
  assert.equal(typeof encoded, "string");
  return encoded as string;
}

/** The JSON of one cell. */
function cell(value: unknown): string {
  const json = line({ c: value });
  assert.ok(json.startsWith('{"c":') && json.endsWith(`,${STAMP}}`), json);
  return json.slice('{"c":'.length, -`,${STAMP}}`.length);
}

function rejected(row: unknown, code: string, path?: string): void {
  assert.throws(
    () => encodeRow(row, NOW),
    (error) => {
      assert.ok(error instanceof StreamTableError, String(error));
      assert.equal(error.code, code);
      if (path !== undefined) assert.equal(error.path, path);
      return true;
    },
  );
}

test("every cell has its JSON", () => {
  const cases: [unknown, string][] = [
    [null, "null"],
    [true, "true"],
    [false, "false"],
    [0, "0"],
    [-0, "-0"],
    [1.5, "1.5"],
    [NaN, '{"$f64":"NaN"}'],
    [Infinity, '{"$f64":"Infinity"}'],
    [-Infinity, '{"$f64":"-Infinity"}'],
    [2 ** 53 - 1, "9007199254740991"],
    [2 ** 53, "9007199254740992.0"],
    [-(2 ** 60), "-1152921504606847000.0"],
    [1e21, "1e+21"],
    [5e-324, "5e-324"],
    [2n ** 60n, '{"$i64":"1152921504606846976"}'],
    [-(2n ** 63n), '{"$i64":"-9223372036854775808"}'],
    ["", '""'],
    ['a"b\\\n\u2028', '"a\\"b\\\\\\n\u2028"'],
    ["é😀", '"é😀"'],
    ["a\ud800b", '"a\ufffdb"'],
    ["\\ud800", '"\\\\ud800"'],
    [new Date(1_700_000_000_123), '{"$ts":1700000000123000}'],
    [new Date(0), '{"$ts":0}'],
    [new Date(-1), '{"$ts":-1000}'],
    [new Date(8.64e15), '{"$ts":8640000000000000000}'],
    [new Uint8Array([104, 105]), '{"$bytes":"aGk="}'],
    [new Uint8Array([1, 104, 105]).subarray(1), '{"$bytes":"aGk="}'],
    [Buffer.from("hi"), '{"$bytes":"aGk="}'],
    [new Uint8Array([104, 105]).buffer, '{"$bytes":"aGk="}'],
    [new DataView(new Uint8Array([1, 104, 105]).buffer, 1), '{"$bytes":"aGk="}'],
    [new Float32Array([0.5, NaN]), '[0.5,{"$f64":"NaN"}]'],
    [new BigInt64Array([1n]), '[{"$i64":"1"}]'],
    ["data:image/png;base64,aGk=", '{"$media":"data:image/png;base64,aGk="}'],
    ["data:image/png;base64,aGl=", '"data:image/png;base64,aGl="'],
    ["data:image/png;base64,aGk", '"data:image/png;base64,aGk"'],
    ["data:image/png;base64,a*k=", '"data:image/png;base64,a*k="'],
    ["data:text/plain;base64,aGk=", '"data:text/plain;base64,aGk="'],
    ["data:image/svg+xml,<svg/>", '"data:image/svg+xml,<svg/>"'],
    [[], "[]"],
    [[1, undefined, [null, "x"]], '[1,null,[null,"x"]]'],
    // biome-ignore lint: a hole is what is tested.
    [[1, , 2], "[1,null,2]"],
    [{}, "{}"],
    [{ a: undefined, b: { c: [1] } }, '{"b":{"c":[1]}}'],
    [{ $f64: "NaN" }, '{"$obj":{"$f64":"NaN"}}'],
    [{ a: undefined, $x: 1 }, '{"$obj":{"$x":1}}'],
    [{ $x: 1, y: 2 }, '{"$x":1,"y":2}'],
    [{ $obj: { $obj: 1 } }, '{"$obj":{"$obj":{"$obj":{"$obj":1}}}}'],
    [new Map<string, unknown>([["b", 1], ["a", new Set([2])]]), '{"b":1,"a":[2]}'],
    [new URL("http://x/"), '"http://x/"'],
    [{ toJSON: () => [1] }, "[1]"],
    [new (class { a = 1; get b() { return 2; } })(), '{"a":1}'],
    [Object.create(null), "{}"],
    [new TypeError("no"), '{"name":"TypeError","message":"no"}'],
    [Object(5), "5"],
    [Object("s"), '"s"'],
  ];
  for (const [value, json] of cases) assert.equal(cell(value), json);
});

test("a row keeps its own timestamp, null too, and has one otherwise", () => {
  assert.equal(line({}), `{${STAMP}}`);
  assert.equal(line({ timestamp: undefined }), `{${STAMP}}`);
  assert.equal(line({ timestamp: null, a: 1 }), '{"timestamp":null,"a":1}');
  assert.equal(line({ a: 1, timestamp: new Date(5) }), '{"a":1,"timestamp":{"$ts":5000}}');
  assert.equal(line(Object.create({ timestamp: 1 }, { a: { value: 1, enumerable: true } })), `{"a":1,${STAMP}}`);
});

test("each row has the time of its own call", () => {
  for (const now of [NOW, NOW + 1, NOW]) assert.equal(encodeRow({ a: 1 }, now), `{"a":1,"timestamp":{"$ts":${now}}}`);
});

test("what a page adds to all objects is no cell", () => {
  for (const [name, value] of [["extra", 1], ["extra", () => 1], ["timestamp", 1]] as const) {
    Object.defineProperty(Object.prototype, name, { value, enumerable: true, configurable: true });
    try {
      assert.equal(line({}), `{${STAMP}}`);
      assert.equal(line({ a: 1 }), `{"a":1,${STAMP}}`);
      assert.equal(line({ timestamp: 5 }), '{"timestamp":5}');
    } finally {
      Reflect.deleteProperty(Object.prototype, name);
    }
  }
});

test("rows are objects of cells", () => {
  assert.equal(line(new Map([["a", 1]])), `{"a":1,${STAMP}}`);
  assert.equal(line({ toJSON: () => ({ a: 1 }) }), `{"a":1,${STAMP}}`);
  for (const bad of [null, undefined, 5, "x", 1n, [1], new Date(), () => 1, Symbol("s"), new Set(), new Uint8Array(1), Promise.resolve()]) {
    rejected(bad, "not_a_row");
  }
  for (const name of ["_writer", "_seq", "_offset", "_received"]) rejected({ a: 1, [name]: 1 }, "system_column", name);
  assert.equal(line({ a: { _seq: 1 } }), `{"a":{"_seq":1},${STAMP}}`);
});

test("what cannot be stored is rejected with its place", () => {
  rejected({ a: () => 1 }, "bad_value", "a");
  rejected({ a: { b: [0, Symbol("s")] } }, "bad_value", "a.b[1]");
  rejected({ a: [[{ c: 2n ** 63n }]] }, "bigint_range", "a[0][0].c");
  rejected({ a: new Date(NaN) }, "invalid_date", "a");
  rejected({ a: new Map([[1, 2]]) }, "bad_value", "a");
  rejected({ a: Promise.resolve() }, "bad_value", "a");
  rejected({ get a() { throw new Error("no"); } }, "bad_value", "a");
  rejected({ a: { toJSON: () => { throw null; } } }, "bad_value", "a");
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  rejected({ a: proxy }, "bad_value");
  rejected(proxy, "bad_value");
});

test("cycles are rejected, what only repeats is not", () => {
  const cycle: Record<string, unknown> = {};
  cycle["c"] = { d: [cycle] };
  rejected({ x: cycle }, "bad_value", "x.c.d[0]");
  rejected(cycle, "bad_value");
  const twice = { a: 1 };
  assert.equal(cell([twice, twice]), '[{"a":1},{"a":1}]');
  let wide: unknown = {};
  for (let i = 0; i < 40; i++) wide = [wide, wide];
  rejected({ wide }, "row_too_large");
  const endless: object = { toJSON: () => ({ again: endless }) };
  rejected({ endless }, "bad_value", "endless.again");
  const growing = (): object => ({ toJSON: () => [growing()] });
  rejected({ growing: growing() }, "too_deep");
});

test("63 levels nest, 64 do not", () => {
  const nested = (n: number): unknown => (n === 0 ? 1 : [nested(n - 1)]);
  assert.equal(cell(nested(63)), `${"[".repeat(63)}1${"]".repeat(63)}`);
  rejected({ a: nested(64) }, "too_deep");
});

test("a row has at most 8 MiB of UTF-8", () => {
  const room = MAX_ROW_BYTES - `{"c":"",${STAMP}}`.length;
  assert.equal(line({ c: "x".repeat(room) }).length, MAX_ROW_BYTES);
  rejected({ c: "x".repeat(room + 1) }, "row_too_large");
  rejected({ c: "é".repeat(room / 2 + 1) }, "row_too_large");
});

test("a rejected row leaves nothing behind for the next", () => {
  rejected({ a: 1, b: { c: () => 1 } }, "bad_value", "b.c");
  assert.equal(line({ a: 2 }), `{"a":2,${STAMP}}`);
});

test("a getter may log a row of its own", () => {
  let inner = "";
  const row = { a: 1, get b() { inner = line({ x: [1] }); return 2; }, c: 3 };
  assert.equal(line(row), `{"a":1,"b":2,"c":3,${STAMP}}`);
  assert.equal(inner, `{"x":[1],${STAMP}}`);
});

test("a blob is read after the call", async () => {
  const blob = new Blob(["hi"], { type: "image/png" });
  const encoded = encodeRow({ a: 1, b: [blob, blob], c: { d: blob }, e: 2 }, NOW);
  assert.ok(encoded instanceof Promise);
  const media = '{"$media":"data:image/png;base64,aGk="}';
  assert.equal(await encoded, `{"a":1,"b":[${media},${media}],"c":{"d":${media}},"e":2,${STAMP}}`);
  assert.equal(await encodeRow({ b: new Blob(["hi"]) }, NOW), `{"b":{"$media":"data:application/octet-stream;base64,aGk="},${STAMP}}`);
  await assert.rejects(async () => encodeRow({ b: new Blob(["x".repeat(7 << 20)]) }, NOW), { code: "row_too_large" });
});

test("what is read back is what was logged", () => {
  const row = {
    n: [null, true, 1.5, -0, NaN, -Infinity, 2 ** 60, 2n ** 60n, "é😀"],
    "dotted.key": { a: { $f64: "NaN" }, $obj: { $ts: 1 } },
    when: new Date(1_700_000_000_123),
    far: [new Date(8.64e15), new Date(-8.64e15), new Date(-1)],
    bytes: new Uint8Array([0, 255, 7]),
    "": "",
    日本: "語",
    timestamp: null,
  };
  assert.deepEqual(decodeLine(line(row)), row);
  const bytes = new Uint8Array(100_000).map((_, i) => i * 31);
  assert.deepEqual(decodeLine(line({ bytes })).bytes, bytes);
});

test("__proto__ is a column and a key like any other", () => {
  const row = JSON.parse('{"__proto__":{"__proto__":[1]},"a":{"__proto__":5}}') as object;
  const back = decodeLine(line(row));
  assert.deepEqual(Object.keys(back), ["__proto__", "a", "timestamp"]);
  assert.equal(Object.getPrototypeOf(back), Object.prototype);
  assert.deepEqual(Object.getOwnPropertyDescriptor(back, "__proto__")?.value, JSON.parse('{"__proto__":[1]}'));
});

test("media reads back as a blob", async () => {
  const back = decodeLine(line({ p: "data:image/png;base64,aGk=" })).p;
  assert.ok(back instanceof Blob);
  assert.deepEqual([back.type, await back.text()], ["image/png", "hi"]);
});

test("finer times are cut to the millisecond, towards the past", () => {
  const at = (micros: number) => (decodeLine(`{"t":{"$ts":${micros}}}`).t as Date).getTime();
  assert.deepEqual([at(1_999), at(-1), at(-1_000)], [1, -1, -1]);
});
