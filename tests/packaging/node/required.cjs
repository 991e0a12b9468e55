// The package taken in by `require`, which imports nothing until it is used.

const { StreamTable } = require("streamtable");
console.log(new StreamTable("p/t").name);
