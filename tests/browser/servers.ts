// The servers a test talks to: the real one on a folder of its own, and one that serves pages from another origin.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The root of the checkout. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
const SERVER_BIN = process.env.STREAMTABLE_SERVER_BIN ?? path.join(TARGET, "release", "streamtable-server");
export const PACKAGE = process.env.STREAMTABLE_PACKAGE ?? path.join(TARGET, "npm", "streamtable");
/** The built board. Only what looks at the board needs it. */
export const BOARD = path.join(ROOT, "dist");

/** Throws unless what a test needs was built. */
export function needs(...files: string[]): void {
  for (const file of files) {
    if (!existsSync(file)) throw new Error(`${file} is missing: run the tests by \`cargo xtask test browser\``);
  }
}

/** Ends a program when these tests end: a test that is cut off has no time to do so. */
export function endsWithUs(child: ChildProcess): void {
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
}

/** A real server on a data folder of its own. */
export class StreamTableServer {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "streamtable-"));
  #child: ChildProcess | null = null;
  #port = 0;

  /** Gets ready to start one that serves the pages of `board`, where that folder is there, with further arguments. */
  constructor(
    readonly board: string = BOARD,
    readonly args: string[] = [],
  ) {}

  /** Where the server answers, such as `http://127.0.0.1:41234`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it, on the port it had before if it ran before. */
  async start(): Promise<void> {
    needs(SERVER_BIN);
    const args = ["--listen", `127.0.0.1:${this.#port}`, "--data", this.#folder, ...this.args];
    if (existsSync(this.board)) args.push("--board", this.board);
    const child = spawn(SERVER_BIN, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    endsWithUs(child);
    for await (const line of createInterface({ input: child.stdout! })) {
      const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) {
        this.#port = Number(port);
        child.stdout!.resume();
        return;
      }
    }
    throw new Error("the server ended before it listened");
  }

  /** Makes a key by the command line, as an administrator does. */
  key(...flags: string[]): string {
    return this.#command("key", "create", "--data", this.#folder, ...flags).split("\n")[0]!;
  }

  /** Revokes a key. */
  revoke(key: string): void {
    this.#command("key", "revoke", "--data", this.#folder, key.split("_").at(-1)!.slice(0, 12));
  }

  #command(...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(SERVER_BIN, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  }

  /** Asks for a path of the API with a key, as a page of an origin where one is given. */
  fetch(path: string, key: string, origin?: string): Promise<Response> {
    const headers = { authorization: `Bearer ${key}`, ...(origin === undefined ? {} : { origin }) };
    return fetch(`${this.url}/api/v1${path}`, { headers });
  }

  /** Ends it as `signal` does; what it acknowledged stays in its folder. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /** Ends it and removes its folder. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Appends rows by HTTP, as any program would. */
  async append(table: string, rows: object[]): Promise<void> {
    const response = await fetch(`${this.url}/api/v1/tables/${table}/rows`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(rows),
    });
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  }

  /** A table's rows as the server gives them in JSON, tags and all. */
  async rows(table: string, params: Record<string, string> = {}): Promise<Record<string, unknown>[]> {
    const query = new URLSearchParams({ format: "json", ...params });
    const response = await fetch(`${this.url}/api/v1/tables/${table}/rows?${query}`);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>[];
  }
}

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".map": "application/json",
  ".wasm": "application/wasm",
};

/** A page or script of a test's own, with headers such as its policy. */
export interface OwnFile {
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** Serves an empty page at `/`, folders under the paths given, and a test's own files, which may come and go. */
export async function servePages(
  folders: Record<string, string>,
  files: Map<string, OwnFile> = new Map(),
): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://host");
    const mount = Object.keys(folders).find((prefix) => pathname.startsWith(prefix));
    const file = mount && path.join(folders[mount]!, pathname.slice(mount.length) || "index.html");
    const own = files.get(pathname);
    if (own) {
      response.writeHead(200, { "content-type": TYPES[path.extname(pathname)] ?? TYPES[".html"], ...own.headers });
      response.end(own.body);
    } else if (file && existsSync(file) && statSync(file).isFile()) {
      // Modules are fetched by pages that have no origin, too.
      const type = TYPES[path.extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" });
      createReadStream(file).pipe(response);
    } else if (pathname === "/" || pathname === "/favicon.ico") {
      response.writeHead(pathname === "/" ? 200 : 204, { "content-type": TYPES[".html"] });
      response.end(pathname === "/" ? "<!doctype html><title>A page</title>" : undefined);
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.closeAllConnections() ?? server.close() };
}
