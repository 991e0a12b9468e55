//! `GET …/rows`: a table's rows, streamed piece by piece, so that memory does not grow with the table.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use expr::{Expr, RowSource};
use futures::stream;
use model::{
    Batch, BatchBuilder, Cells, Column, ColumnSchema, ColumnType, Offset, SYSTEM_COLUMNS, Schema, StoredBatch,
    TableName, Value, system_column,
};

use super::error::ApiError;
use super::params::{Params, TablePath, table_name};
use super::rows_format::{Encoder, Format};
use crate::journal::{Frame, Journal, JournalError, TableState, decode};
use crate::state::AppState;

/// How many stored bytes are read at a time.
const READ_BYTES: usize = 2 << 20;
/// The most cells of one piece of the answer, nulls included: a table of many columns and few cells grows when it is written.
const MAX_PIECE_CELLS: usize = 1 << 18;
/// The most stored bytes of one piece, about; stored frames may be much larger.
const MAX_PIECE_BYTES: usize = 2 << 20;

pub(super) async fn rows(
    State(state): State<AppState>,
    path: TablePath,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    send(&state, table_name(path)?, query.as_deref()).await
}

/// Sends what a query's parameters say.
pub(super) async fn send(state: &AppState, name: TableName, query: Option<&str>) -> Result<Response, ApiError> {
    let known = ["from", "limit", "format", "filter", "columns", "system", "download"];
    let params = Params::parse(query, &known)?;
    let format = params.choice("format", &Format::NAMES)?;
    let filter = params.text("filter").map(parse_filter).transpose()?;
    let (from, limit) = (params.number("from")?, params.number("limit")?);
    let (system, download) = (params.flag("system")?, params.flag("download")?);
    let file_name = format!("{}.{}", name.table(), format.name());
    let table = state.journal().table(&name).ok_or_else(|| ApiError::UnknownTable(name.clone()))?;
    let schema = shown_columns(&table, params.text("columns"), system)?;
    let reader = Reader {
        journal: Arc::clone(state.journal()),
        range: from.unwrap_or(0).max(table.first_offset)..table.next_offset,
        has_read: false,
        n_left: limit.unwrap_or(u64::MAX),
        filter,
        encoder: Some(Encoder::new(format, &schema)),
        schema,
        table,
        frames: VecDeque::new(),
        stored: None,
        n_piece_rows: 1,
    };
    // The first piece is made before the status is sent, so that damage at the start of the range gets its code.
    let (first, reader) = next_piece(reader).await.map_err(|error| match error {
        ApiError::Journal(JournalError::TableDeleted) => ApiError::UnknownTable(name),
        error => error,
    })?;
    let rest = stream::try_unfold(reader, |reader| async move {
        if reader.encoder.is_none() {
            return Ok::<_, ApiError>(None);
        }
        next_piece(reader).await.map(Some)
    });
    let body = futures::StreamExt::chain(stream::iter([Ok(first)]), rest);
    let headers = [(header::CONTENT_TYPE, format.content_type()), (header::CACHE_CONTROL, "no-store")];
    let mut response = (headers, Body::from_stream(body)).into_response();
    if download {
        // A table's name has no character that a header would mind.
        let disposition = HeaderValue::try_from(format!("attachment; filename=\"{file_name}\""));
        let disposition = disposition.map_err(|error| ApiError::parameter("download", error.to_string()))?;
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Reads a filter of the expression language.
pub(super) fn parse_filter(text: &str) -> Result<Expr, ApiError> {
    expr::parse_expr(text).map_err(|error| ApiError::Filter { position: error.at.start, reason: error.to_string() })
}

/// The columns of the answer, in order.
fn shown_columns(table: &TableState, columns: Option<&str>, system: bool) -> Result<Schema, ApiError> {
    let system_columns = SYSTEM_COLUMNS.map(|name| ColumnSchema {
        name: name.to_owned(),
        column_type: match name {
            system_column::WRITER => ColumnType::Text,
            system_column::RECEIVED => ColumnType::Time,
            _ => ColumnType::Int,
        },
    });
    let mut shown: Vec<ColumnSchema> = match columns {
        None => table.schema.columns().to_vec(),
        Some(names) => {
            let find = |name: &str| {
                let mut all = table.schema.columns().iter().chain(&system_columns);
                all.find(|column| column.name == name).cloned().ok_or_else(|| ApiError::UnknownColumn(name.to_owned()))
            };
            names.split(',').map(find).collect::<Result<_, _>>()?
        }
    };
    if system {
        shown.extend(system_columns);
    }
    // A column that is named twice stands once.
    Ok(shown.into_iter().collect())
}

/// What is left to answer.
struct Reader {
    journal: Arc<dyn Journal>,
    table: Arc<TableState>,
    range: Range<Offset>,
    /// Whether rows were read already, so that none may be missing from here on.
    has_read: bool,
    n_left: u64,
    filter: Option<Expr>,
    schema: Schema,
    /// Gone when the answer is complete.
    encoder: Option<Encoder>,
    /// What was read and is not part of the answer yet: whole frames, and before them the rest of one.
    frames: VecDeque<Frame>,
    stored: Option<StoredBatch>,
    /// How many rows of it make a piece.
    n_piece_rows: usize,
}

async fn next_piece(mut reader: Reader) -> Result<(Bytes, Reader), ApiError> {
    super::blocking(move || reader.piece().map(|piece| (piece, reader))).await
}

impl Reader {
    /// The next bytes of the answer; none of them while a filter lets no row pass.
    fn piece(&mut self) -> Result<Bytes, ApiError> {
        let mut out = Vec::new();
        if let Some(encoder) = &mut self.encoder {
            encoder.start(&mut out);
        }
        if !self.range.is_empty() && self.n_left > 0 {
            let stored = match self.stored.take() {
                Some(stored) => Some(stored),
                None => self.next_stored()?,
            };
            if let Some(stored) = stored {
                let end = stored.end_offset().min(self.range.start + self.n_piece_rows as Offset).min(self.range.end);
                self.encode(&stored, end, &mut out);
                self.range.start = end;
                self.stored = Some(stored).filter(|stored| end < stored.end_offset());
            }
        }
        if (self.range.is_empty() || self.n_left == 0)
            && let Some(encoder) = self.encoder.take()
        {
            encoder.finish(&mut out);
        }
        Ok(Bytes::from(out))
    }

    /// The stored rows that the range starts in; none where retention has dropped all that was looked for.
    fn next_stored(&mut self) -> Result<Option<StoredBatch>, ApiError> {
        let Some(frame) = self.next_frame()? else { return Ok(None) };
        let row_bytes = (frame.bytes.len() as u64 / frame.n_rows.max(1)).max(1);
        let by_cells = MAX_PIECE_CELLS / self.schema.columns().len().max(1);
        self.n_piece_rows = by_cells.min(MAX_PIECE_BYTES / usize::try_from(row_bytes).unwrap_or(usize::MAX)).max(1);
        Ok(Some(decode(&frame)?))
    }

    /// The frame that the range starts in.
    fn next_frame(&mut self) -> Result<Option<Frame>, ApiError> {
        if self.frames.is_empty() {
            // A small limit should not read what it does not need.
            let end = match &self.filter {
                None => self.range.end.min(self.range.start.saturating_add(self.n_left)),
                Some(_) => self.range.end,
            };
            let frames = self.read(end)?;
            self.frames.extend(frames);
        }
        Ok(self.frames.pop_front())
    }

    /// Some frames of the rows from the start of the range on.
    fn read(&mut self, end: Offset) -> Result<Vec<Frame>, JournalError> {
        let from = self.range.start;
        let frames = self.journal.read(&self.table.name, from..end, READ_BYTES)?;
        let now = self.journal.table(&self.table.name);
        let now =
            now.filter(|now| now.created_micros == self.table.created_micros).ok_or(JournalError::TableDeleted)?;
        let dropped_to = now.first_offset.min(self.range.end);
        let first_offset = frames.first().map_or(dropped_to, |frame| frame.first_offset);
        if first_offset > from {
            // Before the first row that is the same as a request that came a little later; after it, it is a hole.
            if self.has_read {
                return Err(JournalError::RowsDropped { from, first_offset });
            }
            self.range.start = first_offset;
        }
        self.has_read = true;
        Ok(frames)
    }

    /// Adds the rows of a stored batch before `end` to the answer.
    fn encode(&mut self, stored: &StoredBatch, end: Offset, out: &mut Vec<u8>) {
        let batch = self.select(stored, end);
        self.n_left -= batch.n_rows() as u64;
        if let Some(encoder) = self.encoder.as_mut().filter(|_| batch.n_rows() > 0) {
            encoder.encode(&batch, out);
        }
    }

    /// The rows of a stored batch that belong to the answer, with their offsets where these are asked for.
    fn select(&self, stored: &StoredBatch, end: Offset) -> Batch {
        let place = |offset: Offset| offset.saturating_sub(stored.first_offset) as usize;
        let range = place(self.range.start)..place(end);
        let n_left = usize::try_from(self.n_left).unwrap_or(usize::MAX);
        let mut runs: Vec<Range<usize>> = Vec::new();
        match &self.filter {
            None => runs.push(range.start..range.end.min(range.start.saturating_add(n_left))),
            Some(filter) => {
                let keep = |idx: &usize| expr::is_true(&filter.eval(&StoredRow { stored, idx: *idx }));
                for idx in range.filter(keep).take(n_left) {
                    match runs.last_mut() {
                        Some(run) if run.end == idx => run.end += 1,
                        _ => runs.push(idx..idx + 1),
                    }
                }
            }
        }
        let mut builder = BatchBuilder::default();
        let mut offsets = Vec::new();
        let wants_offset = self.schema.index_of(system_column::OFFSET).is_some();
        for run in runs {
            if wants_offset {
                offsets.extend(run.clone().map(|idx| (stored.first_offset as usize + idx) as i64));
            }
            builder.push_batch(&stored.batch, run);
        }
        let mut batch = builder.finish();
        if wants_offset {
            batch.add_column(Column::new(system_column::OFFSET.to_owned(), Cells::Int(offsets), None));
        }
        batch
    }
}

/// One stored row, for an expression.
pub(super) struct StoredRow<'a> {
    pub(super) stored: &'a StoredBatch,
    pub(super) idx: usize,
}

impl RowSource for StoredRow<'_> {
    fn get(&self, column: &str) -> Value {
        match column {
            system_column::OFFSET => Value::Int((self.stored.first_offset + self.idx as Offset) as i64),
            _ => self.stored.batch.value(self.idx, column),
        }
    }
}
