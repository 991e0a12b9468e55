// A Node program that requires the package and logs a row to the table and server it is told.

const { StreamTable } = require("streamtable");

const [server, table] = process.argv.slice(2);
const st = new StreamTable(table, { server });
st.log({ n: 1 });
st.finish().then(() => console.log(st.status.acknowledged));
