//! `POST /query`: a view of a table, and some rows of it.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use wire::WireError;
use wire::api::QueryRequest;

use super::access::Caller;
use super::body;
use super::error::ApiError;
use super::params::Params;
use crate::keys::Right;
use crate::query::Question;
use crate::state::AppState;

/// The largest request, over whichever way it comes.
pub(super) const MAX_REQUEST_BYTES: usize = 256 << 10;

pub(super) async fn query(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(params): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    Params::parse(params.as_deref(), &[])?;
    let max_bytes = MAX_REQUEST_BYTES.min(state.limits().max_request_bytes);
    let (bytes, _room) = body::read(&headers, body, &state, max_bytes).await?;
    let request = read_request(&bytes)?;
    let question = Question::of(request, false)?;
    caller.access()?.check(Right::Read, &question.table)?;
    let answer = state.queries().ask(question).await?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, answer.json).into_response())
}

/// Reads a request's JSON.
pub(super) fn read_request(json: &[u8]) -> Result<QueryRequest, ApiError> {
    serde_json::from_slice(json).map_err(|error| {
        if error.is_data() {
            ApiError::parameter("body", error.to_string())
        } else {
            ApiError::Wire(WireError::Json(error.to_string()))
        }
    })
}
