import { Browser } from "./browser.mjs";
import { startServer } from "../client/server.mjs";
import { measureLive } from "./live.mjs";
import { measureFirstRows } from "./first_rows.mjs";
import { writeFileSync } from "node:fs";
const [what, nRows, seconds, trace] = process.argv.slice(2);
const server = await startServer("../../target/release/streamtable-server", ["--board", process.env.BOARD ?? "../../dist"]);
const browser = await Browser.start();
const say = (s) => console.error("  " + s);
try {
  const r = what === "first" ? await measureFirstRows(browser, server, { nRows: +nRows, say }) : await measureLive(browser, server, { nRows: +nRows, seconds: +seconds, rowsPerSecond: 10000, trace: !!trace, say });
  delete r.delays;
  console.log(JSON.stringify(r, (k, v) => typeof v === "number" ? Math.round(v * 100) / 100 : v, 1));
} finally { await browser.close(); await server.stop(); }
