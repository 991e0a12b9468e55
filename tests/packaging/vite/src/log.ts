// What each way logs.

import type { StreamTable } from "streamtable";

/** Logs to the table that the address `href` names; gives how many rows were stored. */
export async function log(Class: typeof StreamTable, href: string): Promise<number> {
  const query = new URL(href).searchParams;
  const st = new Class(query.get("table") ?? "t", { server: query.get("server") ?? undefined });
  st.log({ n: 0, text: "from a page", when: new Date(0) });
  st.log([{ n: 1 }, { n: 2, image: new Blob(["x"], { type: "image/png" }) }]);
  await st.finish();
  return st.status.acknowledged;
}
