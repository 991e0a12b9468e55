// A route in Node that logs to the table and server that its address names.

import { StreamTable } from "streamtable";

import { log } from "../log";

export async function GET({ url }) {
  return new Response(String(await log(StreamTable, url)));
}
