//! Whether the server works, and what it can do.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use wire::api::Health;

use super::error::ApiError;
use crate::state::AppState;

const OPENAPI: &str = include_str!("../../openapi.yaml");

pub(super) async fn health(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    state.journal().check()?;
    Ok(Json(Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }))
}

/// Whether requests should be sent here now.
pub(super) async fn ready(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    state.check_ready()?;
    Ok(Json(Health { status: "ready".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }))
}

pub(super) async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/yaml")], OPENAPI)
}
