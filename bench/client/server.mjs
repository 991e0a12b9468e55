// The real server, on a data folder of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Starts it, with more options where given; `stop` ends it and removes its folder. */
export async function startServer(program, options = []) {
  const folder = mkdtempSync(join(tmpdir(), "streamtable-bench-server-"));
  const child = spawn(program, ["--listen", "127.0.0.1:0", "--data", folder, ...options], {
    env: { ...process.env, STREAMTABLE_LOG: "warn" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    const ended = once(child, "exit");
    kill();
    await ended;
    process.off("exit", kill);
    rmSync(folder, { recursive: true, force: true });
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) {
      child.stdout.resume();
      return { url, stop };
    }
  }
  throw new Error("the server ended before it listened");
}
