// Runs wasm tests in Chromium: cargo calls it with a test's wasm file. The tests are served by wasm-bindgen's own
// runner; this script opens the page it serves and prints what the page says.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { chromium } from "@playwright/test";

const PATIENCE_MILLIS = 120_000;

const [wasmFile, ...filters] = process.argv.slice(2);
const address = `127.0.0.1:${await freePort()}`;
const runner = spawn("wasm-bindgen-test-runner", [wasmFile, ...filters], {
  env: { ...process.env, NO_HEADLESS: "1", WASM_BINDGEN_TEST_ONLY_WEB: "1", WASM_BINDGEN_TEST_ADDRESS: address },
  stdio: ["ignore", "pipe", "inherit"],
});
let said = "";
runner.stdout.on("data", (text) => (said += text));
process.exitCode = 1;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH || undefined,
  args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
try {
  await answering(`http://${address}/`);
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.log(`error on the page: ${error}`));
  await page.goto(`http://${address}/`);
  const output = page.locator("#output");
  const result = await page.waitForFunction(
    () => /test result: (ok|FAILED)/.exec(document.getElementById("output")?.textContent ?? "")?.[1],
    undefined,
    { timeout: PATIENCE_MILLIS },
  );
  console.log(await output.textContent());
  process.exitCode = (await result.jsonValue()) === "ok" ? 0 : 1;
} catch (error) {
  console.log(`the tests did not end: ${error}\n${said}`);
} finally {
  await browser.close();
  runner.kill();
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

async function answering(url) {
  for (const until = Date.now() + PATIENCE_MILLIS; Date.now() < until; ) {
    if (runner.exitCode !== null) throw new Error(`the runner ended (${runner.exitCode})`);
    if (await fetch(url).then((response) => response.ok, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the runner does not answer");
}
