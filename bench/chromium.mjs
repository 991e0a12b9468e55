// What every bench starts Chromium with, and what it records of it.

/** It reaches loopback only. */
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/** Options of Playwright's `launch`. */
export const LAUNCH = {
  executablePath: process.env.CHROMIUM_PATH || undefined,
  args: [...FLAGS, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
};

/** DevTools shows these events as "Task"; the marks tell which thread is the page's main thread. */
export const TRACED = ["disabled-by-default-devtools.timeline", "blink.user_timing"];
