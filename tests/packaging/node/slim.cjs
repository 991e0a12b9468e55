// A Node program that requires the slim entry, gives it the wasm's bytes, and logs a row to the table it is told.

const { readFile } = require("node:fs/promises");

const { start, StreamTable } = require("streamtable/slim");

const [server, table] = process.argv.slice(2);
start(readFile(require.resolve("streamtable/streamtable.wasm")));
const st = new StreamTable(table, { server });
st.log({ n: 1 });
st.finish().then(() => console.log(st.status.acknowledged));
