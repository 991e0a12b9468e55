//! `POST …/rows`: a body becomes rows, the good ones go to the journal, the bad ones are named.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use model::{Batch, BatchBuilder, Row, Schema, Seq, TableName, WriterId};
use wire::WireError;
use wire::api::{Ack, Refusal};
use wire::append::Header;

use super::error::ApiError;
use super::params::{Params, TablePath, table_name};
use crate::config::Limits;
use crate::journal::{Append, Appended, MAX_BATCH_CELLS, Origin};
use crate::state::AppState;

/// A body larger than this is decoded off the request's thread.
const LARGE_BODY_BYTES: usize = 128 << 10;

/// A body with more bad rows than this is no mishap, and its answer would be larger than itself.
const MAX_REFUSALS: usize = 10_000;

/// What a body may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyKind {
    /// A header line, then a row a line.
    Framed,
    /// A row a line.
    Lines,
    /// One row or a list of rows.
    Json,
}

pub(super) async fn append(
    State(state): State<AppState>,
    path: TablePath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<Response, ApiError> {
    let (table, kind, origin) = match target(path, query.as_deref(), &headers) {
        Ok(target) => target,
        Err(error) => {
            super::body::discard(body).await;
            return Err(error);
        }
    };
    let bytes = super::body::read(&headers, body, state.limits()).await?;
    let reservation = state.journal().reserve(bytes.len())?;
    let known = state.journal().table(&table).map(|table| Arc::clone(&table.schema)).unwrap_or_default();
    let decoder = Decoder::new(state.limits(), known);
    let rows = if bytes.len() < LARGE_BODY_BYTES {
        decoder.decode(kind, origin, &bytes)?
    } else {
        super::blocking(move || decoder.decode(kind, origin, &bytes)).await?
    };
    let acked_seq = rows.origin.as_ref().map_or(0, |origin| origin.last_seq);
    let appended = if rows.batches.is_empty() {
        Appended { n_stored: 0, n_duplicate: 0, first_offset: None }
    } else {
        state.journal().append(Append { table, origin: rows.origin, batches: rows.batches, reservation }).await?
    };
    let all_refused = rows.n_rows > 0 && rows.refused.len() as u64 == rows.n_rows;
    let ack = Ack {
        acked_seq,
        n_stored: appended.n_stored,
        n_duplicate: appended.n_duplicate,
        first_offset: appended.first_offset,
        refused: rows.refused,
    };
    Ok((if all_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, Json(ack)).into_response())
}

type Target = (TableName, BodyKind, Option<(WriterId, Seq)>);

/// What is known of a request before its body is read.
fn target(path: TablePath, query: Option<&str>, headers: &HeaderMap) -> Result<Target, ApiError> {
    let table = table_name(path)?;
    let kind = body_kind(headers)?;
    let params = Params::parse(query, if kind == BodyKind::Framed { &[] } else { &["writer", "seq"] })?;
    Ok((table, kind, origin(&params)?))
}

fn body_kind(headers: &HeaderMap) -> Result<BodyKind, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Err(ApiError::MediaType("a body without a Content-Type".to_owned()));
    };
    let text = value.to_str().unwrap_or("?");
    match text.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        wire::append::CONTENT_TYPE => Ok(BodyKind::Framed),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(BodyKind::Lines),
        "application/json" => Ok(BodyKind::Json),
        _ => Err(ApiError::MediaType(text.to_owned())),
    }
}

fn origin(params: &Params) -> Result<Option<(WriterId, Seq)>, ApiError> {
    match (params.text("writer"), params.number("seq")?) {
        (None, None) => Ok(None),
        (Some(writer), Some(seq)) if seq > 0 => Ok(Some((writer.parse()?, seq))),
        (Some(_), Some(_)) => Err(ApiError::parameter("seq", "it counts from 1")),
        (Some(_), None) => Err(ApiError::parameter("seq", "writer and seq come together")),
        (None, Some(_)) => Err(ApiError::parameter("writer", "writer and seq come together")),
    }
}

/// What a body holds.
#[derive(Debug)]
struct Rows {
    origin: Option<Origin>,
    batches: Vec<Batch>,
    refused: Vec<Refusal>,
    n_rows: u64,
}

/// Gathers the rows of one body.
struct Decoder {
    max_row_bytes: usize,
    max_columns: usize,
    /// The columns the table has, and after them those that this body adds.
    known: Arc<Schema>,
    added: HashSet<String>,
    builder: BatchBuilder,
    builder_columns: HashSet<String>,
    batches: Vec<Batch>,
    refused: Vec<Refusal>,
    n_rows: u64,
    /// The number of the first row.
    first_seq: Option<Seq>,
    seqs: Vec<Seq>,
}

impl Decoder {
    fn new(limits: &Limits, known: Arc<Schema>) -> Self {
        Self {
            max_row_bytes: limits.max_row_bytes,
            max_columns: limits.max_columns,
            known,
            added: HashSet::new(),
            builder: BatchBuilder::default(),
            builder_columns: HashSet::new(),
            batches: Vec::new(),
            refused: Vec::new(),
            n_rows: 0,
            first_seq: None,
            seqs: Vec::new(),
        }
    }

    fn decode(mut self, kind: BodyKind, origin: Option<(WriterId, Seq)>, body: &Bytes) -> Result<Rows, ApiError> {
        let mut origin = origin;
        self.first_seq = origin.map(|(_, seq)| seq);
        match kind {
            BodyKind::Framed => {
                let end = body.iter().position(|byte| *byte == b'\n').map_or(body.len(), |idx| idx + 1);
                let (header, _) = Header::decode(utf8(&body[..end])?)?;
                origin = Some((header.writer, header.seq));
                self.first_seq = Some(header.seq);
                self.lines(&body[end..])?;
            }
            BodyKind::Lines => self.lines(body)?,
            BodyKind::Json => {
                wire::json::split_rows(utf8(body)?)?.into_iter().try_for_each(|json| self.row(json.as_bytes()))?;
            }
        }
        self.finish(origin)
    }

    /// Takes a row a line; lines that hold nothing are no rows.
    fn lines(&mut self, body: &[u8]) -> Result<(), ApiError> {
        let mut lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        lines.try_for_each(|line| self.row(line))
    }

    /// Takes a row, or notes why not.
    fn row(&mut self, json: &[u8]) -> Result<(), ApiError> {
        let index = self.n_rows;
        self.n_rows += 1;
        let Err((code, message)) = self.try_row(index, json) else {
            return Ok(());
        };
        if self.refused.len() == MAX_REFUSALS {
            return Err(ApiError::TooManyRefused(MAX_REFUSALS));
        }
        self.refused.push(Refusal { index, code: code.to_owned(), message });
        Ok(())
    }

    fn try_row(&mut self, index: u64, json: &[u8]) -> Result<(), (&'static str, String)> {
        let (n_bytes, max_bytes, max_columns) = (json.len(), self.max_row_bytes, self.max_columns);
        if n_bytes > max_bytes {
            return Err(("row_too_large", format!("the row has {n_bytes} bytes; at most {max_bytes} are taken")));
        }
        let row = utf8(json).and_then(wire::json::decode_row).map_err(|error| (error.code(), error.to_string()))?;
        self.push(index, row).map_err(|column| {
            let message = format!("column {column:?} is new, and the table may have {max_columns} columns at most");
            ("too_many_columns", message)
        })
    }

    /// Takes a row in, or gives back the column that is one too many.
    fn push(&mut self, idx: u64, row: Row) -> Result<(), String> {
        let news = |(name, _): &(&str, &model::Value)| !self.builder_columns.contains(*name);
        let new_here: Vec<String> = row.iter().filter(news).map(|(name, _)| name.to_owned()).collect();
        if !new_here.is_empty() {
            let new_to_table = |name: &&String| self.known.index_of(name).is_none() && !self.added.contains(*name);
            let new_names: Vec<String> = new_here.iter().filter(new_to_table).cloned().collect();
            let n_free = self.max_columns.saturating_sub(self.known.columns().len() + self.added.len());
            if let Some(column) = new_names.get(n_free) {
                return Err(column.clone());
            }
            self.added.extend(new_names);
            // Rows that share few columns would make a batch that grows with their number squared.
            let n_columns = self.builder_columns.len() + new_here.len();
            if self.builder.n_rows() > 0 && (self.builder.n_rows() + 1) * n_columns > MAX_BATCH_CELLS {
                self.cut();
                self.builder_columns.extend(row.iter().map(|(name, _)| name.to_owned()));
            } else {
                self.builder_columns.extend(new_here);
            }
        }
        self.builder.push_row(row);
        if (self.builder.n_rows() + 1) * self.builder_columns.len() > MAX_BATCH_CELLS {
            self.cut();
        }
        if let Some(first) = self.first_seq {
            self.seqs.push(first.saturating_add(idx));
        }
        Ok(())
    }

    fn cut(&mut self) {
        self.builder_columns.clear();
        self.batches.push(std::mem::take(&mut self.builder).finish());
    }

    fn finish(mut self, origin: Option<(WriterId, Seq)>) -> Result<Rows, ApiError> {
        if self.builder.n_rows() > 0 {
            self.cut();
        }
        let origin = match origin {
            Some((writer, seq)) => {
                let last_seq = (seq - 1).checked_add(self.n_rows).filter(|last| i64::try_from(*last).is_ok());
                let last_seq = last_seq.ok_or_else(|| WireError::Header("seq is past 2^63".to_owned()))?;
                Some(Origin { writer, seqs: self.seqs, last_seq })
            }
            None => None,
        };
        Ok(Rows { origin, batches: self.batches, refused: self.refused, n_rows: self.n_rows })
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|error| WireError::Utf8(error.valid_up_to()))
}
