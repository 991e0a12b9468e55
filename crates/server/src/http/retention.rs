//! `…/retention`: how much is kept of a table.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use model::TableName;
use wire::api::{RetentionBody, RetentionInfo};

use super::error::ApiError;
use super::params::{TablePath, table_name};
use crate::journal::Retention;
use crate::state::AppState;

/// Says what holds for a table.
pub(super) async fn read(State(state): State<AppState>, path: TablePath) -> Result<Json<RetentionInfo>, ApiError> {
    info(&state, table_name(path)?)
}

/// Sets it for a table; what the body leaves out has no limit.
pub(super) async fn set(
    State(state): State<AppState>,
    path: TablePath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<RetentionInfo>, ApiError> {
    let name = match table_name(path) {
        Ok(name) => name,
        Err(error) => {
            super::body::discard(body).await;
            return Err(error);
        }
    };
    let (bytes, _room) = super::body::read(&headers, body, &state, state.limits().max_request_bytes).await?;
    let RetentionBody { age_seconds: max_age_seconds, rows: max_rows, bytes: max_bytes } = parse(&bytes)?;
    let retention = Retention { max_age_seconds, max_rows, max_bytes };
    let retention = retention.check().map_err(|error| ApiError::Retention(error.to_string()))?;
    change(&state, name, Some(retention)).await
}

/// Leaves a table to the server's default.
pub(super) async fn reset(State(state): State<AppState>, path: TablePath) -> Result<Json<RetentionInfo>, ApiError> {
    change(&state, table_name(path)?, None).await
}

fn parse(bytes: &[u8]) -> Result<RetentionBody, ApiError> {
    // A list would do for a struct all of whose fields may be missing.
    let object = serde_json::from_slice(bytes).map(serde_json::Value::Object);
    object.and_then(serde_json::from_value).map_err(|error| ApiError::Retention(error.to_string()))
}

async fn change(
    state: &AppState,
    name: TableName,
    retention: Option<Retention>,
) -> Result<Json<RetentionInfo>, ApiError> {
    match state.journal().set_retention(&name, retention).await? {
        true => info(state, name),
        false => Err(ApiError::UnknownTable(name)),
    }
}

fn info(state: &AppState, name: TableName) -> Result<Json<RetentionInfo>, ApiError> {
    let table = state.journal().table(&name).ok_or(ApiError::UnknownTable(name))?;
    let kept = table.retention.unwrap_or_else(|| state.journal().default_retention());
    let Retention { max_age_seconds: age_seconds, max_rows: rows, max_bytes: bytes } = kept;
    Ok(Json(RetentionInfo { is_own: table.retention.is_some(), age_seconds, rows, bytes }))
}
