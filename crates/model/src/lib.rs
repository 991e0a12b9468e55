//! The nouns every other crate speaks of: table names, values, rows, columns and batches.
//!
//! Nothing here does I/O, knows a byte format or a browser. Formats live in `wire`, evaluation in `expr`,
//! views in `engine`.

mod batch;
mod bitmap;
mod column;
mod ids;
mod name;
mod row;
mod schema;
mod value;

pub use batch::{Batch, BatchBuilder, StoredBatch};
pub use bitmap::Bitmap;
pub use column::{Cells, Column, Strings};
pub use ids::{Offset, ParseWriterIdError, Seq, WriterId};
pub use name::{DEFAULT_PROJECT, LOCAL_ENTITY, MAX_NAME_PART_CHARS, NameError, NamePart, TableName};
pub use row::{Row, RowError, SYSTEM_COLUMNS, TIMESTAMP_COLUMN, system_column};
pub use schema::{ColumnSchema, ColumnType, Schema};
pub use value::{MAX_DEPTH, Media, Timestamp, Value};
