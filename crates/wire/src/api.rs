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
    /// `ok`, or `ready` of a server that takes rows.
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
    /// The offset of the first row that is there; those before were dropped by the table's retention.
    #[serde(default)]
    pub first_offset: Offset,
    /// Encoded size of the rows on disk, in bytes.
    pub n_bytes: u64,
    /// Rows a second over the last ten seconds.
    pub rows_per_second: f64,
    /// When the last row came, in microseconds since 1970-01-01T00:00:00Z.
    pub last_received_micros: Option<i64>,
    /// The columns in the order in which they were first seen.
    pub columns: Vec<ColumnInfo>,
}

/// How much is kept of a table; the oldest rows beyond it go. What is not given has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionBody {
    /// How old a row may grow, by the time it was received, in seconds.
    #[serde(default)]
    pub age_seconds: Option<u64>,
    /// How many rows are kept at least.
    #[serde(default)]
    pub rows: Option<u64>,
    /// How many bytes the stored rows may have, encoded.
    #[serde(default)]
    pub bytes: Option<u64>,
}

/// What holds for a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionInfo {
    /// Whether it was set for this table; if not, it is the server's default.
    pub is_own: bool,
    /// How old a row may grow, by the time it was received, in seconds.
    pub age_seconds: Option<u64>,
    /// How many rows are kept at least.
    pub rows: Option<u64>,
    /// How many bytes the stored rows may have, encoded.
    pub bytes: Option<u64>,
}

/// What a key allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    /// Whether the server asks for no key; then nothing else is said.
    pub is_open: bool,
    /// The key's id.
    pub id: Option<String>,
    /// `write`, `read` or `admin`.
    pub right: Option<String>,
    /// The entity whose tables it is for.
    pub entity: Option<String>,
    /// The project; none for all of the entity's.
    pub project: Option<String>,
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

/// What is asked of a table: a view, and which rows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryRequest {
    /// The table and what is done to its rows, in the expression language.
    pub query: String,
    /// The rank of the first row wanted, from 0.
    #[serde(default)]
    pub first: u64,
    /// How many rows are wanted; 100 when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The columns wanted; all of the view's when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// The id of a row that the rows are wanted around. Where it is not in the view, `first` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around: Option<u64>,
    /// How many rows are wanted above that row.
    #[serde(default)]
    pub above: u64,
    /// Whether the last rows are wanted, wherever they start; neither `first` nor `around` holds then.
    #[serde(default)]
    pub at_end: bool,
    /// Of which offset on rows are left out, as if the table ended there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Offset>,
    /// The asker's number for the request, which a live query's messages repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u64>,
}

/// What is answered. The rows themselves stand beside these fields under `rows`, in the JSON of [`json`](crate::json).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// Where the table ended when the view took in its rows.
    pub next_offset: Offset,
    /// How many rows, or groups, the whole view has.
    pub n_rows: u64,
    /// The view's columns in order.
    pub columns: Vec<ColumnInfo>,
    /// Where the view has groups: the columns of the rows that they are of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub row_columns: Vec<ColumnInfo>,
    /// The names of the columns whose values are estimates.
    pub estimates: Vec<String>,
    /// The rank of the first row.
    pub first: u64,
    /// The rows' ids: offsets, or the groups' numbers in order of first appearance.
    pub row_ids: Vec<u64>,
}

/// What a column holds. Its values stand beside these fields under `values`, as objects with the `value`, in the JSON of
/// [`json`](crate::json), and `n_rows`, how many rows have it; the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// The least and the greatest finite number, or time in microseconds; `None` where there is none.
    pub range: Option<(f64, f64)>,
    /// How many of them stand in each of some equal parts of the range; empty without one.
    pub histogram: Vec<u64>,
    /// Whether `values` are all there are.
    pub is_complete: bool,
}

/// A text message of a live query that is no answer. Answers are [`QueryAnswer`]s with the type `answer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum QueryMessage {
    /// What was asked cannot be shown, or no longer.
    Error {
        /// The asker's number for the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<u64>,
        /// The reason.
        error: ErrorDetail,
    },
}

/// A text message of the live tail. Rows in Arrow come as binary messages; rows in JSON as text messages of the form
/// that [`json::encode_rows_message`](crate::json::encode_rows_message) writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TailMessage {
    /// First of all: where the table starts and ends now.
    Hello {
        /// The offset of the first row that is there. Rows before it are not sent, whatever was asked for.
        #[serde(default)]
        first_offset: Offset,
        /// The offset the next stored row will have.
        next_offset: Offset,
        /// When the table was made, in microseconds since 1970-01-01T00:00:00Z, which tells it from one of its name that was
        /// deleted before; none while there is no table.
        #[serde(default)]
        created_micros: Option<i64>,
        /// Encoded size of the rows on disk, in bytes.
        #[serde(default)]
        n_bytes: u64,
    },
    /// Rows were dropped by the table's retention.
    Dropped {
        /// The offset of the first row that is still there.
        first_offset: Offset,
    },
    /// The tail ends, and why.
    Error {
        /// The reason.
        error: ErrorDetail,
    },
}
