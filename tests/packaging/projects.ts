// The projects of this folder as strangers would have them: copied, with the packed npm package installed.

import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

import { endsWithUs, needs, PACKAGE, ROOT } from "../browser/servers.ts";

const HERE = path.join(ROOT, "tests/packaging");
/** Where the copies are: below the folder whose packages hold the bundlers. */
const COPIES = path.join(HERE, ".output/projects");
const NAMES = ["page", "vite", "next", "node", "types", "workerd"];
/** What the project `page` logs, others log too. */
const LOG = "src/log.js";
const LOG_COPIES = ["next/app/log.js", "workerd/log.js"];
export const TARBALL = path.join(HERE, ".output/streamtable.tgz");

/** The folder of a project's copy. */
export function project(name: string): string {
  return path.join(COPIES, name);
}

/** The file of a program that is among the packages here, to be run by Node. */
export function tool(file: string): string {
  return path.join(HERE, "node_modules", file);
}

/** What programs are given: nobody is told of them, and an address in colours would not read as one. */
const QUIET = { FORCE_COLOR: undefined, NO_COLOR: "1", NEXT_TELEMETRY_DISABLED: "1", DENO_NO_UPDATE_CHECK: "1" };

/** Runs a program to its end and gives what it printed, warnings last. */
export function run(cwd: string, program: string, ...args: string[]): string {
  const env = { ...process.env, ...QUIET };
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${[program, ...args].join(" ")}\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** Runs a program of Node's to its end. */
export function node(cwd: string, file: string, ...args: string[]): string {
  return run(cwd, process.execPath, file, ...args);
}

/** Runs a program until `use` is done with the address that it says it serves at. */
export async function serving(cwd: string, program: string, args: string[], use: (url: string) => Promise<void>): Promise<void> {
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...QUIET } });
  endsWithUs(child);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /(?:http:\/\/(?:127\.0\.0\.1|localhost):|"port":)(\d+)/.exec(line)?.[1];
      if (port === undefined) continue;
      child.stdout.resume();
      return await use(`http://127.0.0.1:${port}`);
    }
    throw new Error(`${[program, ...args].join(" ")} ended before it served`);
  } finally {
    child.kill();
  }
}

/** Packs the npm package and installs the tarball into a copy of each project, by npm and from nowhere else. */
export default function setUp(): void {
  needs(PACKAGE);
  rmSync(path.join(HERE, ".output"), { recursive: true, force: true });
  mkdirSync(COPIES, { recursive: true });
  const packed = run(PACKAGE, "npm", "pack", "--silent", "--pack-destination", COPIES).trim();
  cpSync(path.join(COPIES, packed), TARBALL);
  for (const name of NAMES) {
    cpSync(path.join(HERE, name), project(name), { recursive: true });
    run(project(name), "npm", "install", "--offline", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", TARBALL);
  }
  for (const copy of LOG_COPIES) cpSync(path.join(HERE, "page", LOG), path.join(COPIES, copy));
}
