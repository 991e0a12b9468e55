// Snowplow, a self-describing event a row; it keeps what waits in localStorage by default.

import { newTracker, trackSelfDescribingEvent } from "@snowplow/browser-tracker";

const schema = "iglu:com.example/row/jsonschema/1-0-0";

export function start({ url }) {
  newTracker("bench", url, { appId: "bench" });
}

export function log(row) {
  trackSelfDescribingEvent({ event: { schema, data: row } });
}
