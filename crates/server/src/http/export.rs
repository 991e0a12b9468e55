//! `POST …/export`: a table's rows as `GET …/rows` gives them, for a page's form: it can send no header, and a key must not stand
//! in an address.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::access::Caller;
use super::error::ApiError;
use super::params::{Params, TablePath, table_name};
use super::rows;
use crate::keys::Right;
use crate::state::AppState;

/// The largest form.
const MAX_FORM_BYTES: usize = 4 << 10;

pub(super) async fn export(
    State(state): State<AppState>,
    caller: Caller,
    path: TablePath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (form, _) = super::body::read(&headers, body, &state, MAX_FORM_BYTES).await?;
    let form = Params::parse(Some(&String::from_utf8_lossy(&form)), &["key"])?;
    let name = table_name(path)?;
    caller.admit(form.text("key"), Right::Read, &name)?;
    rows::send(&state, name, query.as_deref()).await
}
