//! Whole tables as files, in the formats that other programs read and write. Reading goes row by row from any
//! [`Read`](std::io::Read), writing piece by piece, so that neither needs memory for the whole. Does no I/O of its own.
//!
//! What each format keeps of a cell, besides what [`crate::json`], [`crate::csv`] and [`crate::arrow`] say:
//!
//! | cell | JSON, NDJSON | Arrow, Parquet | CSV |
//! | --- | --- | --- | --- |
//! | numbers, `NaN`, infinities, `-0` | exactly | exactly | exactly |
//! | 64-bit whole numbers | exactly | exactly, but as a float in a column that has floats too | exactly, if the reader knows the type |
//! | text | exactly | exactly | exactly, if the reader knows the type; empty text is null |
//! | times, bytes, media, lists, objects | exactly | exactly | exactly, if the reader knows the type |
//! | cells of a mixed column | exactly | exactly | as text: `1` and `"1"` are the same |
//! | rows of a table without columns | exactly | Arrow exactly, Parquet knows none | none |

mod arrow;
mod cells;
mod csv;
mod json;
mod meter;
mod parquet_read;
mod parquet_write;
#[cfg(test)]
mod tests;

use model::Row;

use crate::WireError;

pub use arrow::ArrowRows;
pub use csv::{CsvRows, TypeHints};
pub use json::{JsonRows, LineRows};
pub use parquet_read::ParquetRows;
pub use parquet_write::ParquetEncoder;

/// The media type of Parquet.
pub const PARQUET_CONTENT_TYPE: &str = "application/vnd.apache.parquet";

/// A row of a file.
#[derive(Debug)]
pub struct FileRow {
    /// What it takes, in bytes: of text as it stands in the file, else of the values.
    pub n_bytes: usize,
    /// The row, or why it is none; the rows after it can still be read.
    pub row: Result<Row, WireError>,
}

/// The rows of a file, one after the other.
pub trait FileRows {
    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// [`WireError`] when the file cannot be read on.
    fn next_row(&mut self) -> Result<Option<FileRow>, WireError>;
}
