// The entry as older pages take it in.

const { StreamTable } = require("streamtable");
const { log, show } = require("./log.js");

show(log(StreamTable, location.href));
