//! A reader of the live tail that checks that what comes joins up.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use model::Row;
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the tail of a table.
pub struct Tail {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Where the table started when the tail began.
    pub first_offset: u64,
    /// Where the table ended when the tail began.
    pub next_offset: u64,
    /// What the rows took then, in bytes.
    pub n_bytes: u64,
    /// When the table was made, in microseconds since 1970; none while there was no table.
    pub created_micros: Option<i64>,
    /// The offset that the next message must start at; the first message sets it.
    at: Option<u64>,
}

/// One message's rows.
#[derive(Clone, Debug)]
pub enum TailRows {
    /// Of a tail in Arrow.
    Arrow(Vec<Row>),
    /// Of a tail in JSON.
    Json(Vec<Json>),
}

impl TailRows {
    /// How many rows the message has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            TailRows::Arrow(rows) => rows.len(),
            TailRows::Json(rows) => rows.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Opens a WebSocket under `/api/v1`, as a page with a key does.
///
/// # Panics
/// When the server does not open it.
pub async fn connect(server: &Server, key: Option<&str>, path: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let url = format!("{}/api/v1/{path}", server.url().replacen("http", "ws", 1));
    let mut request = url.into_client_request().expect("it is an address");
    if let Some(key) = key {
        let protocols = format!("streamtable, streamtable.key.{key}");
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().expect("a key fits a header"));
    }
    connect_async(request).await.expect("it is a WebSocket").0
}

impl Tail {
    /// Follows a table, with parameters such as `from=0&format=json`, and reads the first message.
    ///
    /// # Panics
    /// When the server does not answer as documented, here as everywhere in this type.
    pub async fn open(server: &Server, table: &str, params: &str) -> Self {
        Self::open_with(server, None, table, params).await
    }

    /// As [`Tail::open`], with a key as a page sends it: among the protocols.
    pub async fn open_with(server: &Server, key: Option<&str>, table: &str, params: &str) -> Self {
        let socket = connect(server, key, &format!("tail/{table}?{params}")).await;
        let mut tail = Self { socket, first_offset: 0, next_offset: 0, n_bytes: 0, created_micros: None, at: None };
        let hello = match tail.message().await {
            Some(Message::Text(text)) => serde_json::from_str::<Json>(&text).expect("messages are JSON"),
            other => panic!("a hello was expected: {other:?}"),
        };
        assert_eq!(hello["type"], "hello", "{hello}");
        tail.next_offset = hello["next_offset"].as_u64().expect("a hello says where the table ends");
        tail.n_bytes = hello["n_bytes"].as_u64().expect("a hello says how large the table is");
        tail.first_offset = hello["first_offset"].as_u64().expect("a hello says where the table starts");
        tail.created_micros = hello["created_micros"].as_i64();
        let from = params.split('&').find_map(|pair| pair.strip_prefix("from="));
        let from = from.map_or(tail.next_offset, |from| from.parse().expect("a number"));
        tail.at = Some(from.max(tail.first_offset));
        tail
    }

    /// The next message with rows; `None` when the server closed the tail. What is said of dropped rows before it is in
    /// [`Tail::first_offset`].
    pub async fn next(&mut self) -> Option<TailRows> {
        let message = loop {
            let message = self.message().await?;
            match &message {
                Message::Text(text) if text.starts_with("{\"type\":\"dropped\"") => {
                    let dropped: Json = serde_json::from_str(text).expect("messages are JSON");
                    let first_offset = dropped["first_offset"].as_u64().expect("a number");
                    assert!(first_offset > self.first_offset, "more was dropped");
                    self.first_offset = first_offset;
                }
                _ => break message,
            }
        };
        let (first_offset, rows) = match message {
            Message::Binary(frame) => {
                let stored = wire::arrow::decode_frame(&frame).expect("a binary message is a frame");
                let rows = (0..stored.batch.n_rows()).map(|idx| stored.batch.row(idx)).collect();
                (stored.first_offset, TailRows::Arrow(rows))
            }
            Message::Text(text) => {
                let message: Json = serde_json::from_str(&text).expect("messages are JSON");
                assert_eq!(message["type"], "rows", "{message}");
                let rows = message["rows"].as_array().expect("a list").clone();
                (message["first_offset"].as_u64().expect("a number"), TailRows::Json(rows))
            }
            other => panic!("rows were expected: {other:?}"),
        };
        assert_eq!(Some(first_offset), self.at, "messages join up");
        assert!(!rows.is_empty());
        self.at = Some(first_offset + rows.len() as u64);
        Some(rows)
    }

    /// The next rows of a tail in Arrow, exactly so many.
    pub async fn take(&mut self, n_rows: usize) -> Vec<Row> {
        let mut taken = Vec::new();
        while taken.len() < n_rows {
            match self.next().await.expect("the tail goes on") {
                TailRows::Arrow(rows) => taken.extend(rows),
                TailRows::Json(_) => panic!("the tail is in JSON"),
            }
        }
        assert_eq!(taken.len(), n_rows, "no row more");
        taken
    }

    /// The next rows of a tail in JSON, exactly so many.
    pub async fn take_json(&mut self, n_rows: usize) -> Vec<Json> {
        let mut taken = Vec::new();
        while taken.len() < n_rows {
            match self.next().await.expect("the tail goes on") {
                TailRows::Json(rows) => taken.extend(rows),
                TailRows::Arrow(_) => panic!("the tail is in Arrow"),
            }
        }
        assert_eq!(taken.len(), n_rows, "no row more");
        taken
    }

    /// The next message as it is, pings apart; `None` when the server closed the tail or went away.
    pub async fn message(&mut self) -> Option<Message> {
        // Pings must not prolong the wait.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = timeout_at(deadline, self.socket.next()).await.expect("a message comes in time");
            match message? {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(message) => return Some(message),
            }
        }
    }

    /// Reads on until the server closes the tail; says with which code and why, where it did so in good order.
    pub async fn closed(mut self) -> Option<(u16, String)> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message comes in time");
            match message? {
                Ok(Message::Close(frame)) => return frame.map(|frame| (frame.code.into(), frame.reason.to_string())),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Whether nothing comes for so long.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.socket.next()).await.is_err()
    }

    /// Sends a message to the server.
    pub async fn say(&mut self, message: Message) {
        self.socket.send(message).await.expect("the tail is open");
    }

    /// Ends the tail.
    pub async fn close(mut self) {
        // The server may have closed it first.
        let _ = self.socket.send(Message::Close(None)).await;
    }
}
