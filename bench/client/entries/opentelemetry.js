// OpenTelemetry's logs, in batches to an OTLP endpoint.

import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";

let logger;

export function start({ url }) {
  const exporter = new OTLPLogExporter({ url: `${url}/v1/logs` });
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ "service.name": "bench" }),
    processors: [new BatchLogRecordProcessor({ exporter })],
  });
  logger = provider.getLogger("bench");
}

export function log(row) {
  logger.emit({ severityNumber: SeverityNumber.INFO, severityText: "INFO", body: "row", attributes: row });
}
