// A Node program that logs a row to the table and server it is told, and prints what it reads back.

import { StreamTable } from "streamtable";

const [server, table] = process.argv.slice(2);
const st = new StreamTable(table, { server });
st.log({ n: 2n ** 60n, bytes: new Uint8Array([1, 2]), image: new Blob(["x"], { type: "image/png" }), zero: -0 });
await st.finish();
for await (const { n, bytes, image, zero } of st.rows()) {
  console.log(JSON.stringify([String(n), [...bytes], image.type, await image.text(), Object.is(zero, -0), st.status.acknowledged]));
}
