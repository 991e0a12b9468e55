// A page that logs to the table and server that its address names, in the way that it names, and says in its title when
// everything is stored.

import { StreamTable, StreamTableError } from "streamtable";

import { log } from "./log";

const ways: Record<string, () => Promise<number>> = {
  "": () => log(StreamTable, location.href),
  slim: async () => (await import("./slim")).stored,
  worker: async () => (await import("./threads")).stored,
};

try {
  const stored = await ways[new URLSearchParams(location.search).get("how") ?? ""]?.();
  document.title = `stored ${stored}`;
} catch (error) {
  document.title = error instanceof StreamTableError ? error.code : String(error);
}
