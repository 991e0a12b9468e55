//! A live query whose answers are held against `openapi.yaml`.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::openapi;
use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(20);

/// A connection on which questions are asked and answered.
pub struct LiveQuery {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl LiveQuery {
    /// Connects.
    ///
    /// # Panics
    /// When the server does not answer as documented, here as everywhere in this type.
    pub async fn open(server: &Server) -> Self {
        let url = server.url().replacen("http", "ws", 1);
        let (socket, _) = connect_async(format!("{url}/api/v1/query")).await.expect("it is a WebSocket");
        Self { socket }
    }

    /// Asks, and reads the next message.
    pub async fn ask(&mut self, question: &Json) -> Json {
        self.say(question.to_string()).await;
        self.next().await
    }

    /// Sends a message.
    pub async fn say(&mut self, text: impl Into<String>) {
        self.socket.send(Message::Text(text.into().into())).await.expect("the socket is open");
    }

    /// The next message: an answer, or what is wrong.
    pub async fn next(&mut self) -> Json {
        // Pings must not prolong the wait.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = timeout_at(deadline, self.socket.next()).await.expect("a message comes in time");
            let Message::Text(text) = message.expect("the socket is open").expect("the socket works") else { continue };
            let message: Json = serde_json::from_str(&text).expect("messages are JSON");
            let mut bare = message.clone();
            let fields = bare.as_object_mut().expect("messages are objects");
            fields.remove("request");
            match fields.remove("type").as_ref().and_then(Json::as_str) {
                Some("answer") => openapi::document().check_schema("QueryAnswer", &bare),
                Some("error") => openapi::document().check_schema("Error", &bare),
                other => panic!("what is {other:?}? {message}"),
            }
            return message;
        }
    }

    /// Reads on until an answer has taken in so many rows of the table; says also how many messages that took.
    pub async fn until(&mut self, next_offset: u64) -> (Json, usize) {
        let mut n_messages = 0;
        loop {
            let message = self.next().await;
            n_messages += 1;
            if message["next_offset"].as_u64().expect("an answer") >= next_offset {
                return (message, n_messages);
            }
        }
    }

    /// Whether nothing but pings comes for so long.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            match timeout_at(deadline, self.socket.next()).await {
                Err(_) => return true,
                Ok(Some(Ok(Message::Ping(_)))) => {}
                Ok(_) => return false,
            }
        }
    }

    /// Reads on until the server closes the socket; says with which code, where it did so in good order.
    pub async fn closed(mut self) -> Option<u16> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a message comes in time");
            match message? {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
