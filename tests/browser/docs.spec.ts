// The docs against the code: each example compiles and prints what it says, each option, field and error is explained, and
// no link leads nowhere.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

import type { BrowserContext } from "@playwright/test";

import { DEFAULT_SERVER, type Example, examplesOf, faultsOfTypes, prepared, read } from "./docs_examples.ts";
import { codesOfPackage, codesOfServer, defaultNumber, explained, fieldsOf, members, namesOfPanel, section, tableRows } from "./docs_names.ts";
import { expect, test } from "./fixtures.ts";
import { type OwnFile, PACKAGE, ROOT } from "./servers.ts";

const API = "docs/api.md";
/** The pages with examples, and how many they have at least. */
const PAGES = { "README.md": 1, [API]: 20, "docs/delivery.md": 3, "crates/client/npm/README.md": 1 };
const EXAMPLES = Object.keys(PAGES).flatMap(examplesOf);

test("the examples are found and compile as strict TypeScript", () => {
  for (const [page, atLeast] of Object.entries(PAGES)) {
    expect(examplesOf(page).length, page).toBeGreaterThanOrEqual(atLeast);
    const others = read(page).match(/^```.+/gm)!.filter((mark) => !/^```(js( no-run)?|html|python|sh|text)$/.test(mark));
    expect(others, "a block marked otherwise is not looked at").toEqual([]);
  }
  expect(faultsOfTypes(EXAMPLES)).toBe("");
});

/** Runs an example against a server in a page of its own, to its end, and gives what it printed and was to print. */
async function run(example: Example, context: BrowserContext, pages: { url: string; files: Map<string, OwnFile> }, server: string) {
  const { script, prints } = prepared(example, server);
  // The package as it is, but for where it expects a server.
  const entry = readFileSync(path.join(PACKAGE, "index.js"), "utf8").replaceAll(DEFAULT_SERVER, server);
  pages.files.set("/package.js", { body: entry });
  pages.files.set("/example.js", { body: `${script}\nglobalThis.isOver = true;` });
  const map = JSON.stringify({ imports: { streamtable: "/package.js", "streamtable/filter": "/streamtable/filter.js" } });
  const body = `<!doctype html><script type="importmap">${map}</script><script type="module" src="/example.js"></script>`;
  pages.files.set("/example.html", { body });
  const page = await context.newPage();
  const printed: string[] = [];
  page.on("console", (message) => message.type() === "log" && printed.push(message.text()));
  const failure = new Promise<never>((_, reject) => page.once("pageerror", reject));
  failure.catch(() => undefined);
  await page.goto(`${pages.url}/example.html`);
  await Promise.race([page.waitForFunction(() => "isOver" in globalThis), failure]);
  await page.close();
  return { printed, prints };
}

for (const example of EXAMPLES.filter(({ isRun }) => isRun)) {
  test(`the example prints what it says: ${example.place}`, async ({ context, pages, own }) => {
    const { printed, prints } = await run(example, context, pages, own.url);
    expect(printed).toEqual(prints);
  });
}

test.describe("where the server is away", () => {
  test.use({ expectedErrors: /ERR_CONNECTION_REFUSED/ });

  test("what clears the browser's storage leaves no row behind", async ({ context, pages, own, table }) => {
    const clearing = EXAMPLES.find(({ module }) => module.includes("deleteDatabase"))!;
    const logging = (more: string) => ({
      ...clearing,
      module: `import { StreamTable } from "streamtable";
        const st = new StreamTable("${table}", { maxRetryMillis: 100 });
        const until = async (f) => { while (!f()) await new Promise((resolve) => setTimeout(resolve, 10)); };
        ${more}`,
    });
    const keeps = logging(`st.log({ secret: 1 }); await until(() => st.status.volatile === 0);`);
    const delivers = logging(`st.log({ n: 1 }); await st.flush(); await until(() => performance.now() > 2500); console.log(st.status.recovered);`);
    for (const [isCleared, recovered] of [[false, "1"], [true, "0"]] as const) {
      await own.stop();
      await run(keeps, context, pages, own.url);
      if (isCleared) await run(clearing, context, pages, own.url);
      await own.start();
      expect((await run(delivers, context, pages, own.url)).printed, `cleared: ${isCleared}`).toEqual([recovered]);
    }
    expect((await own.rows(table, { columns: "secret" })).filter(({ secret }) => secret === 1)).toHaveLength(1);
  });
});

test("every member, option, field and state is explained, and nothing else", () => {
  const headings = read(API).match(/^## .*/gm)!.join(" ").split(/\W+/);
  expect(members().filter((name) => !headings.includes(name))).toEqual([]);
  const [, states] = /  readonly state: (.*);/.exec(read("crates/client/npm/src/types.ts"))!;
  const named = (file: string, ...interfaces: string[]) => interfaces.flatMap((name) => [...fieldsOf(file, name).keys()]);
  for (const [heading, names] of [
    ["### Options", named("types", "StreamTableOptions")],
    ["## rows", named("types", "RowsOptions")],
    ["## subscribe", named("types", "SubscribeOptions")],
    ["## status", [...named("types", "Status"), ...states!.match(/\w+/g)!]],
    ["## on", [...named("stream_table", "StreamTableEvents"), ...named("types", "Ack")]],
    ["## Tables of this browser", named("browser_table", "BrowserTableInfo")],
    ["## Errors", [...named("errors", "StreamTableError"), "message", "rows", "cause"]],
  ] as const) {
    expect(sorted(explained(section(API, heading).split("\n### ")[0]!)), heading).toEqual(sorted(names));
  }
});

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}

test("every default is the one of the code", () => {
  let nNumbers = 0;
  for (const [heading, name] of [["### Options", "StreamTableOptions"], ["## rows", "RowsOptions"], ["## subscribe", "SubscribeOptions"]] as const) {
    for (const [option, comment] of fieldsOf("types", name)) {
      const [, said] = tableRows(section(API, heading)).find(([cell]) => cell === `\`${option}\``)!;
      expect(said, option).toBe(/Default: (.+?)\.(?=\s)/.exec(comment)?.[1] ?? "none");
      const [, digits, unit] = /^([\d,]+)( MiB)?$/.exec(said!) ?? [];
      if (digits === undefined || name !== "StreamTableOptions") continue;
      nNumbers += 1;
      expect(Number(digits.replaceAll(",", "")) * (unit ? 2 ** 20 : 1), option).toBe(defaultNumber(option));
    }
  }
  expect(nNumbers).toBe(7);
});

test("every error that there can be is explained, and no other", () => {
  const lists = section(API, "## Errors").split("\n### ").slice(1).join("\n");
  const documented = explained(lists).filter((code) => !code.startsWith("http_"));
  expect(sorted(documented)).toEqual(sorted([...codesOfPackage(), ...codesOfServer()]));
});

test("every attribute and error of the panel is explained, and no other", () => {
  expect(sorted(explained(section(API, "### streamtable/panel")))).toEqual(sorted(namesOfPanel()));
});

/** The place of a heading in an address, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-");
}

test("no link leads nowhere", () => {
  const own = "https://github.com/streamtable/streamtable/blob/main/";
  let nLinks = 0;
  for (const page of [...Object.keys(PAGES), "ARCHITECTURE.md", "CHANGELOG.md"]) {
    for (const [, link] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      const isOwn = link!.startsWith(own);
      if (!isOwn && link!.includes("://")) continue;
      nLinks += 1;
      const [file, anchor] = (isOwn ? link!.slice(own.length) : link!).split("#");
      const target = isOwn ? file! : file === "" ? page : path.join(path.dirname(page), file!);
      expect(existsSync(path.join(ROOT, target)), `${page}: ${link}`).toBe(true);
      const anchors = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      if (anchor !== undefined) expect(anchors, `${page}: ${link}`).toContain(anchor);
    }
  }
  expect(nLinks).toBeGreaterThan(20);
});
