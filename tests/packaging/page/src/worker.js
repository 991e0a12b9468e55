// A worker that logs to the table that the address it is sent names.

import { StreamTable } from "streamtable";

import { log } from "./log.js";

onmessage = ({ data }) => log(StreamTable, data).then(postMessage);
