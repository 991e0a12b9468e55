//! The HTTP API: the routes, and what holds for all of them.

mod append;
mod board;
mod body;
mod error;
mod facts;
mod health;
mod live;
mod params;
mod query;
mod retention;
mod rows;
mod rows_format;
mod socket;
mod tables;
mod tail;

use std::time::Duration;

use axum::Router;
use axum::http::{Method, header};
use axum::routing::{get, post};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

pub use error::ApiError;

use crate::journal::JournalError;
use crate::state::AppState;

/// Every route of the server.
pub fn app(state: AppState) -> Router {
    let api = Router::new()
        .route("/health", get(health::health))
        .route("/openapi.yaml", get(health::openapi))
        .route("/tables", get(tables::list))
        .route("/tables/{entity}/{project}/{table}", get(tables::info).delete(tables::delete))
        .route(
            "/tables/{entity}/{project}/{table}/retention",
            get(retention::read).put(retention::set).delete(retention::reset),
        )
        .route("/tables/{entity}/{project}/{table}/rows", post(append::append).get(rows::rows))
        .route("/tables/{entity}/{project}/{table}/facts", get(facts::facts))
        .route("/query", post(query::query).get(live::live))
        .route("/tail/{entity}/{project}/{table}", get(tail::tail));
    Router::new()
        .nest(wire::api::API_PREFIX, api)
        .fallback(board::fallback)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(cors())
        .with_state(state)
}

/// Any page may log and read: a key, not the page's address, will say who may do what.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .allow_private_network(true)
        .expose_headers([header::RETRY_AFTER])
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
