// A worker that logs to the table and server that a request's address names, and answers how many rows were stored.

import { StreamTable } from "streamtable";

import { log } from "log";

export default {
  async fetch({ url }) {
    return new Response(String(await log(StreamTable, url)));
  },
};
