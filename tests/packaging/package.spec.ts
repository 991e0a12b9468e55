// The package as such: what is in the tarball, how it is resolved, and what its types allow.

import { expect, test } from "../browser/fixtures.ts";
import { PACKAGE } from "../browser/servers.ts";
import { node, project, run, TARBALL, tool } from "./projects.ts";

test("the tarball holds what the package needs and nothing else", () => {
  const files = run(".", "tar", "tzf", TARBALL).trim().split("\n").map((file) => file.replace("package/", ""));
  const types = files.filter((file) => /^types\/(panel\/)?\w+\.d\.c?ts$/.test(file));
  expect(types.length).toBeGreaterThan(5);
  const panel = ["panel.cjs", "panel.js", "panel_board.js", "panel_shared.js"];
  const scripts = ["edge-light.js", "filter.cjs", "filter.js", "index.cjs", "index.js", ...panel, "slim.cjs", "slim.js", "workerd.js"];
  expect(files.filter((file) => !types.includes(file)).sort()).toEqual(
    [
      ...scripts.flatMap((file) => [file, `${file}.map`]),
      ...["filter", "index", "panel", "slim"].flatMap((entry) => [`${entry}.d.cts`, `${entry}.d.ts`]),
      ...["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json", "streamtable.wasm"],
    ].sort(),
  );
});

test("publint finds nothing", () => {
  expect(node(PACKAGE, tool("publint/src/cli.js"), "--strict")).toContain("All good!");
});

test("attw finds nothing, for any kind of resolution", () => {
  const printed = node(".", tool("@arethetypeswrong/cli/dist/index.js"), TARBALL, "--exclude-entrypoints", "streamtable.wasm", "--format", "ascii");
  for (const entry of ["streamtable", "streamtable/filter", "streamtable/panel", "streamtable/slim"]) expect(printed).toContain(`"${entry}"`);
});

const tsc = tool("typescript/bin/tsc");
for (const name of ["bundler", "node16"]) {
  test(`the types are exact, and hold under the strictest settings: ${name}`, () => {
    node(project("types"), tsc, "-p", `tsconfig.${name}.json`);
  });
}

test("the types hold in a page made with Vite", () => {
  node(project("vite"), tsc, "-p", ".");
});
