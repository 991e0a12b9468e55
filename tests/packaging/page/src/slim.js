// The slim entry: the wasm is a file of its own, whose address the bundler gives.

import { start, StreamTable } from "streamtable/slim";

import { log, show } from "./log.js";

start(new URL("streamtable/streamtable.wasm", import.meta.url));
show(log(StreamTable, location.href));
