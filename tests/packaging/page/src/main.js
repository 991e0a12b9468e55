// The entry as most pages take it in.

import { StreamTable } from "streamtable";

import { log, show } from "./log.js";

show(log(StreamTable, location.href));
