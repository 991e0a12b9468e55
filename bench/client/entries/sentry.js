// Sentry's logs, with the transport that keeps envelopes while the page is offline.

import * as Sentry from "@sentry/browser";

export function start({ url }) {
  Sentry.init({
    dsn: url.replace("://", "://public@") + "/1",
    enableLogs: true,
    transport: Sentry.makeBrowserOfflineTransport(Sentry.makeFetchTransport),
    transportOptions: { flushAtStartup: true },
  });
}

export function log(row) {
  Sentry.logger.info("row", row);
}
