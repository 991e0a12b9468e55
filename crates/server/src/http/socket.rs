//! What tails and live queries share: the way out to a reader, and how it ends.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

/// Each open socket has so many bytes of its own to read into; what readers say is short, and there may be thousands.
pub(super) const READ_BUFFER_BYTES: usize = 4 << 10;
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// A reader that takes nothing for so long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a reader may take to answer that the socket is closed.
pub(super) const GOODBYE_TIME: Duration = Duration::from_millis(400);

/// The way out to one reader. Whatever breaks it ends what it is for.
pub(super) struct Out {
    sink: SplitSink<WebSocket, Message>,
    stopping: watch::Receiver<bool>,
}

/// The reader is gone, or the server stops.
pub(super) struct Ended;

impl Out {
    pub(super) fn new(sink: SplitSink<WebSocket, Message>, stopping: watch::Receiver<bool>) -> Self {
        Self { sink, stopping }
    }

    /// Whether the server stops.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Turns true when the server stops.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), Ended> {
        let send = timeout(SEND_TIMEOUT, self.sink.send(message));
        tokio::select! {
            sent = send => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(Ended),
            },
            () = stopped(&mut self.stopping) => Err(Ended),
        }
    }

    /// Says goodbye.
    pub(super) async fn close(&mut self, stream: &mut SplitStream<WebSocket>, close: CloseFrame) {
        let goodbye = async {
            // The reader may be gone already. Who is there answers, and until then the connection must not close: bytes
            // that nobody read would reset it, and the reader might never see why it ended.
            if self.sink.send(Message::Close(Some(close))).await.is_ok() {
                while let Some(Ok(_)) = stream.next().await {}
            }
        };
        let _ = timeout(GOODBYE_TIME, goodbye).await;
    }
}

/// Ticks when it is time to see whether the reader is still there.
pub(super) fn pings() -> Interval {
    let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    // A reader needs the whole time to answer, however long something else took.
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}

pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // The sender goes away only when the server has stopped.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

pub(super) fn text(message: &impl Serialize) -> Message {
    // Serialising plain structs to a string has no way to fail.
    Message::Text(serde_json::to_string(message).unwrap_or_default().into())
}
