//! `POST …/import`: a whole file of rows, of any size, stored batch by batch while it comes.

mod run;
mod source;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{ColumnType, Seq, TableName, WriterId};

use self::run::Import;
use self::source::Source;
use super::access::Caller;
use super::append::media_type;
use super::body;
use super::error::ApiError;
use super::params::{Params, TablePath, table_name};
use crate::journal::JournalError;
use crate::state::AppState;

const TAKEN: &str = "text/csv, application/x-ndjson, application/json, application/vnd.apache.arrow.stream or \
    application/vnd.apache.parquet";

/// What a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Csv,
    Lines,
    Json,
    Arrow,
    Parquet,
}

/// What is asked for, apart from the rows.
struct Target {
    table: TableName,
    kind: FileKind,
    /// Whether the file says that it is gzipped; that it is shows also by how it starts.
    is_gzip: bool,
    origin: Option<(WriterId, Seq)>,
    types: HashMap<String, ColumnType>,
}

pub(super) async fn import(
    State(state): State<AppState>,
    caller: Caller,
    path: TablePath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let turn = || Arc::clone(state.imports()).try_acquire_owned().map_err(|_| ApiError::ImportsFull);
    let admitted = target(path, query.as_deref(), &headers)
        .and_then(|target| Ok((target, caller.access()?.clone())))
        .and_then(|(target, access)| Ok((target, access, turn()?)));
    let (target, access, turn) = match admitted {
        Ok(admitted) => admitted,
        Err(error) => {
            body::discard(body).await;
            return Err(error);
        }
    };
    let (sender, source) = Source::new(state.limits().max_import_bytes);
    let import = Import::new(state.clone(), target, access);
    let run = tokio::task::spawn_blocking(move || {
        let outcome = import.run(source);
        drop(turn);
        outcome
    });
    let rest = sender.feed(body, Duration::from_secs(state.limits().max_silence_seconds)).await;
    let outcome = run.await.unwrap_or_else(|error| Err(JournalError::Internal(error.to_string()).into()));
    if let (Err(_), Some(mut rest)) = (&outcome, rest) {
        body::discard_rest(&mut rest).await;
    }
    let (ack, n_rows) = outcome?;
    let all_refused = n_rows > 0 && ack.refused.len() as u64 == n_rows;
    Ok((if all_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, Json(ack)).into_response())
}

/// What is known of a request before its body is read.
fn target(path: TablePath, query: Option<&str>, headers: &HeaderMap) -> Result<Target, ApiError> {
    let table = table_name(path)?;
    let header = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let content_type = header(header::CONTENT_TYPE).unwrap_or("a body without a Content-Type");
    let kind = match media_type(content_type).as_str() {
        "text/csv" => FileKind::Csv,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => FileKind::Lines,
        "application/json" => FileKind::Json,
        wire::arrow::CONTENT_TYPE => FileKind::Arrow,
        wire::files::PARQUET_CONTENT_TYPE | "application/x-parquet" => FileKind::Parquet,
        _ => return Err(ApiError::media_type(content_type, TAKEN)),
    };
    let is_gzip = match header(header::CONTENT_ENCODING) {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip") => true,
        Some(other) => return Err(ApiError::Encoding(other.to_owned())),
    };
    let known: &[&str] = if kind == FileKind::Csv { &["writer", "seq", "types"] } else { &["writer", "seq"] };
    let params = Params::parse(query, known)?;
    let origin = match (params.text("writer"), params.number("seq")?) {
        (None, None) => None,
        (Some(writer), seq) if seq != Some(0) => Some((writer.parse()?, seq.unwrap_or(1))),
        (Some(_), _) => return Err(ApiError::parameter("seq", "it counts from 1")),
        (None, Some(_)) => return Err(ApiError::parameter("seq", "it numbers the rows of a writer, which is missing")),
    };
    let types = params.text("types").map(parse_types).transpose()?.unwrap_or_default();
    Ok(Target { table, kind, is_gzip, origin, types })
}

/// Reads `{"column":"type"}`.
fn parse_types(text: &str) -> Result<HashMap<String, ColumnType>, ApiError> {
    let bad = |reason: String| ApiError::parameter("types", reason);
    let named: HashMap<String, String> = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
    let typed = |(column, name): (String, String)| match name.parse() {
        Ok(column_type) => Ok((column, column_type)),
        Err(_) => Err(bad(format!("{name:?} is no type of a column"))),
    };
    named.into_iter().map(typed).collect()
}
