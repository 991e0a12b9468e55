// The slim entry: the wasm is a file of its own, whose address Vite gives.

import { start, StreamTable } from "streamtable/slim";
import address from "streamtable/streamtable.wasm?url";

import { log } from "./log";

void start(address);
export const stored = log(StreamTable, location.href);
