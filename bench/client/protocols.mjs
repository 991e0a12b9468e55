// What the services of the peers answer when all is well, and which rows a request brought: those whose column `step` it
// holds.

/**
 * @typedef {object} Protocol
 * @property {(path: string, body: string) => number[]} steps - The steps of the rows in a request, its body as text.
 * @property {string} contentType - The type of the answer.
 * @property {(nRows: number, nBytes: number) => string} answer - The body of the answer, which is 200.
 */

const stepsOf = (rows) => rows.map((row) => row.step).filter((step) => step !== undefined);
const isNotNull = (value) => value !== undefined && value !== null;

/** @type {Record<string, Protocol>} */
export const protocols = {
  posthogCapture: {
    contentType: "application/json",
    steps(_path, body) {
      const parsed = JSON.parse(body);
      const events = Array.isArray(parsed) ? parsed : (parsed.batch ?? parsed.data ?? [parsed]);
      return stepsOf(events.map((event) => event.properties));
    },
    answer: () => '{"status":"Ok"}',
  },

  otlp: {
    contentType: "application/json",
    steps(path, body) {
      // posthog-js sends more than logs there.
      if (!path.includes("/v1/logs")) return [];
      const records = JSON.parse(body).resourceLogs.flatMap((resource) => resource.scopeLogs).flatMap((scope) => scope.logRecords);
      const step = (record) => record.attributes.find(({ key }) => key === "step")?.value;
      return records.map(step).filter(isNotNull).map((value) => Number(value.intValue ?? value.doubleValue));
    },
    answer: () => '{"partialSuccess":{}}',
  },

  sentry: {
    contentType: "application/json",
    // An envelope is lines of JSON: its header, then a header and a payload for each item.
    steps(_path, body) {
      const payloads = body.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
      const logs = payloads.flatMap((payload) => (Array.isArray(payload.items) ? payload.items : []));
      return logs.map((log) => log.attributes.step?.value).filter(isNotNull);
    },
    answer: () => "{}",
  },

  snowplow: {
    contentType: "text/plain",
    steps(_path, body) {
      const events = JSON.parse(body).data;
      return stepsOf(events.map((event) => JSON.parse(event.ue_pr).data.data));
    },
    answer: () => "ok",
  },

  amplitude: {
    contentType: "application/json",
    steps(_path, body) {
      return stepsOf(JSON.parse(body).events.map((event) => event.event_properties ?? {}));
    },
    answer: (nRows, nBytes) =>
      JSON.stringify({ code: 200, events_ingested: nRows, payload_size_bytes: nBytes, server_upload_time: Date.now() }),
  },
};
