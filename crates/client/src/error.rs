//! What can go wrong between a row and its table.

use model::{NameError, Row, RowError, Seq};

/// What a user of the library may be told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
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
    /// The folder of the outbox cannot be used. Without it rows would wait in memory alone, so that is left to the caller.
    #[error("the outbox cannot be opened: {0}")]
    Outbox(String),
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
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DeliveryError {
    /// The table was finished.
    #[error("the table is finished; rows can no longer be logged")]
    Finished,
    /// Too many rows wait, and some were dropped.
    #[error("too many rows wait: {n_rows} were dropped")]
    QueueFull {
        /// How many.
        n_rows: u64,
    },
    /// The server refused a row for good.
    #[error("the server refused a row: {message}")]
    RowRefused {
        /// The row's number.
        seq: Seq,
        /// The row itself, for whoever wants to keep it.
        row: Row,
        /// The server's code.
        code: String,
        /// The server's sentence.
        message: String,
    },
    /// The server refused a whole request for good; its rows are set aside.
    #[error("the server refused {} rows: {message}", rows.len())]
    RequestRefused {
        /// The number of the first of them.
        first_seq: Seq,
        /// The rows themselves, for whoever wants to keep them.
        rows: Vec<Row>,
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
    /// The disk of the outbox is full. Rows wait in memory alone, and are lost if the program ends before they are sent;
    /// `status` counts them. The disk is tried again.
    #[error("the disk of the outbox is full, and rows wait in memory alone: {0}")]
    StorageFull(String),
    /// The outbox cannot be written, which has the same consequence, or cannot be read. It is tried again.
    #[error("the outbox cannot be used and is tried again: {0}")]
    StorageUnavailable(String),
    /// A file of the outbox cannot be read, or not wholly. What can be read is sent; the file is kept.
    #[error("rows are lost in {path}: {message}")]
    StorageDamaged {
        /// The file. It ends with `.damaged` once all that can be read of it was dealt with.
        path: String,
        /// What is wrong with it.
        message: String,
    },
}

impl Error {
    /// A code that stays the same from version to version.
    ///
    /// ```
    /// use streamtable::TableName;
    ///
    /// let error = streamtable::Error::from(TableName::parse("a//b").unwrap_err());
    /// assert_eq!(error.code(), "name_empty_part");
    /// ```
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Error::Name(error) => error.code(),
            Error::Row(error) => error.code(),
            Error::Delivery(error) => error.code(),
            Error::Outbox(_) => "storage_unavailable",
            Error::Read { code, .. } => code,
        }
    }
}

impl DeliveryError {
    /// A code that stays the same from version to version.
    ///
    /// ```
    /// use streamtable::DeliveryError;
    ///
    /// assert_eq!(DeliveryError::QueueFull { n_rows: 3 }.code(), "queue_full");
    /// ```
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            DeliveryError::Finished => "finished",
            DeliveryError::QueueFull { .. } => "queue_full",
            DeliveryError::RowRefused { code, .. }
            | DeliveryError::RequestRefused { code, .. }
            | DeliveryError::Unavailable { code, .. } => code,
            DeliveryError::Network(_) => "network",
            DeliveryError::StorageFull(_) => "storage_full",
            DeliveryError::StorageUnavailable(_) => "storage_unavailable",
            DeliveryError::StorageDamaged { .. } => "storage_damaged",
        }
    }

    /// Whether the rows concerned are still on their way.
    ///
    /// ```
    /// use streamtable::DeliveryError;
    ///
    /// assert!(DeliveryError::Network("connection refused".to_owned()).is_retried());
    /// assert!(!DeliveryError::QueueFull { n_rows: 3 }.is_retried());
    /// ```
    #[must_use]
    pub fn is_retried(&self) -> bool {
        match self {
            DeliveryError::Unavailable { .. }
            | DeliveryError::Network(_)
            | DeliveryError::StorageFull(_)
            | DeliveryError::StorageUnavailable(_) => true,
            DeliveryError::Finished
            | DeliveryError::QueueFull { .. }
            | DeliveryError::RowRefused { .. }
            | DeliveryError::RequestRefused { .. }
            | DeliveryError::StorageDamaged { .. } => false,
        }
    }
}
