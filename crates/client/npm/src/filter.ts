// The entry `streamtable/filter`: importing it lets `rows({ filter })` filter tables that live in this browser. The language
// is a WebAssembly of its own, several times as large as the rest, which those who only log need not load.

import init, { Filter } from "#filter";
import deflated from "#filter-wasm";

import { describe } from "./errors.js";
import { setFilterLanguage } from "./filter_language.js";
import { inflate } from "./inflate.js";

let started: Promise<void> | undefined;

setFilterLanguage(async (text) => {
  try {
    await (started ??= inflate(deflated).then(init));
  } catch (error) {
    started = undefined;
    const hint = "a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src";
    return { code: "wasm_blocked", message: `the WebAssembly of StreamTable's filter cannot run here (${hint}): ${describe(error)}` };
  }
  try {
    return new Filter(text);
  } catch (error) {
    return { code: "bad_filter", message: describe(error) };
  }
});
