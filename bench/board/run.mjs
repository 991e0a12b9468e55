// Measures the board in Chromium against the real server: `node run.mjs --server PROGRAM --board FOLDER`, where BOARD is what
// trunk built. Called by `cargo xtask bench board`.

import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";

import { startServer } from "../client/server.mjs";
import { Browser } from "./browser.mjs";
import { measureFirstRows } from "./first_rows.mjs";
import { measureLive } from "./live.mjs";
import { measureRetention } from "./retention.mjs";
import { judged, show } from "./table.mjs";

const MEASURES = { live: measureLive, firstRows: measureFirstRows, retention: measureRetention };
/** How the command calls them. */
const NAMES = { "first-rows": "firstRows", live: "live", retention: "retention" };

const { values: options } = parseArgs({
  options: {
    server: { type: "string" },
    board: { type: "string" },
    json: { type: "string" },
    only: { type: "string", default: Object.keys(NAMES).join(",") },
    rows: { type: "string", default: "10000000" },
    seconds: { type: "string", default: "120" },
    "first-rows": { type: "string", default: "1000000" },
    "hour-rows": { type: "string", default: "36000000" },
    trace: { type: "boolean", default: false },
  },
});
const only = options.only.split(",").filter((name) => name !== "");
const unknown = only.filter((name) => NAMES[name] === undefined);
if (unknown.length > 0) throw new Error(`no such measure: ${unknown.join(", ")}`);
const settings = {
  live: { nRows: Number(options.rows), seconds: Number(options.seconds), isTraced: options.trace },
  firstRows: { nRows: Number(options["first-rows"]) },
  retention: { nRows: Number(options["hour-rows"]) },
};

const say = (sentence) => console.error(`  ${sentence}`);
const loadBefore = loadavg()[0];
const results = {};
let chromium;
for (const name of only.map((name) => NAMES[name])) {
  // Each with a server and a browser of its own: what one leaves behind burdens no other.
  const server = await startServer(options.server, ["--board", options.board]);
  try {
    const browser = await Browser.start();
    chromium = browser.version;
    try {
      results[name] = await MEASURES[name](browser, server, { ...settings[name], say });
    } finally {
      await browser.close();
    }
  } finally {
    await server.stop();
  }
}
const machine = { cpu: cpus()[0]?.model ?? "unknown", nCores: cpus().length, loadBefore, loadAfter: loadavg()[0], chromium };
const judgements = judged(results);
show({ machine, ...results }, judgements);
if (options.json) writeFileSync(options.json, `${JSON.stringify({ machine, judgements, ...results }, rounded, 2)}\n`);

/** No clock here has more than three places. */
function rounded(_key, value) {
  return typeof value === "number" ? Number(value.toFixed(3)) : value;
}
