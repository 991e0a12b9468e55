// A page that logs to the table and server that its address names, and says in its title when everything is stored.

import { StreamTable, StreamTableError } from "streamtable";

const query = new URLSearchParams(location.search);
const st = new StreamTable(query.get("table") ?? "t", { server: query.get("server") ?? undefined });

try {
  st.log({ n: 0, text: "from a page", when: new Date(0) });
  st.log([{ n: 1 }, { n: 2, image: new Blob(["x"], { type: "image/png" }) }]);
  await st.finish();
  document.title = `stored ${st.status.acknowledged}`;
} catch (error) {
  document.title = error instanceof StreamTableError ? error.code : String(error);
}
