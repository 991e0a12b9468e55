// The libraries that are compared, in the order in which they are measured and shown.

/**
 * @typedef {object} Library
 * @property {string} name - How `--only` and the table call it.
 * @property {string} entry - The file of `entries` that starts it and logs a row.
 * @property {string | null} npm - The package whose version is shown.
 * @property {keyof typeof import("./protocols.mjs").protocols | "streamtable" | null} protocol - How its rows come to the endpoint.
 */

/** @type {Library[]} */
export const libraries = [
  { name: "nothing", entry: "nothing.js", npm: null, protocol: null },
  { name: "bare-put", entry: "put.js", npm: null, protocol: null },
  { name: "streamtable", entry: "streamtable.js", npm: "streamtable", protocol: "streamtable" },
  { name: "posthog-capture", entry: "posthog_capture.js", npm: "posthog-js", protocol: "posthogCapture" },
  { name: "posthog-logs", entry: "posthog_logs.js", npm: "posthog-js", protocol: "otlp" },
  { name: "sentry-logs", entry: "sentry.js", npm: "@sentry/browser", protocol: "sentry" },
  { name: "snowplow", entry: "snowplow.js", npm: "@snowplow/browser-tracker", protocol: "snowplow" },
  { name: "amplitude", entry: "amplitude.js", npm: "@amplitude/analytics-browser", protocol: "amplitude" },
  { name: "opentelemetry-logs", entry: "opentelemetry.js", npm: "@opentelemetry/sdk-logs", protocol: "otlp" },
];
