//! The HTTP API: the routes, and what holds for all of them.

mod access;
mod append;
mod board;
mod body;
mod error;
mod export;
mod facts;
mod gather;
mod health;
mod import;
mod key;
mod live;
mod metrics;
mod observe;
mod params;
mod query;
mod retention;
mod rows;
mod rows_format;
mod security;
mod socket;
mod tables;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

pub use error::ApiError;

use crate::journal::JournalError;
use crate::state::AppState;

/// Every route of the server.
pub fn app(state: AppState) -> Router {
    let api = Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/openapi.yaml", get(health::openapi))
        .route("/key", get(key::key))
        .route("/tables", get(tables::list))
        .route("/tables/{entity}/{project}/{table}", get(tables::info).delete(tables::delete))
        .route(
            "/tables/{entity}/{project}/{table}/retention",
            get(retention::read).put(retention::set).delete(retention::reset),
        )
        .route("/tables/{entity}/{project}/{table}/rows", post(append::append).get(rows::rows))
        .route("/tables/{entity}/{project}/{table}/export", post(export::export))
        .route("/tables/{entity}/{project}/{table}/import", post(import::import))
        .route("/tables/{entity}/{project}/{table}/facts", get(facts::facts))
        .route("/query", post(query::query).get(live::live))
        .route("/tail/{entity}/{project}/{table}", get(tail::tail));
    let mut app = Router::new()
        .nest(wire::api::API_PREFIX, api)
        .fallback(board::fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(state.clone(), access::check))
        .layer(compression())
        .layer(cors(&state));
    // Figures are no business of other pages, so they come without the headers that would let these read them.
    if state.metrics_apart() {
        app = app.route("/metrics", get(unknown_path));
    } else {
        let checked = get(metrics::metrics).layer(from_fn_with_state(state.clone(), access::check));
        app = app.route("/metrics", checked);
    }
    app.layer(from_fn(security::headers)).layer(from_fn_with_state(state.clone(), observe::observe)).with_state(state)
}

/// The one route of an address that is only for figures.
pub fn metrics_app(state: AppState) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .fallback(unknown_path)
        .layer(from_fn(security::headers))
        .with_state(state)
}

async fn unknown_path(uri: axum::http::Uri) -> ApiError {
    ApiError::UnknownPath(uri.path().to_owned())
}

/// Gzip for those who take it, but not for what is compressed already.
fn compression() -> CompressionLayer<impl Predicate> {
    let predicate = DefaultPredicate::new().and(NotForContentType::const_new(wire::files::PARQUET_CONTENT_TYPE));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(predicate)
}

/// Pages of any origin may append and read where there are no keys; where there are, those of the origins that some key is for:
/// which it is, often only the body says, and a page that may not is told so. No page from elsewhere may delete, nor say what
/// is kept.
fn cors(state: &AppState) -> CorsLayer {
    let keys = Arc::clone(state.keys());
    let takes = move |origin: &HeaderValue, _: &Parts| origin.to_str().is_ok_and(|origin| keys.may_use_some(origin));
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(takes))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .allow_private_network(true)
        .expose_headers([header::RETRY_AFTER, observe::REQUEST_ID])
        .max_age(Duration::from_secs(24 * 60 * 60))
}

async fn method_not_allowed(method: Method) -> ApiError {
    ApiError::Method(method.to_string())
}

/// Runs what would hold up other requests on a thread of its own.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(JournalError::Internal(error.to_string()).into()))
}
