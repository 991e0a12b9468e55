//! `GET /query`: a live query over a WebSocket: each question is answered, and the last one again when its answer changed.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::SplitStream;
use tokio::time::{Instant, Interval, sleep_until};
use wire::api::QueryMessage;

use super::access::{Caller, PROTOCOL};
use super::error::ApiError;
use super::params::Params;
use super::query::{MAX_REQUEST_BYTES, read_request};
use super::socket::{Ended, Out, READ_BUFFER_BYTES, pings, stopped, text};
use crate::hub::Subscription;
use crate::keys::{Access, Right};
use crate::metrics::Socket;
use crate::query::{Answer, HeldTable, Question, Shown};
use crate::state::AppState;

/// The shortest time from one answer that nobody asked for to the next. They are also at least as far apart as one takes.
const MIN_PUSH_INTERVAL: Duration = Duration::from_millis(50);
/// How often an answer is made anew that changes as time goes by.
const MOVE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn live(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    Params::parse(query.as_deref(), &[])?;
    let upgrade = upgrade.map_err(|error| ApiError::NotAWebSocket(error.body_text()))?;
    let upgrade = upgrade.protocols([PROTOCOL]).read_buffer_size(READ_BUFFER_BYTES).max_message_size(MAX_REQUEST_BYTES);
    let access = caller.access()?.clone();
    Ok(upgrade.on_upgrade(move |socket| async move {
        let _counted = state.metrics().socket(Socket::query);
        let (sink, mut stream) = socket.split();
        let out = Out::new(sink, state.stopping());
        let mut live = Live { state, access, out, followed: None };
        let ended = {
            // What a key no longer allows must end whatever is on its way.
            let access = live.access.clone();
            tokio::select! {
                Ended = live.run(&mut stream) => None,
                error = access.ended() => Some(ApiError::from(error)),
            }
        };
        let close = match ended {
            Some(error) => {
                let _ = live.fail(None, &error).await;
                CloseFrame { code: close_code::POLICY, reason: error.code().into() }
            }
            None if live.out.is_stopping() => {
                CloseFrame { code: close_code::AWAY, reason: "the server is stopping".into() }
            }
            None => CloseFrame { code: close_code::NORMAL, reason: "".into() },
        };
        live.followed = None;
        live.out.close(&mut stream, close).await;
    }))
}

struct Live {
    state: AppState,
    access: Access,
    out: Out,
    followed: Option<Followed>,
}

/// What was asked last, and could be answered.
struct Followed {
    question: Arc<Question>,
    request: Option<u64>,
    table: Arc<HeldTable>,
    subscription: Subscription,
    /// What the reader knows.
    shown: Option<Shown>,
    /// Whether rows came since.
    is_due: bool,
    /// When the next answer may be made that nobody asks for.
    not_before: Instant,
}

impl Live {
    /// Answers until the reader is gone or the server stops. One answer is on its way at a time, and what the reader asks
    /// meanwhile waits in its own buffers.
    async fn run(&mut self, stream: &mut SplitStream<WebSocket>) -> Ended {
        let mut pings = pings();
        let mut heard = true;
        let mut stopping = self.out.stopping();
        loop {
            let asked = tokio::select! {
                biased;
                () = stopped(&mut stopping) => return Ended,
                message = stream.next() => match message {
                    None | Some(Err(_) | Ok(Message::Close(_))) => return Ended,
                    Some(Ok(message)) => {
                        heard = true;
                        match message {
                            Message::Text(json) => self.ask(json.as_bytes()),
                            Message::Binary(json) => self.ask(&json),
                            _ => continue,
                        }
                    }
                },
                () = due(self.followed.as_mut()) => Ok(()),
                _ = pings.tick() => {
                    if !std::mem::take(&mut heard) || self.out.send(Message::Ping(Bytes::new())).await.is_err() {
                        return Ended;
                    }
                    continue;
                }
            };
            let told = match asked {
                Ok(()) => {
                    let told = self.tell(&mut pings);
                    tokio::pin!(told);
                    tokio::select! {
                        told = &mut told => told,
                        () = stopped(&mut stopping) => return Ended,
                    }
                }
                Err((request, error)) => self.fail(request, &error).await,
            };
            if told.is_err() {
                return Ended;
            }
        }
    }

    /// Takes in what the reader wants to see from now on.
    fn ask(&mut self, json: &[u8]) -> Result<(), (Option<u64>, ApiError)> {
        self.followed = None;
        let request = read_request(json).map_err(|error| (None, error))?;
        let number = request.request;
        let question = Question::of(request, true).map_err(|error| (number, error.into()))?;
        let allowed = self.access.check(Right::Read, &question.table).and_then(|()| self.access.take_request());
        allowed.map_err(|error| (number, error.into()))?;
        let table = self.state.queries().hold(&question.table);
        let subscription = self.state.hub().subscribe(&question.table);
        self.followed = Some(Followed {
            question: Arc::new(question),
            request: number,
            table,
            subscription,
            shown: None,
            is_due: false,
            not_before: Instant::now(),
        });
        Ok(())
    }

    /// Answers the last question, unless the reader knows the answer.
    async fn tell(&mut self, pings: &mut Interval) -> Result<(), Ended> {
        let Some(followed) = &mut self.followed else { return Ok(()) };
        let start = Instant::now();
        followed.is_due = false;
        followed.subscription.mark_seen();
        let queries = Arc::clone(self.state.queries());
        let answer = {
            let look = queries.look(&followed.table, &followed.question, followed.shown.clone());
            tokio::pin!(look);
            loop {
                tokio::select! {
                    answer = &mut look => break answer,
                    // A table that is read for the first time may take long.
                    _ = pings.tick() => self.out.send(Message::Ping(Bytes::new())).await?,
                }
            }
        };
        let Answer { json, shown } = match answer {
            Ok(Some(answer)) => answer,
            Ok(None) => {
                followed.not_before = next_push(start);
                return Ok(());
            }
            Err(error) => {
                let request = followed.request;
                return self.fail(request, &error.into()).await;
            }
        };
        let request = followed.request.map_or_else(String::new, |request| format!("\"request\":{request},"));
        // The answer is an object with at least a field.
        let message = format!("{{\"type\":\"answer\",{request}{}", &json[1..]);
        self.out.send(Message::Text(message.into())).await?;
        followed.not_before = next_push(start);
        followed.shown = Some(shown.clone());
        if !shown.is_settled {
            // What goes wrong here goes wrong at the next look too, and is told then.
            let _ = queries.settle(&followed.table, shown).await;
        }
        Ok(())
    }

    /// Says what went wrong. Nothing is followed until the reader asks again.
    async fn fail(&mut self, request: Option<u64>, error: &ApiError) -> Result<(), Ended> {
        self.followed = None;
        self.out.send(text(&QueryMessage::Error { request, error: error.detail() })).await
    }
}

fn next_push(start: Instant) -> Instant {
    let now = Instant::now();
    now + (now - start).max(MIN_PUSH_INTERVAL)
}

/// Ends when the last answer may have changed and it is time for another.
async fn due(followed: Option<&mut Followed>) {
    let Some(followed) = followed else { return std::future::pending().await };
    if !followed.is_due {
        let moves_at = followed.not_before + MOVE_INTERVAL;
        tokio::select! {
            () = followed.subscription.changed() => {}
            () = sleep_until(moves_at), if followed.question.moves() => {}
        }
        followed.is_due = true;
    }
    sleep_until(followed.not_before).await;
}
