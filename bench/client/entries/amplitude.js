// Amplitude, an event a row. It captures nothing by itself and asks for no configuration of the project.

import * as amplitude from "@amplitude/analytics-browser";

export function start({ url }) {
  amplitude.init("bench", { serverUrl: `${url}/2/httpapi`, autocapture: false, enableDiagnostics: false, remoteConfig: { fetchRemoteConfig: false } });
}

export function log(row) {
  amplitude.track("row", row);
}
