//! Follows a table over a WebSocket.

use std::time::Duration;

use futures::stream::unfold;
use futures::{Stream, StreamExt};
use model::{Offset, StoredBatch, TableName};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use wire::api::{API_PREFIX, TailMessage};

use super::chance;
use super::http::describe;
use super::tls;
use crate::tail::{Hello, Joined, Tail};

/// What following a table brings.
#[derive(Clone, Debug, PartialEq)]
pub enum TailEvent {
    /// The server answered. Once the rows before `next_offset` came, the reader has caught up.
    Hello {
        /// The offset of the first row that is there: those before were dropped by the table's retention.
        first_offset: Offset,
        /// The offset the next stored row will have.
        next_offset: Offset,
    },
    /// Rows, each once and in order.
    Batch(StoredBatch),
    /// The connection was lost or refused, and is tried again.
    Reconnecting {
        /// How long until then, in milliseconds.
        in_millis: u64,
        /// Why, as a sentence.
        reason: String,
    },
}

/// The largest message taken, in bytes. A frame holds what one request brought, and a table of large rows makes large ones.
const MAX_MESSAGE_BYTES: usize = 512 << 20;
/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The server pings each fifteen seconds; a connection that says nothing for three of them is dead.
const MAX_SILENCE: Duration = Duration::from_secs(45);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Follower {
    address: String,
    key: Option<String>,
    tail: Tail,
    socket: Option<Socket>,
    wait_millis: u64,
}

/// Follows a table from offset `from`, or from its present end. Dropping the stream closes it; it never ends by itself.
pub(crate) fn follow(
    server: &str,
    key: Option<&str>,
    name: &TableName,
    from: Option<Offset>,
) -> impl Stream<Item = TailEvent> + Send + Unpin + use<> {
    let server = server.trim_end_matches('/');
    let server = server.strip_prefix("http").map_or_else(|| server.to_owned(), |rest| format!("ws{rest}"));
    let address = format!("{server}{API_PREFIX}/tail/{name}?format=arrow");
    let key = key.map(str::to_owned);
    let follower = Follower { address, key, tail: Tail::new(from), socket: None, wait_millis: 0 };
    Box::pin(unfold(follower, |mut follower| async move {
        let event = follower.next().await;
        Some((event, follower))
    }))
}

impl Follower {
    async fn next(&mut self) -> TailEvent {
        loop {
            let Some(socket) = &mut self.socket else {
                if let Err(reason) = self.connect().await {
                    return self.lose(reason);
                }
                continue;
            };
            let message = match timeout(MAX_SILENCE, socket.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return self.lose(describe(&error)),
                Ok(None) => return self.lose("the server closed the connection".to_owned()),
                Err(_) => return self.lose("the server fell silent".to_owned()),
            };
            match self.take(message) {
                Ok(Some(event)) => return event,
                Ok(None) => {}
                Err(reason) => return self.lose(reason),
            }
        }
    }

    async fn connect(&mut self) -> Result<(), String> {
        tokio::time::sleep(Duration::from_millis(std::mem::take(&mut self.wait_millis))).await;
        let address = match self.tail.from() {
            Some(from) => format!("{}&from={from}", self.address),
            None => self.address.clone(),
        };
        let mut request = address.into_client_request().map_err(|error| describe(&error))?;
        if let Some(key) = &self.key {
            let value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|error| describe(&error))?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let connector = Some(Connector::Rustls(tls::config()));
        let connecting = connect_async_tls_with_config(request, Some(limits), false, connector);
        let connected = timeout(CONNECT_TIMEOUT, connecting).await;
        let connected = connected.map_err(|_| "the server does not answer".to_owned())?;
        let (socket, _) = connected.map_err(|error| describe(&error))?;
        self.socket = Some(socket);
        Ok(())
    }

    /// Reads a message; the error is a sentence.
    fn take(&mut self, message: Message) -> Result<Option<TailEvent>, String> {
        match message {
            Message::Text(text) => match serde_json::from_str(&text).map_err(|error| error.to_string())? {
                TailMessage::Hello { first_offset, next_offset, created_micros, .. } => {
                    if self.tail.on_hello(Hello { first_offset, next_offset, created_micros }) {
                        // The server must know from where, too.
                        self.socket = None;
                    }
                    Ok(Some(TailEvent::Hello { first_offset, next_offset }))
                }
                // What came stays with whoever has it.
                TailMessage::Dropped { .. } => Ok(None),
                TailMessage::Error { error } => Err(error.message),
            },
            Message::Binary(frame) => {
                let stored = wire::arrow::decode_frame(&frame).map_err(|error| error.to_string())?;
                let n_rows = stored.batch.n_rows();
                match self.tail.on_frame(stored.first_offset, n_rows as u64) {
                    Joined::Take { n_skip: 0, .. } => Ok(Some(TailEvent::Batch(stored))),
                    Joined::Take { n_skip, first_offset } => {
                        let batch = stored.batch.slice(n_skip as usize..n_rows);
                        Ok(Some(TailEvent::Batch(StoredBatch { first_offset, batch })))
                    }
                    Joined::Known => Ok(None),
                    Joined::Gap { expected } => Err(format!("rows from offset {expected} are missing")),
                }
            }
            Message::Close(frame) => Err(frame.map_or_else(
                || "the server closed the connection".to_owned(),
                |frame| format!("the server closed the connection: {}", frame.reason),
            )),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(None),
        }
    }

    fn lose(&mut self, reason: String) -> TailEvent {
        self.socket = None;
        self.wait_millis = self.tail.on_lost(chance::unit());
        TailEvent::Reconnecting { in_millis: self.wait_millis, reason }
    }
}
