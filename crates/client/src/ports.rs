//! What the machines need from the world: a way to the server, the time, and chance. `web` and `native` each bring it.

use std::future::Future;

use wire::api::Ack;

use crate::error::DeliveryError;

/// Sends requests to one table.
pub trait Transport {
    /// Posts a framed body (see `wire::append`). It gives up by itself after the time its options say.
    fn append(&self, body: String) -> impl Future<Output = Reply>;
}

/// Tells the time and waits.
pub trait Clock {
    /// Milliseconds since some fixed moment; never goes back.
    fn now_millis(&self) -> u64;
    /// Waits; dropping the future ends the wait.
    fn sleep(&self, millis: u64) -> impl Future<Output = ()>;
}

/// Draws numbers.
pub trait Random {
    /// A number in `0..1`.
    fn unit(&self) -> f64;
}

/// Is told what happens, never while a lock is held.
pub trait Observer {
    /// Something happened.
    fn notice(&self, notice: Notice);
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The server dealt with the rows.
    Ack(Ack),
    /// The server answered with an error.
    Error {
        /// The HTTP status.
        status: u16,
        /// The server's code, where it gave one.
        code: Option<String>,
        /// The server's sentence, where it gave one.
        message: Option<String>,
        /// What it asked for by `Retry-After`.
        retry_after_millis: Option<u64>,
    },
    /// There was no answer, or one that no StreamTable server gives.
    Lost(String),
}

/// Something a user may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Rows are stored.
    Acked(Ack),
    /// Rows are refused, dropped or held up.
    Error(DeliveryError),
    /// The status changed.
    Status,
}
