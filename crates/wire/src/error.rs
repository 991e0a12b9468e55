//! What can be wrong with bytes that come in.

use model::{NameError, RowError};

/// Bytes that do not say what they should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not JSON.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// JSON, but not an object.
    #[error("a row is a JSON object, not {0}")]
    NotARow(&'static str),
    /// An object of one key that starts with `$` and is no tag, or a tag with a value it cannot have.
    #[error("{0}")]
    Tag(String),
    /// The first line of a framed request is no header.
    #[error("the first line must be a header such as {{\"v\":1,\"writer\":\"<32 hex digits>\",\"seq\":1}}: {0}")]
    Header(String),
    /// Not an Arrow IPC stream, or not one of ours.
    #[error("not a valid Arrow frame: {0}")]
    Arrow(String),
    /// A message of a stream that is none of ours, or damaged.
    #[error("not a valid message: {0}")]
    Message(String),
    /// A message of a stream that a later version wrote.
    #[error("a message was written by a later version (its version or kind is {0})")]
    NewerMessage(u8),
    /// Not CSV, or a row of it that has not the cells of the first line.
    #[cfg(feature = "files")]
    #[error("not valid CSV: {0}")]
    Csv(String),
    /// An Arrow stream that cannot be read.
    #[cfg(feature = "files")]
    #[error("not a valid Arrow IPC stream: {0}")]
    ArrowStream(String),
    /// Not a Parquet file, or one that cannot be read.
    #[cfg(feature = "files")]
    #[error("not a valid Parquet file: {0}")]
    Parquet(String),
    /// A column of a file has a type that no cell can have.
    #[cfg(feature = "files")]
    #[error("the column {column:?} is of the type {data_type}, which is not taken; cast it before")]
    UnsupportedColumn {
        /// The column.
        column: String,
        /// Its type, as the format names it.
        data_type: String,
    },
    /// A cell of a file is not what its column holds.
    #[cfg(feature = "files")]
    #[error("the column {column:?}: {reason}")]
    Cell {
        /// The column.
        column: String,
        /// Why.
        reason: String,
    },
    /// A row of a file is over the limit.
    #[cfg(feature = "files")]
    #[error("the row has {n_bytes} bytes or more; at most {max_bytes} are taken")]
    RowTooLarge {
        /// How many were counted.
        n_bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// A part of a file that can only be read at once is over the limit.
    #[cfg(feature = "files")]
    #[error("{0}")]
    PartTooLarge(String),
    /// Text that is not UTF-8.
    #[error("not valid UTF-8 at byte {0}")]
    Utf8(usize),
    /// A name that names no table.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A row that may not be stored.
    #[error(transparent)]
    Row(#[from] RowError),
}

impl WireError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            WireError::Json(_) => "bad_json",
            WireError::NotARow(_) => "not_a_row",
            WireError::Tag(_) => "bad_tag",
            WireError::Header(_) => "bad_header",
            WireError::Arrow(_) => "bad_frame",
            WireError::Message(_) => "bad_message",
            WireError::NewerMessage(_) => "newer_message",
            #[cfg(feature = "files")]
            WireError::Csv(_) => "bad_csv",
            #[cfg(feature = "files")]
            WireError::ArrowStream(_) => "bad_arrow",
            #[cfg(feature = "files")]
            WireError::Parquet(_) => "bad_parquet",
            #[cfg(feature = "files")]
            WireError::UnsupportedColumn { .. } => "unsupported_column",
            #[cfg(feature = "files")]
            WireError::Cell { .. } => "bad_cell",
            #[cfg(feature = "files")]
            WireError::RowTooLarge { .. } => "row_too_large",
            #[cfg(feature = "files")]
            WireError::PartTooLarge(_) => "part_too_large",
            WireError::Utf8(_) => "bad_utf8",
            WireError::Name(error) => error.code(),
            WireError::Row(error) => error.code(),
        }
    }
}
