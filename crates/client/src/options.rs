//! What a user may choose, with its defaults. The names are those of the npm package, in snake case.

use std::path::PathBuf;

use crate::uploader::Batching;

/// Where a server listens unless told otherwise.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:7700";

/// Which rows are dropped when too many wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Those that are logged while there is no room.
    #[default]
    DropNewest,
    /// Those that wait longest, to make room for what is logged. Rows that are under way stay.
    DropOldest,
}

/// What has a row once it is in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The operating system: the row outlives the program, however it ends, and may be lost when the machine loses power.
    #[default]
    Os,
    /// The disk: the row outlives a loss of power as well. Each call of `log` waits for the disk, a millisecond or more.
    Disk,
}

/// How a table is reached, and how its rows are queued and sent.
///
/// ```
/// use streamtable::{Options, WhenFull};
///
/// let options = Options {
///     server: "https://tables.example.org".to_owned(),
///     outbox: Some("/var/lib/my_program/outbox".into()),
///     max_queue_bytes: 1 << 30,
///     when_full: WhenFull::DropOldest,
///     ..Options::default()
/// };
/// # assert_eq!(options.max_batch_rows, 10_000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The server's origin. With `https` its certificate must be one that the system trusts, or stand in the file that
    /// `SSL_CERT_FILE` names when the first table is made.
    pub server: String,
    /// The board's origin, where links to the table lead; the server's when there is none.
    pub board: Option<String>,
    /// The project, where the name gives none.
    pub project: Option<String>,
    /// The entity, where the name gives none; that of the key where there is one, else `local`.
    pub entity: Option<String>,
    /// The key that allows writing and reading, where the server asks for one.
    pub key: Option<String>,
    /// The folder in which rows wait, made when it is not there; in memory when there is none. Programs and tables may
    /// share one. It must be on a disk of this machine: network drives do not tell reliably whose files are whose.
    pub outbox: Option<PathBuf>,
    /// What has a row once `log` returned, where there is an outbox.
    pub durability: Durability,
    /// The most that may wait in the queue, in bytes. What is too much is dropped, counted and told.
    pub max_queue_bytes: usize,
    /// The most rows that may wait in the queue.
    pub max_queue_rows: usize,
    /// Which rows are dropped when too many wait.
    pub when_full: WhenFull,
    /// The most rows in one request.
    pub max_batch_rows: usize,
    /// The most bytes in one request. A row that is larger goes alone.
    pub max_batch_bytes: usize,
    /// The least time from the start of one request to the start of the next, in milliseconds. A first row goes at
    /// once, those that follow it closely go together. `flush` does not wait for it.
    pub linger_millis: u64,
    /// How long an answer is waited for, in milliseconds, before the rows are sent again.
    pub request_timeout_millis: u32,
    /// The longest wait between two tries, in milliseconds, unless the server asks for longer.
    pub max_retry_millis: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server: DEFAULT_SERVER.to_owned(),
            board: None,
            project: None,
            entity: None,
            key: None,
            outbox: None,
            durability: Durability::Os,
            max_queue_bytes: 64 << 20,
            max_queue_rows: 1_000_000,
            when_full: WhenFull::DropNewest,
            max_batch_rows: 10_000,
            max_batch_bytes: 1 << 20,
            linger_millis: 50,
            request_timeout_millis: 30_000,
            max_retry_millis: 30_000,
        }
    }
}

impl Options {
    /// How rows are gathered to requests.
    #[must_use]
    pub fn batching(&self) -> Batching {
        Batching {
            max_rows: self.max_batch_rows.max(1) as u64,
            max_bytes: self.max_batch_bytes as u64,
            linger_millis: self.linger_millis,
            max_retry_millis: self.max_retry_millis,
        }
    }
}
