//! What the server counts and measures, in the format of Prometheus (OpenMetrics text).
//!
//! Labels are of few values whoever asks: routes as they are declared, never addresses or tables.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The media type of the figures.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From a quarter of a millisecond to half a minute.
const SECONDS: [f64; 14] = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// A request's labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) method: &'static str,
    pub(crate) route: String,
    pub(crate) status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

/// What became of a row.
#[allow(non_camel_case_types)] // The labels are the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Outcome {
    stored,
    duplicate,
    refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: Outcome,
}

/// What a WebSocket is for.
#[allow(non_camel_case_types)] // The labels are the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Socket {
    tail,
    query,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SocketLabels {
    kind: Socket,
}

/// Figures that are looked up when they are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looked {
    pub(crate) is_ready: bool,
    pub(crate) n_tables: usize,
    pub(crate) n_rows: u64,
    pub(crate) n_stored_bytes: u64,
    pub(crate) n_query_bytes: usize,
    pub(crate) n_imports: usize,
}

/// The figures.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
    rows: Family<OutcomeLabels, Counter>,
    commit_seconds: Histogram,
    queue_bytes: Gauge,
    sockets: Family<SocketLabels, Gauge>,
    connections: Gauge,
    refused_connections: Counter,
    received_bytes: Counter,
    sent_bytes: Counter,
    ready: Gauge,
    tables: Gauge,
    table_rows: Gauge,
    stored_bytes: Gauge,
    query_bytes: Gauge,
    imports: Gauge,
    resident_bytes: Gauge,
}

/// Counts something for as long as it is held.
#[must_use]
pub(crate) struct Held {
    gauge: Gauge,
    n: i64,
}

impl Held {
    fn new(gauge: Gauge, n: i64) -> Self {
        gauge.inc_by(n);
        Self { gauge, n }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.dec_by(self.n);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("streamtable"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            rows: Family::default(),
            commit_seconds: histogram(),
            queue_bytes: Gauge::default(),
            sockets: Family::default(),
            connections: Gauge::default(),
            refused_connections: Counter::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            ready: Gauge::default(),
            tables: Gauge::default(),
            table_rows: Gauge::default(),
            stored_bytes: Gauge::default(),
            query_bytes: Gauge::default(),
            imports: Gauge::default(),
            resident_bytes: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered, by method, route and status", self.requests.clone());
        let help = "From a request's head to its answer's head";
        registry.register_with_unit("request", help, Unit::Seconds, self.request_seconds.clone());
        registry.register("rows", "Rows that came: stored, known already, or refused", self.rows.clone());
        let help = "From handing rows to the journal to their being safe: queue, transaction and fsync";
        registry.register_with_unit("commit", help, Unit::Seconds, self.commit_seconds.clone());
        let help = "Rows that are on their way to the journal, as they came";
        registry.register_with_unit("queue", help, Unit::Bytes, self.queue_bytes.clone());
        registry.register("sockets", "WebSockets that are open, by what they are for", self.sockets.clone());
        registry.register("connections", "Connections that are open, WebSockets included", self.connections.clone());
        let help = "Connections turned away because there were too many";
        registry.register("refused_connections", help, self.refused_connections.clone());
        registry.register_with_unit("received", "Bytes received", Unit::Bytes, self.received_bytes.clone());
        registry.register_with_unit("sent", "Bytes sent", Unit::Bytes, self.sent_bytes.clone());
        registry.register("ready", "Whether the journal takes rows", self.ready.clone());
        registry.register("tables", "Tables", self.tables.clone());
        registry.register("table_rows", "Rows of all tables", self.table_rows.clone());
        registry.register_with_unit("stored", "Encoded size of all rows", Unit::Bytes, self.stored_bytes.clone());
        let help = "Memory of the tables and views that queries hold";
        registry.register_with_unit("query_memory", help, Unit::Bytes, self.query_bytes.clone());
        registry.register("imports", "Imports under way", self.imports.clone());
        let help = "Resident memory of the process; 0 where the system does not tell";
        registry.register_with_unit("resident_memory", help, Unit::Bytes, self.resident_bytes.clone());
    }

    /// Takes in a request that was answered.
    pub(crate) fn request(&self, labels: &RequestLabels, took: Duration) {
        let route = RouteLabels { route: labels.route.clone() };
        self.request_seconds.get_or_create(&route).observe(took.as_secs_f64());
        self.requests.get_or_create(labels).inc();
    }

    /// Takes in rows.
    pub(crate) fn rows(&self, outcome: Outcome, n_rows: u64) {
        self.rows.get_or_create(&OutcomeLabels { outcome }).inc_by(n_rows);
    }

    /// Takes in how long the journal took for an append.
    pub(crate) fn commit(&self, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// Counts bytes that are on their way to the journal.
    pub(crate) fn queued(&self, n_bytes: usize) -> Held {
        Held::new(self.queue_bytes.clone(), i64::try_from(n_bytes).unwrap_or(i64::MAX))
    }

    /// Counts an open WebSocket.
    pub(crate) fn socket(&self, kind: Socket) -> Held {
        Held::new(self.sockets.get_or_create_owned(&SocketLabels { kind }), 1)
    }

    /// Counts an open connection.
    pub(crate) fn connection(&self) -> Held {
        Held::new(self.connections.clone(), 1)
    }

    /// Takes in a connection that was turned away.
    pub(crate) fn refused_connection(&self) {
        self.refused_connections.inc();
    }

    /// Takes in bytes of a connection.
    pub(crate) fn bytes(&self, n_received: usize, n_sent: usize) {
        self.received_bytes.inc_by(n_received as u64);
        self.sent_bytes.inc_by(n_sent as u64);
    }

    /// All figures as text.
    pub(crate) fn text(&self, looked: Looked) -> String {
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.ready.set(looked.is_ready.into());
        self.tables.set(gauge(looked.n_tables as u64));
        self.table_rows.set(gauge(looked.n_rows));
        self.stored_bytes.set(gauge(looked.n_stored_bytes));
        self.query_bytes.set(gauge(looked.n_query_bytes as u64));
        self.imports.set(gauge(looked.n_imports as u64));
        self.resident_bytes.set(gauge(resident_bytes().unwrap_or(0)));
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a String cannot fail");
        text
    }
}

/// The resident memory of this process, where the system has `/proc`.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}
