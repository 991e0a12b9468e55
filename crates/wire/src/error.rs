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
            WireError::Utf8(_) => "bad_utf8",
            WireError::Name(error) => error.code(),
            WireError::Row(error) => error.code(),
        }
    }
}
