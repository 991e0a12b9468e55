//! `POST …/rows`: a body becomes rows, the good ones go to the journal, the bad ones are named.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use model::{Batch, Seq, TableName, WriterId};
use wire::WireError;
use wire::api::{Ack, Refusal};
use wire::append::Header;

use super::access::Caller;
use super::error::ApiError;
use super::gather::{Gather, Gathered};
use super::params::{Params, TablePath, table_name};
use crate::journal::{Append, Appended, Origin};
use crate::keys::Right;
use crate::metrics::Outcome;
use crate::state::AppState;

/// A body larger than this is decoded off the request's thread.
const LARGE_BODY_BYTES: usize = 128 << 10;

/// The media types that are taken.
const TAKEN: &str = "text/plain, application/x-ndjson or application/json, or import it";

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
    caller: Caller,
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
    let max_bytes = state.limits().max_request_bytes;
    let (bytes, _room) = super::body::read(&headers, body, &state, max_bytes).await?;
    let key = caller.is_yet_to_come().then(|| framed(&bytes)).transpose()?.and_then(|(header, _)| header.key);
    let access = caller.admit(key.as_deref(), Right::Write, &table)?;
    let reservation = state.journal().reserve(bytes.len())?;
    let known = state.journal().table(&table);
    access.check_table_bytes(known.as_ref().map_or(0, |table| table.n_bytes))?;
    let known = known.map(|table| Arc::clone(&table.schema)).unwrap_or_default();
    let (max_row_bytes, max_columns) = access.row_limits(state.limits());
    let decoder = Decoder { max_row_bytes, rows: Gather::new(max_columns, known) };
    let rows = if bytes.len() < LARGE_BODY_BYTES {
        decoder.decode(kind, origin, &bytes)?
    } else {
        super::blocking(move || decoder.decode(kind, origin, &bytes)).await?
    };
    access.take_rows(rows.n_rows);
    let acked_seq = rows.origin.as_ref().map_or(0, |origin| origin.last_seq);
    let appended = if rows.batches.is_empty() {
        Appended { n_stored: 0, n_duplicate: 0, first_offset: None }
    } else {
        state.append(Append { table, origin: rows.origin, batches: rows.batches, reservation }).await?
    };
    state.metrics().rows(Outcome::refused, rows.refused.len() as u64);
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
        return Err(ApiError::media_type("a body without a Content-Type", TAKEN));
    };
    let text = value.to_str().unwrap_or("?");
    match media_type(text).as_str() {
        wire::append::CONTENT_TYPE => Ok(BodyKind::Framed),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(BodyKind::Lines),
        "application/json" => Ok(BodyKind::Json),
        _ => Err(ApiError::media_type(text, TAKEN)),
    }
}

/// A media type without its parameters.
pub(super) fn media_type(text: &str) -> String {
    text.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
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
struct Decoded {
    origin: Option<Origin>,
    batches: Vec<Batch>,
    refused: Vec<Refusal>,
    n_rows: u64,
}

/// Reads the rows of one body.
struct Decoder {
    max_row_bytes: usize,
    rows: Gather,
}

impl Decoder {
    fn decode(mut self, kind: BodyKind, origin: Option<(WriterId, Seq)>, body: &Bytes) -> Result<Decoded, ApiError> {
        let mut origin = origin;
        self.rows.number_from(origin.map(|(_, seq)| seq));
        match kind {
            BodyKind::Framed => {
                let (header, rest) = framed(body)?;
                origin = Some((header.writer, header.seq));
                self.rows.number_from(Some(header.seq));
                self.lines(rest)?;
            }
            BodyKind::Lines => self.lines(body)?,
            BodyKind::Json => {
                wire::json::split_rows(utf8(body)?)?.into_iter().try_for_each(|json| self.row(json.as_bytes()))?;
            }
        }
        let Gathered { batches, seqs } = self.rows.take();
        let origin = match origin {
            Some((writer, _)) => Some(Origin { writer, seqs, last_seq: self.rows.last_seq()? }),
            None => None,
        };
        Ok(Decoded { origin, batches, n_rows: self.rows.n_rows(), refused: self.rows.into_refused() })
    }

    /// Takes a row a line; lines that hold nothing are no rows.
    fn lines(&mut self, body: &[u8]) -> Result<(), ApiError> {
        let mut lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        lines.try_for_each(|line| self.row(line))
    }

    fn row(&mut self, json: &[u8]) -> Result<(), ApiError> {
        let (n_bytes, max_bytes) = (json.len(), self.max_row_bytes);
        let row = if n_bytes > max_bytes {
            Err(WireError::RowTooLarge { n_bytes, max_bytes })
        } else {
            utf8(json).and_then(wire::json::decode_row)
        };
        self.rows.push(row)
    }
}

/// The header of a framed body, and the rows.
fn framed(body: &[u8]) -> Result<(Header, &[u8]), WireError> {
    let end = body.iter().position(|byte| *byte == b'\n').map_or(body.len(), |idx| idx + 1);
    let (header, _) = Header::decode(utf8(&body[..end])?)?;
    Ok((header, &body[end..]))
}

fn utf8(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|error| WireError::Utf8(error.valid_up_to()))
}
