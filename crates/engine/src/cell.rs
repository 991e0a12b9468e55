//! A cell borrowed from where it is stored.

use std::cmp::Ordering;

use model::{ColumnType, Media, Timestamp, Value};

/// A cell, borrowed. It orders exactly as the [`Value`] it stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Time(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Media(&'a Media),
    /// A list or an object.
    Nested(&'a Value),
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Cell::Null,
            Value::Bool(value) => Cell::Bool(*value),
            Value::Int(value) => Cell::Int(*value),
            Value::Float(value) => Cell::Float(*value),
            Value::Time(value) => Cell::Time(value.0),
            Value::Text(text) => Cell::Text(text),
            Value::Bytes(bytes) => Cell::Bytes(bytes),
            Value::Media(media) => Cell::Media(media),
            nested @ (Value::List(_) | Value::Object(_)) => Cell::Nested(nested),
        }
    }
}

impl Cell<'_> {
    pub(crate) fn is_null(self) -> bool {
        matches!(self, Cell::Null)
    }

    pub(crate) fn to_value(self) -> Value {
        match self {
            Cell::Text(text) => Value::Text(text.to_owned()),
            Cell::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Cell::Media(media) => Value::Media(media.clone()),
            Cell::Nested(value) => value.clone(),
            scalar => scalar.stand_in(),
        }
    }

    pub(crate) fn column_type(self) -> ColumnType {
        self.stand_in().column_type()
    }

    /// Orders as [`Value::total_cmp`], without copying.
    pub(crate) fn total_cmp(self, other: Self) -> Ordering {
        match (self, other) {
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            (Cell::Bytes(a), Cell::Bytes(b)) => a.cmp(b),
            (Cell::Media(a), Cell::Media(b)) => a.cmp(b),
            (Cell::Nested(a), Cell::Nested(b)) => a.total_cmp(b),
            _ => self.stand_in().total_cmp(&other.stand_in()),
        }
    }

    /// Compares as the language's `<` does: `None` between kinds and with null.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        let number = |cell: Self| matches!(cell, Cell::Int(_) | Cell::Float(_));
        let same = match (self, other) {
            (Cell::Null, _) | (_, Cell::Null) => false,
            (Cell::Nested(a), Cell::Nested(b)) => std::mem::discriminant(a) == std::mem::discriminant(b),
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other) || (number(self) && number(other)),
        };
        same.then(|| self.total_cmp(other))
    }

    /// The value of a scalar; of anything else an empty value of its kind. Neither allocates.
    fn stand_in(self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Bool(value) => Value::Bool(value),
            Cell::Int(value) => Value::Int(value),
            Cell::Float(value) => Value::Float(value),
            Cell::Time(micros) => Value::Time(Timestamp(micros)),
            Cell::Text(_) => Value::Text(String::new()),
            Cell::Bytes(_) => Value::Bytes(Vec::new()),
            Cell::Media(_) => Value::Media(Media { mime: String::new(), bytes: Vec::new() }),
            Cell::Nested(Value::Object(_)) => Value::Object(Vec::new()),
            Cell::Nested(_) => Value::List(Vec::new()),
        }
    }
}
