// The slim entry: the wasm is a file of its own, whose address an import gives.

import { start, StreamTable } from "streamtable/slim";
import address from "streamtable/streamtable.wasm";

import { log, show } from "./log.js";

start(address);
show(log(StreamTable, location.href));
