// Running the package's own tools.

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the package's sources. */
export const here = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Runs a tool to its end and gives what it printed. */
export function run(tool, ...args) {
  const program = join(here, "node_modules/.bin", tool);
  const { status, error, stdout } = spawnSync(program, args, { cwd: here, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${tool} failed:\n${stdout}`);
  return stdout;
}
