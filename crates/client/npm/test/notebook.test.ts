// What a notebook is given of a table.

import assert from "node:assert/strict";
import { test } from "node:test";

import { JUPYTER_DISPLAY, panelForms } from "../src/notebook.js";

test("a notebook shows the board's panel without its bar, and a console the address", () => {
  const forms = panelForms("http://127.0.0.1:7700/table/local/p/t");
  assert.match(forms["text/html"]!, /^<iframe src="http:\/\/127\.0\.0\.1:7700\/table\/local\/p\/t\?embed=" /);
  assert.equal(forms["text/plain"], "http://127.0.0.1:7700/table/local/p/t");
  assert.equal(JUPYTER_DISPLAY, Symbol.for("Jupyter.display"));
});

test("an address keeps what it asks for, and none gets out of its quotes", () => {
  const forms = panelForms('http://host/table/a/b/c?in=browser&e=row["a"]<1');
  const src = /^<iframe src="([^"]*)" /.exec(forms["text/html"]!)![1]!.replace(/&amp;/g, "&");
  assert.deepEqual([...new URL(src).searchParams], [["in", "browser"], ["e", 'row["a"]<1'], ["embed", ""]]);
});
