// posthog-js, a log record a row.

import posthog from "posthog-js";

import { posthogOptions } from "./posthog_options.js";

export function start({ url, isLimitRaised }) {
  // By default a thousand records are taken every three seconds.
  const limit = isLimitRaised ? { maxLogsPerInterval: 100_000 } : {};
  posthog.init("phc_bench", { ...posthogOptions(url), logs: { serviceName: "bench", ...limit } });
}

export function log(row) {
  posthog.logger.info("row", row);
}
