// Puts the package together: `node build.mjs GLUE_FOLDER OUT_FOLDER`, where GLUE_FOLDER holds what wasm-bindgen wrote,
// for the filter in its folder `filter`. Called by `cargo xtask npm`.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { bundle } from "./build/bundle.mjs";
import { here } from "./build/run.mjs";
import { declare } from "./build/types.mjs";
import { shrink } from "./build/wasm.mjs";

const root = join(here, "../../..");
const [glue, out] = process.argv.slice(2);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const core = await shrink(glue, "streamtable");
cpSync(core.wasm, join(out, "streamtable.wasm"));
await bundle(core, await shrink(join(glue, "filter"), "filter"), out);
declare(out);
cpSync(join(here, "README.md"), join(out, "README.md"));
for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) cpSync(join(root, name), join(out, name));

// Last of all: whoever asks whether the package is there asks for this file.
const { scripts, devDependencies, ...manifest } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
// The sources are not in the package.
manifest.sideEffects = manifest.sideEffects.filter((file) => !file.startsWith("./src/"));
writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
