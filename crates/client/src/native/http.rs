//! Requests that carry rows, and what comes back.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use model::TableName;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use wire::api::{API_PREFIX, Ack, ErrorBody, ErrorDetail};

use crate::uploader::Answer;

/// A body this small travels as it is.
const MIN_GZIP_BYTES: usize = 1_400;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The server dealt with the rows.
    Ack(Ack),
    /// The server answered with an error.
    Error {
        /// The HTTP status.
        status: u16,
        /// The reason, where it is one of a StreamTable server's.
        detail: Option<ErrorDetail>,
        /// What it asked for by `Retry-After`.
        retry_after_millis: Option<u64>,
    },
    /// There was no answer, or one that no StreamTable server gives.
    Lost(String),
}

impl Reply {
    /// What the machine is told of it.
    pub(crate) fn answer(&self) -> Answer {
        match self {
            Reply::Ack(ack) => Answer::Acked(ack.acked_seq),
            Reply::Error { status, detail, retry_after_millis } => {
                Answer::Refused { status: *status, is_ours: detail.is_some(), retry_after_millis: *retry_after_millis }
            }
            Reply::Lost(_) => Answer::Lost,
        }
    }

    /// A code and a sentence that say why no row was taken.
    pub(crate) fn reason(&self) -> (String, String) {
        match self {
            Reply::Error { detail: Some(detail), .. } => (detail.code.clone(), detail.message.clone()),
            Reply::Error { status, .. } => (format!("http_{status}"), format!("it answered with status {status}")),
            Reply::Ack(_) => ("network".to_owned(), "the answer acknowledges none of the rows".to_owned()),
            Reply::Lost(message) => ("network".to_owned(), message.clone()),
        }
    }
}

/// A request's body (see `wire::append`), gzipped where that pays.
pub(crate) struct Body {
    bytes: Vec<u8>,
    is_gzipped: bool,
}

impl Body {
    /// Gets a body ready; takes a while for a large one.
    pub(crate) fn new(text: String) -> Self {
        match gzip(&text) {
            Some(bytes) => Self { bytes, is_gzipped: true },
            None => Self { bytes: text.into_bytes(), is_gzipped: false },
        }
    }
}

fn gzip(text: &str) -> Option<Vec<u8>> {
    if text.len() < MIN_GZIP_BYTES {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text.as_bytes()).ok()?;
    encoder.finish().ok()
}

/// Posts rows to one table.
pub(crate) struct Http {
    client: reqwest::Client,
    url: String,
    timeout: Duration,
}

impl Http {
    /// Gets ready; nothing is sent.
    pub(crate) fn new(client: reqwest::Client, server: &str, table: &TableName, timeout: Duration) -> Self {
        Self { client, url: rows_url(server, table), timeout }
    }

    /// Posts a body. It gives up by itself after its timeout.
    pub(crate) async fn append(&self, body: Body) -> Reply {
        self.post(body).await.unwrap_or_else(|error| Reply::Lost(describe(&error)))
    }

    async fn post(&self, body: Body) -> reqwest::Result<Reply> {
        let mut request =
            self.client.post(&self.url).timeout(self.timeout).header(CONTENT_TYPE, wire::append::CONTENT_TYPE);
        if body.is_gzipped {
            request = request.header(CONTENT_ENCODING, "gzip");
        }
        let response = request.body(body.bytes).send().await?;
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
        Ok(Reply::Error { status: status.as_u16(), detail: error_detail(&body), retry_after_millis })
    }
}

/// Where a table's rows stand.
pub(crate) fn rows_url(server: &str, table: &TableName) -> String {
    format!("{}{API_PREFIX}/tables/{table}/rows", server.trim_end_matches('/'))
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

/// Seconds; a date is left to the backoff.
fn retry_after_millis(headers: &HeaderMap) -> Option<u64> {
    let seconds: u32 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(u64::from(seconds) * 1000)
}
