//! The ports on tokio and reqwest.

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use model::{TableName, WriterId};
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use tokio::sync::broadcast;
use tokio::time::Instant;
use wire::api::{API_PREFIX, ErrorBody, ErrorDetail};

use crate::options::Options;
use crate::ports::{Clock, Notice, Observer, Random, Reply, Transport};

/// A body this small travels as it is.
const MIN_GZIP_BYTES: usize = 1_400;

/// Posts rows to one table.
pub(crate) struct Http {
    client: reqwest::Client,
    url: String,
    timeout: Duration,
}

impl Http {
    /// Gets ready; nothing is sent.
    pub(crate) fn new(client: reqwest::Client, options: &Options, name: &TableName) -> Self {
        let timeout = Duration::from_millis(options.request_timeout_millis.into());
        Self { client, url: rows_url(&options.server, name), timeout }
    }

    async fn post(&self, body: String) -> reqwest::Result<Reply> {
        let request =
            self.client.post(&self.url).timeout(self.timeout).header(CONTENT_TYPE, wire::append::CONTENT_TYPE);
        let request = match gzip(&body) {
            Some(gzipped) => request.header(CONTENT_ENCODING, "gzip").body(gzipped),
            None => request.body(body),
        };
        let response = request.send().await?;
        let (status, retry_after_millis) = (response.status(), retry_after_millis(response.headers()));
        let body = response.bytes().await?;
        if matches!(status.as_u16(), 200 | 422)
            && let Ok(ack) = serde_json::from_slice(&body)
        {
            return Ok(Reply::Ack(ack));
        }
        if status.is_success() {
            return Ok(Reply::Lost("the answer is not one of a StreamTable server".to_owned()));
        }
        let (code, message) = error_detail(&body).map_or((None, None), |d| (Some(d.code), Some(d.message)));
        Ok(Reply::Error { status: status.as_u16(), code, message, retry_after_millis })
    }
}

impl Transport for Http {
    async fn append(&self, body: String) -> Reply {
        self.post(body).await.unwrap_or_else(|error| Reply::Lost(describe(&error)))
    }
}

/// Where a table's rows stand.
pub(crate) fn rows_url(server: &str, name: &TableName) -> String {
    format!("{}{API_PREFIX}/tables/{name}/rows", server.trim_end_matches('/'))
}

/// The reason that a body gives, if it gives one.
pub(crate) fn error_detail(body: &[u8]) -> Option<ErrorDetail> {
    serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.error)
}

/// An error with its causes, which is where the network's own say stands.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn gzip(body: &str) -> Option<Vec<u8>> {
    if body.len() < MIN_GZIP_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body.as_bytes()).ok()?;
    encoder.finish().ok()
}

/// Seconds; a date is left to the backoff.
fn retry_after_millis(headers: &HeaderMap) -> Option<u64> {
    let seconds: u32 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(u64::from(seconds) * 1000)
}

/// The clock of tokio, which tests can stop.
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    /// Starts at zero.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now_millis(&self) -> u64 {
        self.0.elapsed().as_millis() as u64
    }

    fn sleep(&self, millis: u64) -> impl Future<Output = ()> {
        tokio::time::sleep(Duration::from_millis(millis))
    }
}

/// The system's chance.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn unit(&self) -> f64 {
        // Half is as good a jitter as any where the system has no chance to give.
        getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// A writer nobody else has; `None` where the system has no chance to give.
pub(crate) fn new_writer() -> Option<WriterId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(WriterId::from_bytes(bytes))
}

/// Tells whoever listens.
pub(crate) struct Broadcast(pub(crate) broadcast::Sender<Notice>);

impl Observer for Broadcast {
    fn notice(&self, notice: Notice) {
        // Nobody listening is no error.
        let _ = self.0.send(notice);
    }
}
