// posthog-js, an event a row. It captures no page views, clicks or sessions, and loads no further scripts.

import posthog from "posthog-js";

import { posthogOptions } from "./posthog_options.js";

export function start({ url, isLimitRaised }) {
  // By default ten events a second are taken, and a hundred at once.
  const rate_limiting = isLimitRaised ? { events_per_second: 100_000, events_burst_limit: 100_000 } : {};
  posthog.init("phc_bench", { ...posthogOptions(url), rate_limiting });
}

export function log(row) {
  posthog.capture("row", row);
}
