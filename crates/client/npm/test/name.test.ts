// The twin of `model::TableName`, held to the vectors that the Rust one is held to.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { StreamTableError } from "../src/errors.js";
import { parseName } from "../src/name.js";

interface Vector {
  name: string;
  project?: string;
  entity?: string;
  is?: string;
  code?: string;
  message?: string;
}

const vectors = JSON.parse(readFileSync("../../../tests/data/names.json", "utf8")) as Vector[];

for (const vector of vectors) {
  test(`${JSON.stringify(vector)}`, () => {
    const parse = () => parseName(vector.name, vector.project, vector.entity, "me");
    if (vector.is !== undefined) {
      const { entity, project, table } = parse();
      assert.equal(`${entity}/${project}/${table}`, vector.is);
    } else {
      assert.throws(parse, (error) => {
        assert.ok(error instanceof StreamTableError);
        assert.deepEqual([error.code, error.message], [vector.code, vector.message]);
        return true;
      });
    }
  });
}

test("what is no text is no name", () => {
  for (const bad of [undefined, null, 5, {}, ["t"]]) {
    assert.throws(() => parseName(bad), { code: "bad_argument" });
  }
  assert.throws(() => parseName("t", 5), { code: "bad_argument" });
});
