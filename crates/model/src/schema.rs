//! What columns a table has, and how a column's type widens as rows come.

use std::fmt;
use std::str::FromStr;

/// The type of a column: the narrowest that holds every cell seen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnType {
    /// No cell has a value yet.
    Null,
    /// True and false.
    Bool,
    /// 64-bit whole numbers.
    Int,
    /// Numbers; whole ones may be among them.
    Float,
    /// Points in time.
    Time,
    /// Text.
    Text,
    /// Raw bytes.
    Bytes,
    /// Pictures and other media.
    Media,
    /// Lists and objects.
    Nested,
    /// Values of several types.
    Mixed,
}

impl ColumnType {
    const ALL: [(ColumnType, &'static str); 10] = [
        (ColumnType::Null, "null"),
        (ColumnType::Bool, "bool"),
        (ColumnType::Int, "int"),
        (ColumnType::Float, "float"),
        (ColumnType::Time, "time"),
        (ColumnType::Text, "text"),
        (ColumnType::Bytes, "bytes"),
        (ColumnType::Media, "media"),
        (ColumnType::Nested, "nested"),
        (ColumnType::Mixed, "mixed"),
    ];

    /// The type of a column that holds cells of both types.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        use ColumnType::{Float, Int, Mixed, Null};
        match (self, other) {
            (a, b) if a == b => a,
            (Null, other) | (other, Null) => other,
            (Int, Float) | (Float, Int) => Float,
            _ => Mixed,
        }
    }

    /// The type's name, as formats and addresses write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether every cell that is not null is a number.
    #[must_use]
    pub fn is_numeric(self) -> bool {
        matches!(self, ColumnType::Int | ColumnType::Float)
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ColumnType {
    type Err = UnknownColumnType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(t, _)| *t).ok_or(UnknownColumnType)
    }
}

/// A text that names no column type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such column type")]
pub struct UnknownColumnType;

/// A column's name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSchema {
    /// The column's name: any text, the empty one included.
    pub name: String,
    /// The column's type so far.
    pub column_type: ColumnType,
}

/// A table's columns, in the order in which they were first seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    columns: Vec<ColumnSchema>,
}

impl Schema {
    /// The columns in order.
    #[must_use]
    pub fn columns(&self) -> &[ColumnSchema] {
        &self.columns
    }

    /// Where the column of that name stands.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// As [`Schema::index_of`], without a search where the column stands at `place`, as it mostly does.
    #[must_use]
    pub fn index_near(&self, place: usize, name: &str) -> Option<usize> {
        let is_there = self.columns.get(place).is_some_and(|column| column.name == name);
        if is_there { Some(place) } else { self.index_of(name) }
    }

    /// Takes in a column: widens the one of that name, or adds it at the end. Says whether anything changed.
    pub fn merge_column(&mut self, name: &str, column_type: ColumnType) -> bool {
        self.merge_column_near(usize::MAX, name, column_type)
    }

    /// As [`Schema::merge_column`], without a search where the column stands at `place`.
    pub fn merge_column_near(&mut self, place: usize, name: &str, column_type: ColumnType) -> bool {
        if let Some(idx) = self.index_near(place, name) {
            let column = &mut self.columns[idx];
            let merged = column.column_type.merge(column_type);
            return std::mem::replace(&mut column.column_type, merged) != merged;
        }
        self.columns.push(ColumnSchema { name: name.to_owned(), column_type });
        true
    }
}

impl FromIterator<ColumnSchema> for Schema {
    fn from_iter<I: IntoIterator<Item = ColumnSchema>>(columns: I) -> Self {
        let mut schema = Schema::default();
        for column in columns {
            schema.merge_column(&column.name, column.column_type);
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for (t, name) in ColumnType::ALL {
            assert_eq!((t.name(), name.parse()), (name, Ok(t)));
        }
    }

    #[test]
    fn merging_is_a_join() {
        let types = ColumnType::ALL.map(|(t, _)| t);
        for a in types {
            assert_eq!(a.merge(a), a);
            for b in types {
                assert_eq!(a.merge(b), b.merge(a));
                for c in types {
                    assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)), "{a} {b} {c}");
                }
            }
        }
    }
}
