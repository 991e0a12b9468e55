//! The shapes of the HTTP answers. One definition serves both ends.

use model::{Offset, Seq};
use serde::{Deserialize, Serialize};

/// Where the API stands on a server.
pub const API_PREFIX: &str = "/api/v1";

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The writer's number of the last row dealt with: stored, refused or known already.
    pub acked_seq: Seq,
    /// How many rows this request added to the table.
    pub n_stored: u64,
    /// How many rows were known already, and not stored again.
    pub n_duplicate: u64,
    /// The table's number for the first row stored; the others follow without a gap.
    pub first_offset: Option<Offset>,
    /// The rows that cannot be stored, whatever is tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refusal>,
}

/// A row that cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Its place in the request, from 0.
    pub index: u64,
    /// Why, as a code that stays the same from version to version.
    pub code: String,
    /// Why, as a sentence.
    pub message: String,
}

/// Why a request failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The reason.
    pub error: ErrorDetail,
}

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// A code that stays the same from version to version.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// That a server works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The server's version.
    pub version: String,
}

/// The tables of a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableList {
    /// By name.
    pub tables: Vec<TableInfo>,
}

/// What a server knows of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableInfo {
    /// `entity/project/table`.
    pub name: String,
    /// How many rows there are.
    pub n_rows: u64,
    /// Encoded size of the rows on disk, in bytes.
    pub n_bytes: u64,
    /// Rows a second over the last ten seconds.
    pub rows_per_second: f64,
    /// When the last row came, in microseconds since 1970-01-01T00:00:00Z.
    pub last_received_micros: Option<i64>,
    /// The columns in the order in which they were first seen.
    pub columns: Vec<ColumnInfo>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// Its type, by [`model::ColumnType::name`].
    #[serde(rename = "type")]
    pub column_type: String,
}

/// A text message of the live tail. Rows in Arrow come as binary messages; rows in JSON as text messages of the form
/// that [`json::encode_rows_message`](crate::json::encode_rows_message) writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TailMessage {
    /// First of all: where the table ends now.
    Hello {
        /// The offset the next stored row will have.
        next_offset: Offset,
    },
    /// The tail ends, and why.
    Error {
        /// The reason.
        error: ErrorDetail,
    },
}
