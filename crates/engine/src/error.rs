//! Why the engine refuses.

use model::Offset;

/// What the engine cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A batch starts past the table's end: rows between are missing.
    #[error("rows {expected} to {found} are missing")]
    Gap {
        /// The offset the table waits for.
        expected: Offset,
        /// The offset of the batch's first row.
        found: Offset,
    },
    /// The table would pass 2^32 - 1 rows.
    #[error("a table in memory holds at most 4,294,967,295 rows")]
    TooManyRows,
    /// The groups of a view would take more memory than they may.
    #[error("the groups take more memory than they may")]
    TooManyGroups,
    /// A patch is of a row that is yet to come.
    #[error("there is no row {0} yet")]
    NoSuchRow(Offset),
    /// A patch brings a column that belongs to the system.
    #[error("column {0:?} is the system's")]
    SystemColumn(String),
    /// The query does not ask for rows.
    #[error("the query shows no rows; add .rows()")]
    NoRows,
    /// The query is right, but views cannot do this yet.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl EngineError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            EngineError::Gap { .. } => "gap",
            EngineError::TooManyRows => "too_many_rows",
            EngineError::TooManyGroups => "too_many_groups",
            EngineError::NoSuchRow(_) => "no_such_row",
            EngineError::SystemColumn(_) => "system_column",
            EngineError::NoRows => "no_rows",
            EngineError::Unsupported(_) => "unsupported",
        }
    }
}
