//! Why a query has no answer.

use engine::EngineError;
use model::TableName;

use crate::journal::JournalError;

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is no query.
    #[error("the query cannot be read at character {position}: {reason}")]
    Syntax {
        /// Where, in characters from 0.
        position: usize,
        /// Why.
        reason: String,
    },
    /// The query is of another table than the address.
    #[error("the query is of {0}, which is another table than the address names")]
    OtherTable(TableName),
    /// The query is right, but no view can show it.
    #[error(transparent)]
    View(EngineError),
    /// More rows are asked for than one answer has.
    #[error("{asked} rows are too many for one answer; ask for at most {max}")]
    TooManyRows {
        /// How many were asked for.
        asked: u64,
        /// How many may be.
        max: u64,
    },
    /// The rows asked for take more bytes than one answer has.
    #[error("the rows take more than {0} bytes; ask for fewer rows or columns")]
    AnswerTooLarge(usize),
    /// The table has no row yet.
    #[error("there is no table {0}")]
    UnknownTable(TableName),
    /// The view has no such column.
    #[error("the view has no column {0:?}")]
    UnknownColumn(String),
    /// The table and what is asked of it do not fit the memory for queries, whatever else is there.
    #[error("the table {table}, with what is asked of it, takes more than the {max_bytes} bytes that queries may take")]
    TableTooLarge {
        /// Which.
        table: TableName,
        /// The memory for all queries together.
        max_bytes: usize,
    },
    /// Others have taken the memory for queries.
    #[error("other queries take the memory that this one needs; try again later")]
    MemoryFull,
    /// The rows could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl QueryError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            QueryError::Syntax { .. } | QueryError::OtherTable(_) => "bad_query",
            QueryError::View(error) => error.code(),
            QueryError::TooManyRows { .. } => "too_many_rows",
            QueryError::AnswerTooLarge(_) => "answer_too_large",
            QueryError::UnknownTable(_) => "unknown_table",
            QueryError::UnknownColumn(_) => "unknown_column",
            QueryError::TableTooLarge { .. } => "table_too_large",
            QueryError::MemoryFull => "query_memory_full",
            QueryError::Journal(error) => error.code(),
        }
    }
}
