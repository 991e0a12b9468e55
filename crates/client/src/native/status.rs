//! What a program can know of its rows: the status at any time, and notices as things happen.

use model::TableName;
use wire::api::Ack;

use crate::error::DeliveryError;

/// What a table's way out is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Every row was dealt with.
    Idle,
    /// Rows wait or are under way.
    Sending,
    /// The last try failed; the rows are sent again.
    Retrying,
    /// The table is finished.
    Finished,
}

/// Where rows wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In files, which outlive the program.
    Files,
    /// In memory alone: there is no outbox, or it cannot be written now.
    Memory,
}

/// How the rows logged so far are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What is going on.
    pub state: State,
    /// Rows that wait or are under way.
    pub queued: u64,
    /// Rows that were sent at least once.
    pub sent: u64,
    /// Rows that the server has stored.
    pub acknowledged: u64,
    /// Rows that the server refused for good.
    pub rejected: u64,
    /// Rows that were dropped: too many waited, or the outbox's disk has lost them.
    pub dropped: u64,
    /// Rows for this table that earlier runs left in the outbox, and that this one delivered. They are in no other count.
    pub recovered: u64,
    /// Rows that wait in memory alone, and are lost if the program ends now.
    pub volatile: u64,
    /// The size of the rows that wait or are under way, in bytes.
    pub bytes: u64,
    /// Where rows wait.
    pub storage: Storage,
    /// What went wrong last.
    pub last_error: Option<LastError>,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// A code that stays the same from version to version.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Something a program may want to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Rows are stored.
    Acked(Ack),
    /// Rows that an earlier run left in the outbox are stored.
    Recovered {
        /// Whose rows they are.
        table: TableName,
        /// How many.
        n_rows: u64,
    },
    /// Rows are refused, dropped, held up, or not safe.
    Error(DeliveryError),
    /// The status changed.
    Status,
}
