//! One row: named cells in the order they were given.

use crate::value::{MAX_DEPTH, Value};

/// The column that says when a row was logged.
pub const TIMESTAMP_COLUMN: &str = "timestamp";
/// The columns the system writes; a row may not bring them.
pub const SYSTEM_COLUMNS: [&str; 4] = ["_writer", "_seq", "_offset", "_received"];

/// The names of [`SYSTEM_COLUMNS`], for those who ask for one.
pub mod system_column {
    /// The writer's id, as text.
    pub const WRITER: &str = "_writer";
    /// The writer's number for the row.
    pub const SEQ: &str = "_seq";
    /// The table's number for the row.
    pub const OFFSET: &str = "_offset";
    /// When the server took the row.
    pub const RECEIVED: &str = "_received";
}

/// Named cells. A name stands once; a later cell of the same name replaces the earlier one's value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    cells: Vec<(String, Value)>,
}

/// Why a row cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The row brings a column that belongs to the system.
    #[error("column {0:?} is the system's; give it another name")]
    SystemColumn(String),
    /// Lists and objects nest deeper than [`MAX_DEPTH`].
    #[error("column {0:?} nests deeper than {MAX_DEPTH} levels")]
    TooDeep(String),
}

impl RowError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            RowError::SystemColumn(_) => "system_column",
            RowError::TooDeep(_) => "too_deep",
        }
    }
}

impl Row {
    /// An empty row.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a cell. A name that is there already keeps its place and takes the new value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.cells.iter_mut().find(|(n, _)| *n == name) {
            Some(cell) => cell.1 = value,
            None => self.cells.push((name, value)),
        }
    }

    /// Adds a cell whose name the caller knows to be new.
    pub fn push(&mut self, name: String, value: Value) {
        debug_assert!(self.get(&name).is_none());
        self.cells.push((name, value));
    }

    /// The cell of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.cells.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The cells in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.cells.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The cells in order.
    #[must_use]
    pub fn into_cells(self) -> Vec<(String, Value)> {
        self.cells
    }

    /// How many cells the row has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether the row has no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Checks what every stored row must hold to.
    ///
    /// # Errors
    /// [`RowError`], of the first column at fault.
    pub fn check(&self) -> Result<(), RowError> {
        for (name, value) in &self.cells {
            if SYSTEM_COLUMNS.contains(&name.as_str()) {
                return Err(RowError::SystemColumn(name.clone()));
            }
            if value.depth() >= MAX_DEPTH {
                return Err(RowError::TooDeep(name.clone()));
            }
        }
        Ok(())
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Row {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(cells: I) -> Self {
        let mut row = Row::new();
        for (name, value) in cells {
            row.set(name, value);
        }
        row
    }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Value::$variant(value.into())
            }
        }
    )*};
}
value_from!(bool => Bool, i64 => Int, f64 => Float, String => Text, &str => Text);

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_wins_and_keeps_the_first_place() {
        let row: Row = [("a", 1.0), ("b", 2.0), ("a", 3.0)].into_iter().collect();
        assert_eq!(row.into_cells(), [("a".to_owned(), Value::Float(3.0)), ("b".to_owned(), Value::Float(2.0))]);
    }

    #[test]
    fn a_row_may_not_bring_what_is_the_systems() {
        let row: Row = [("_offset", 1.0)].into_iter().collect();
        assert_eq!(row.check().unwrap_err().code(), "system_column");
        let nested = |depth: usize| (0..depth).fold(Value::Null, |v, _| Value::List(vec![v]));
        let row = |depth| [("deep", nested(depth))].into_iter().collect::<Row>();
        assert_eq!(row(MAX_DEPTH - 1).check(), Ok(()));
        assert_eq!(row(MAX_DEPTH).check().unwrap_err().code(), "too_deep");
    }
}
