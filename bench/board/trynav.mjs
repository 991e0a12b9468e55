import { Browser } from "./browser.mjs";
import { startServer } from "../client/server.mjs";
import { address, untilLive } from "./panel.mjs";
import { fill } from "./rows.mjs";
import { watch } from "./watch.mjs";
const server = await startServer("../../target/release/streamtable-server", ["--board", process.env.BOARD ?? "../../dist"]);
const browser = await Browser.start();
try {
  const T = "local/bench/first", N = 1000000;
  await fill(server.url, T, 0, N);
  const page = await browser.page(watch);
  for (let n = 0; n < 4; n++) {
    await page.goto("about:blank");
    if (n === 3) await browser.beginTrace();
    await page.goto(address(server.url, T));
    await page.waitForFunction(() => watch.firstRowMillis !== null);
    console.log(await page.evaluate(() => watch.firstRowMillis));
    if (n < 3) await untilLive(page, N);
  }
  const ev = await browser.endTrace();
  const names = new Map();
  for (const e of ev) if (e.name === "thread_name") names.set(`${e.pid}/${e.tid}`, e.args.name);
  const t0 = ev.find(e => e.name === "navigationStart" && JSON.stringify(e.args).includes("/table/"))?.ts ?? Math.min(...ev.filter(e=>e.ts).map(e => e.ts));
  const keep = ev.filter(e => e.ts >= t0 && (e.dur > 2000 || /WebSocket|ResourceSend|ResourceFinish|wasm/i.test(e.name)) && !/ThreadPool|Viz|GPU/i.test(names.get(`${e.pid}/${e.tid}`) ?? ""));
  keep.sort((a, b) => a.ts - b.ts);
  for (const e of keep) console.log(((e.ts - t0) / 1000).toFixed(1).padStart(7), (e.dur ? (e.dur / 1000).toFixed(1) : "-").padStart(6), (e.tdur ? (e.tdur / 1000).toFixed(1) : "-").padStart(6), (names.get(`${e.pid}/${e.tid}`) ?? "").slice(0, 18).padEnd(18), e.name, JSON.stringify(e.args.data ?? {}).slice(0, 110));
} finally { await browser.close(); await server.stop(); }
