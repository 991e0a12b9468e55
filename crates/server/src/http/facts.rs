//! `GET /tables/{entity}/{project}/{table}/facts`: what a column holds.

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::params::{Params, TablePath, table_name};
use crate::query::FactsQuestion;
use crate::state::AppState;

/// How many parts the histogram has, and how many values are told, where the request does not say.
const DEFAULT_BINS: u64 = 48;
const DEFAULT_VALUES: u64 = 200;

pub(super) async fn facts(
    State(state): State<AppState>,
    path: TablePath,
    RawQuery(params): RawQuery,
) -> Result<Response, ApiError> {
    let name = table_name(path)?;
    let params = Params::parse(params.as_deref(), &["column", "query", "bins", "values"])?;
    let column = params.text("column").ok_or_else(|| ApiError::parameter("column", "it is missing"))?;
    let n_bins = params.number("bins")?.unwrap_or(DEFAULT_BINS);
    let n_values = params.number("values")?.unwrap_or(DEFAULT_VALUES);
    let question = FactsQuestion::new(name, column.to_owned(), params.text("query"), n_bins, n_values)?;
    let json = state.queries().facts(question).await?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, json).into_response())
}
