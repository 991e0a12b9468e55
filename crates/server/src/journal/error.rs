//! What can go wrong in the journal.

use std::path::PathBuf;

use model::Offset;

/// Why the journal did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// More rows wait to be written, or more bytes of bodies are being read, than may.
    #[error("too many rows are on their way; try again in a moment")]
    Overloaded,
    /// The disk is full. Reading goes on, and so does writing once there is room.
    #[error("the disk is full")]
    DiskFull,
    /// A write failed, so that what is on disk is not known until the server is started again.
    #[error("a write to the disk failed and no row is taken until the server is started again: {0}")]
    Failed(String),
    /// The store could not be read or written just now.
    #[error("the store could not be used: {0}")]
    Store(String),
    /// Stored bytes are not those that were written.
    #[error("the stored rows at offset {offset} are damaged: {reason}")]
    Damaged {
        /// Where the damage starts.
        offset: Offset,
        /// What is wrong with them.
        reason: String,
    },
    /// A message of a stream came out of its order. The one who follows the stream goes back to where the journal is.
    #[error("stream {stream} was followed up to {done}, and a message came that follows {after}")]
    OutOfPlace {
        /// The stream.
        stream: u32,
        /// How far it was followed.
        done: u64,
        /// What the message follows.
        after: u64,
    },
    /// The engine does not answer, or not in time. It is unknown whether the rows were kept.
    #[error("the engine that keeps the rows does not answer: {0}")]
    Engine(String),
    /// The engine is not one that rows may be trusted to, or not set up as it must be.
    #[error("the engine cannot be used: {0}")]
    EngineRefused(String),
    /// The rows that are due were dropped by the table's retention.
    #[error("the rows from offset {from} to {first_offset} were dropped by the table's retention")]
    RowsDropped {
        /// The first row that was due.
        from: Offset,
        /// The first row that is there.
        first_offset: Offset,
    },
    /// The table was deleted.
    #[error("the table was deleted")]
    TableDeleted,
    /// The journal was closed.
    #[error("the server is stopping")]
    Closed,
    /// Something that cannot happen did.
    #[error("the rows could not be written: {0}")]
    Internal(String),
    /// Another server uses the folder.
    #[error("another server uses the data folder {0}")]
    InUse(PathBuf),
    /// The file belongs to another program.
    #[error("{0} is not a StreamTable journal")]
    Foreign(PathBuf),
    /// The file is of a later version.
    #[error("{path} has format {found}, written by a later version; this one knows formats up to {known}")]
    TooNew {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: i64,
        /// The latest format this version knows.
        known: i64,
    },
    /// The journal could not be copied.
    #[error("no backup was made: {path}: {reason}")]
    Backup {
        /// The file that is at fault.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The data folder cannot be made or opened.
    #[error("cannot open {path}: {reason}")]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl JournalError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            JournalError::Overloaded => "overloaded",
            JournalError::DiskFull => "disk_full",
            JournalError::Failed(_) => "journal_failed",
            JournalError::Store(_) => "journal_unavailable",
            JournalError::Damaged { .. } => "journal_damaged",
            JournalError::OutOfPlace { .. } => "internal",
            JournalError::Engine(_) => "engine_unavailable",
            JournalError::EngineRefused(_) => "engine_refused",
            JournalError::RowsDropped { .. } => "rows_dropped",
            JournalError::TableDeleted => "table_deleted",
            JournalError::Closed => "stopping",
            JournalError::Internal(_) => "internal",
            JournalError::InUse(_) => "data_in_use",
            JournalError::Foreign(_) => "journal_foreign",
            JournalError::TooNew { .. } => "journal_too_new",
            JournalError::Backup { .. } => "backup_failed",
            JournalError::Open { .. } => "journal_open",
        }
    }
}
