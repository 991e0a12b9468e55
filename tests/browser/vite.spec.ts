// The npm package as others install it: packed, in a Vite project with no plugin, and in Node.

import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "./fixtures.ts";
import { endsWithUs, needs, PACKAGE, ROOT } from "./servers.ts";

const TESTS = path.join(ROOT, "tests");
/** Copies of the projects, below the folder whose packages hold Vite and TypeScript. */
const COPIES = path.join(TESTS, "browser/.output/packaging");
const VITE = path.join(TESTS, "node_modules/vite/bin/vite.js");

/** Runs a program to its end and gives what it printed. */
function run(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (status !== 0) throw new Error(`${[program, ...args].join(" ")}\n${stdout}${stderr}`);
  return stdout;
}

/** A copy of a project with a package installed, by npm and from nowhere else. */
function install(project: string, what: string): string {
  const copy = path.join(COPIES, project);
  cpSync(path.join(TESTS, "packaging", project), copy, { recursive: true });
  run(copy, "npm", "install", "--offline", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", what);
  return copy;
}

/** Runs Vite until `use` is done with the address it serves at. */
async function serving(cwd: string, command: string[], use: (url: string) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [VITE, ...command, "--host", "127.0.0.1", "--port", "0"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
    // An address in colours would not read as one.
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: "1" },
  });
  endsWithUs(child);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (url === undefined) continue;
      child.stdout.resume();
      return await use(url);
    }
    throw new Error(`vite ${command.join(" ")} ended before it served`);
  } finally {
    child.kill();
  }
}

let tarball = "";
let vite = "";

test.beforeAll(() => {
  needs(PACKAGE);
  rmSync(COPIES, { recursive: true, force: true });
  mkdirSync(COPIES, { recursive: true });
  tarball = path.join(COPIES, run(PACKAGE, "npm", "pack", "--pack-destination", COPIES).trim().split("\n").at(-1)!);
  vite = install("vite", tarball);
});

test("the tarball holds what the package needs and nothing else", () => {
  const files = run(COPIES, "tar", "tzf", tarball).trim().split("\n").sort();
  const types = files.filter((file) => /^package\/types\/\w+\.d\.ts$/.test(file));
  expect(types.length).toBeGreaterThan(5);
  expect(files.filter((file) => !types.includes(file))).toEqual([
    "package/LICENSE-APACHE",
    "package/LICENSE-MIT",
    "package/README.md",
    "package/index.d.ts",
    "package/index.js",
    "package/index.js.map",
    "package/package.json",
  ]);
});

test("its types are exact, and hold under the strictest settings", () => {
  run(vite, process.execPath, path.join(TESTS, "node_modules/typescript/bin/tsc"), "-p", ".");
});

for (const [what, prepare, serve] of [
  ["as Vite's dev server gives it", [], []],
  ["as `vite build` makes it", ["build", "--logLevel", "warn"], ["preview"]],
] as const) {
  test(`a page logs to the real server, ${what}`, async ({ context, server, table }) => {
    if (prepare.length > 0) {
      expect(run(vite, process.execPath, VITE, ...prepare), "no warnings").toBe("");
      expect(readdirSync(path.join(vite, "dist/assets")).filter((file) => !file.endsWith(".js"))).toEqual([]);
    }
    await serving(vite, [...serve], async (url) => {
      const page = await context.newPage();
      await page.goto(`${url}/?${new URLSearchParams({ server: server.url, table })}`);
      await expect(page).toHaveTitle("stored 3");
      await page.close();
    });
    const rows = await server.rows(table, { columns: "n,text,when,image" });
    expect(rows).toEqual([
      { n: 0, text: "from a page", when: { $ts: 0 }, image: null },
      { n: 1, text: null, when: null, image: null },
      { n: 2, text: null, when: null, image: { $media: "data:image/png;base64,eA==" } },
    ]);
  });
}

test("Node imports it from a folder, by import and by require, and logs", async ({ server, table }) => {
  const node = install("node", PACKAGE);
  const printed = run(node, process.execPath, "log.mjs", server.url, table).trim().split("\n");
  expect(JSON.parse(printed.at(-1)!)).toEqual(["1152921504606846976", [1, 2], "image/png", "x", true, 1]);
  expect(run(node, process.execPath, "--no-warnings", "required.cjs").trim()).toBe("local/p/t");
});
