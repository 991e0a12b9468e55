//! Each request has an id, a line in the log and its place in the figures.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::metrics::RequestLabels;
use crate::state::AppState;

/// The header that names a request, in the request where whoever stands in front of the server has named it, and in the
/// answer.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_ID_CHARS: usize = 64;

pub(super) async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request.headers().get(&REQUEST_ID).filter(|id| is_id(id)).cloned().unwrap_or_else(next_id);
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("board", MatchedPath::as_str).to_owned();
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or(""), method, path);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), start.elapsed());
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::debug!(status, micros, "answered"));
    state.metrics().request(&RequestLabels { method, route, status }, took);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Whether a name may go into the log as it is.
fn is_id(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    !bytes.is_empty() && bytes.len() <= MAX_ID_CHARS && bytes.iter().all(is_plain)
}

/// An id that no other run of the server gives.
fn next_id() -> HeaderValue {
    static RUN: LazyLock<u64> = LazyLock::new(|| getrandom::u64().unwrap_or(0));
    static N_GIVEN: AtomicU64 = AtomicU64::new(0);
    let text = format!("{:016x}-{}", *RUN, N_GIVEN.fetch_add(1, Ordering::Relaxed));
    HeaderValue::try_from(text).expect("digits fit a header")
}

/// The method as a label, of which there must be few.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
