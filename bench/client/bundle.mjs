// Bundles pages with esbuild, as a page in production is.

import { gzipSync } from "node:zlib";

import { build } from "esbuild";

/**
 * A page's script; `aliases` says where what it imports is.
 *
 * @returns {Promise<Buffer>}
 */
export async function bundle(entry, aliases) {
  const { outputFiles } = await build({
    absWorkingDir: import.meta.dirname,
    alias: aliases,
    bundle: true,
    define: { "process.env.NODE_ENV": '"production"' },
    entryPoints: [entry],
    format: "esm",
    legalComments: "none",
    logLevel: "error",
    minify: true,
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return Buffer.from(outputFiles[0].contents);
}

/** Minified and gzipped bytes. */
export function weigh(script) {
  return gzipSync(script, { level: 9 }).length;
}
