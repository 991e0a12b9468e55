//! What can go wrong between a row and its table.

use model::{NameError, RowError, Seq};

/// What a user of the library may be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name names no table.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A row that may not be stored; it was not queued.
    #[error(transparent)]
    Row(#[from] RowError),
    /// Rows are not stored, or not yet.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// Reading rows back failed.
    #[error("reading failed: {message}")]
    Read {
        /// The server's code, or `network`.
        code: String,
        /// A sentence.
        message: String,
    },
}

/// Why rows are not stored, or not yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The table was finished.
    #[error("the table is finished; rows can no longer be logged")]
    Finished,
    /// The queue is full, and rows were dropped.
    #[error("the queue is full: {n_rows} rows were dropped")]
    QueueFull {
        /// How many.
        n_rows: u64,
    },
    /// The server refused a row for good.
    #[error("the server refused a row: {message}")]
    RowRefused {
        /// The row's number.
        seq: Seq,
        /// The server's code.
        code: String,
        /// The server's sentence.
        message: String,
    },
    /// The server refused a whole request for good; its rows are set aside.
    #[error("the server refused {n_rows} rows: {message}")]
    RequestRefused {
        /// How many rows.
        n_rows: u64,
        /// The server's code, or `http_` and the status.
        code: String,
        /// The server's sentence.
        message: String,
    },
    /// The server could not take the rows now; they are sent again.
    #[error("the server could not answer and is tried again: {message}")]
    Unavailable {
        /// The server's code, or `http_` and the status.
        code: String,
        /// The server's sentence.
        message: String,
    },
    /// There was no answer, or none that makes sense; the rows are sent again.
    #[error("the server cannot be reached and is tried again: {0}")]
    Network(String),
}

impl Error {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Error::Name(error) => error.code(),
            Error::Row(error) => error.code(),
            Error::Delivery(error) => error.code(),
            Error::Read { code, .. } => code,
        }
    }
}

impl DeliveryError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            DeliveryError::Finished => "finished",
            DeliveryError::QueueFull { .. } => "queue_full",
            DeliveryError::RowRefused { code, .. }
            | DeliveryError::RequestRefused { code, .. }
            | DeliveryError::Unavailable { code, .. } => code,
            DeliveryError::Network(_) => "network",
        }
    }

    /// Whether the rows concerned are still on their way.
    #[must_use]
    pub fn is_retried(&self) -> bool {
        matches!(self, DeliveryError::Unavailable { .. } | DeliveryError::Network(_))
    }
}
