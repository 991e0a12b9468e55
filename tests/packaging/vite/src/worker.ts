// A worker that logs to the table that the address it is sent names.

import { StreamTable } from "streamtable";

import { log } from "./log";

onmessage = ({ data }: MessageEvent<string>) => void log(StreamTable, data).then((n) => postMessage(n));
