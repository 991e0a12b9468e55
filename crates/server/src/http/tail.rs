//! `GET /tail/…`: the live tail over a WebSocket, from any offset on.

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::SplitStream;
use model::{Offset, SYSTEM_COLUMNS, StoredBatch, TableName};
use wire::api::TailMessage;

use super::access::{Caller, PROTOCOL};
use super::error::ApiError;
use super::params::{Params, TablePath, table_name};
use super::socket::{Ended, Out, READ_BUFFER_BYTES, pings, stopped, text};
use crate::hub::Subscription;
use crate::journal::{Frame, JournalError, coalesce, decode, head};
use crate::keys::Access;
use crate::metrics::Socket;
use crate::state::AppState;

/// How many stored bytes are read at a time.
const READ_BYTES: usize = 4 << 20;
/// How many at first, when somebody waits for something to show.
const FIRST_READ_BYTES: usize = 1 << 20;
/// So many of the newest frames are sent as they are; more are joined first.
const MAX_SINGLE_FRAMES: usize = 16;
/// A tail has nothing to say to the server, so its messages may be small.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TailFormat {
    Arrow,
    Json,
}

pub(super) async fn tail(
    State(state): State<AppState>,
    caller: Caller,
    path: TablePath,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let table = table_name(path)?;
    let params = Params::parse(query.as_deref(), &["from", "format", "system"])?;
    let format = params.choice("format", &[("arrow", TailFormat::Arrow), ("json", TailFormat::Json)])?;
    let (from, system) = (params.number("from")?, params.flag("system")?);
    let upgrade = upgrade.map_err(|error| ApiError::NotAWebSocket(error.body_text()))?;
    let upgrade = upgrade.protocols([PROTOCOL]).read_buffer_size(READ_BUFFER_BYTES).max_message_size(MAX_MESSAGE_BYTES);
    let access = caller.access()?.clone();
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _counted = state.metrics().socket(Socket::tail);
        let (sink, stream) = socket.split();
        let subscription = state.hub().subscribe(&table);
        let out = Out::new(sink, state.stopping());
        let tail = Tail { state, table, format, system, subscription, out, has_sent: false };
        tail.run(stream, from, &access).await;
    }))
}

struct Tail {
    state: AppState,
    table: TableName,
    format: TailFormat,
    system: bool,
    subscription: Subscription,
    out: Out,
    /// Whether the reader has rows already, or comes for none that are stored.
    has_sent: bool,
}

impl Tail {
    async fn run(mut self, mut stream: SplitStream<WebSocket>, from: Option<Offset>, access: &Access) {
        let result = tokio::select! {
            result = self.follow(&mut stream, from) => result,
            // What a key no longer allows must end whatever is on its way.
            error = access.ended() => Err(error.into()),
        };
        let close = match result {
            Ok(Ended) if self.out.is_stopping() => {
                CloseFrame { code: close_code::AWAY, reason: "the server is stopping".into() }
            }
            Ok(Ended) => CloseFrame { code: close_code::NORMAL, reason: "".into() },
            Err(error) => {
                if error.status().is_server_error() {
                    tracing::warn!(table = %self.table, code = error.code(), %error, "a tail ended");
                }
                let message = TailMessage::Error { error: error.detail() };
                let _ = self.out.send(text(&message)).await;
                let code = if matches!(error, ApiError::Key(_)) { close_code::POLICY } else { close_code::ERROR };
                CloseFrame { code, reason: error.code().into() }
            }
        };
        self.out.close(&mut stream, close).await;
    }

    async fn follow(&mut self, stream: &mut SplitStream<WebSocket>, from: Option<Offset>) -> Result<Ended, ApiError> {
        let table = self.state.journal().table(&self.table);
        let (first_offset, next_offset) =
            table.as_ref().map_or((0, 0), |table| (table.first_offset, table.next_offset));
        let n_bytes = table.as_ref().map_or(0, |table| table.n_bytes);
        let created_micros = table.map(|table| table.created_micros);
        let hello = TailMessage::Hello { first_offset, next_offset, created_micros, n_bytes };
        if self.out.send(text(&hello)).await.is_err() {
            return Ok(Ended);
        }
        let mut at = from.unwrap_or(next_offset).max(first_offset);
        self.has_sent = at >= next_offset;
        let mut told_first = first_offset;
        let mut pings = pings();
        let mut heard = true;
        let mut stopping = self.out.stopping();
        loop {
            self.subscription.mark_seen();
            let first_offset = self.start();
            if first_offset > told_first {
                told_first = first_offset;
                if self.out.send(text(&TailMessage::Dropped { first_offset })).await.is_err() {
                    return Ok(Ended);
                }
            }
            if at < self.end() {
                let frames = self.next_frames(at).await;
                // What is read after the table was deleted may be of the one that has its name now.
                self.check_not_deleted()?;
                for frame in frames? {
                    at = frame.end_offset();
                    let message = self.message(frame).await?;
                    if self.out.send(message).await.is_err() {
                        return Ok(Ended);
                    }
                }
                self.has_sent = true;
                continue;
            }
            self.check_not_deleted()?;
            tokio::select! {
                biased;
                message = stream.next() => match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return Ok(Ended),
                    Some(Ok(_)) => heard = true,
                },
                () = stopped(&mut stopping) => return Ok(Ended),
                () = self.subscription.changed() => {}
                _ = pings.tick() => {
                    if !std::mem::take(&mut heard) || self.out.send(Message::Ping(Bytes::new())).await.is_err() {
                        return Ok(Ended);
                    }
                }
            }
        }
    }

    fn check_not_deleted(&self) -> Result<(), JournalError> {
        if self.subscription.is_deleted() { Err(JournalError::TableDeleted) } else { Ok(()) }
    }

    /// Where the table starts now.
    fn start(&self) -> Offset {
        self.state.journal().table(&self.table).map_or(0, |table| table.first_offset)
    }

    /// Where the table ends now; a table that is not there has no rows yet.
    fn end(&self) -> Offset {
        self.state.journal().table(&self.table).map_or(0, |table| table.next_offset)
    }

    /// Some frames of the rows from `at` on, the first starting exactly there.
    async fn next_frames(&self, at: Offset) -> Result<Vec<Frame>, ApiError> {
        let recent = self.subscription.recent(at);
        let joins_up = |frames: &Vec<Frame>| frames.first().is_some_and(|frame| frame.first_offset == at);
        let has_sent = self.has_sent;
        let is_short = |frames: &&Vec<Frame>| has_sent && joins_up(frames) && frames.len() <= MAX_SINGLE_FRAMES;
        if let Some(frames) = recent.as_ref().filter(is_short) {
            return Ok(frames.clone());
        }
        let (journal, table, end) = (Arc::clone(self.state.journal()), self.table.clone(), self.end());
        super::blocking(move || {
            let read_bytes = if has_sent { READ_BYTES } else { FIRST_READ_BYTES };
            let frames = match recent {
                Some(frames) => frames,
                None => journal.read(&table, at..end, read_bytes)?,
            };
            // A reader that retention has overtaken connects anew and is told so.
            let first_offset = frames.first().map_or(end, |frame| frame.first_offset);
            if first_offset > at {
                return Err(JournalError::RowsDropped { from: at, first_offset }.into());
            }
            let mut frames = coalesce(frames, at)?;
            if !has_sent {
                frames.truncate(1);
                return frames.into_iter().map(|frame| Ok(head(frame)?)).collect();
            }
            Ok(frames)
        })
        .await
    }

    async fn message(&self, frame: Frame) -> Result<Message, ApiError> {
        match self.format {
            TailFormat::Arrow => Ok(Message::Binary(frame.bytes)),
            TailFormat::Json => {
                let system = self.system;
                super::blocking(move || Ok(Message::Text(rows_message(&decode(&frame)?, system).into()))).await
            }
        }
    }
}

/// The rows as JSON, each with the cells it has.
fn rows_message(stored: &StoredBatch, system: bool) -> String {
    let shown = |name: &str| system || !SYSTEM_COLUMNS.contains(&name);
    let rows: Vec<String> = (0..stored.batch.n_rows())
        .map(|idx| {
            let mut row = stored.batch.row(idx);
            if system {
                let offset = stored.first_offset + idx as Offset;
                row.set(model::system_column::OFFSET, offset as i64);
            }
            let mut json = String::new();
            wire::json::encode_row(row.iter().filter(|(name, _)| shown(name)), &mut json);
            json
        })
        .collect();
    wire::json::encode_rows_message(stored.first_offset, rows.iter().map(String::as_str))
}
