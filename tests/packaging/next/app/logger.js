"use client";

// Logs once it is mounted, to the table and server that the page's address names.

import { useEffect } from "react";
import { StreamTable } from "streamtable";

import { log } from "./log";

export function Logger() {
  useEffect(() => {
    log(StreamTable, location.href).then(
      (n) => (document.title = `stored ${n}`),
      (error) => (document.title = String(error)),
    );
  }, []);
  return null;
}
