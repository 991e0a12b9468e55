// The slim entry, started once rows wait.

import { start, StreamTable } from "streamtable/slim";

import { log, show } from "./log.js";

show(log(StreamTable, location.href));
setTimeout(() => start(fetch("/streamtable/streamtable.wasm")), 100);
