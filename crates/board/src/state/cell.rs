//! A window's cells: what is to be drawn of each, and the value that a filter can ask for.

use std::borrow::Cow;

use engine::WindowColumn;
use model::{ColumnType, Timestamp, Value};

use super::text;

/// What is to be drawn of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown<'a> {
    /// Nothing there.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, as text.
    Number(Cow<'a, str>),
    /// Microseconds since 1970.
    Time(i64),
    /// Text as it is.
    Text(&'a str),
    /// What is read letter by letter: bytes, lists and objects.
    Code(&'a str),
    /// A picture, as a data URL.
    Picture(&'a str),
    /// Other media: the media type.
    Media(&'a str),
}

/// What is to be drawn of the cell at `idx`; nothing where the column has no such cell.
#[must_use]
pub fn shown(column: &WindowColumn, idx: usize) -> Shown<'_> {
    match kind_of(column, idx) {
        ColumnType::Null | ColumnType::Mixed => Shown::Null,
        ColumnType::Bool => Shown::Bool(column.numbers[idx] != 0.0),
        ColumnType::Int => Shown::Number(Cow::Borrowed(column.text_at(idx))),
        ColumnType::Float => Shown::Number(Cow::Owned(text::number(column.numbers[idx]))),
        ColumnType::Time => Shown::Time(column.numbers[idx] as i64),
        ColumnType::Text => Shown::Text(column.text_at(idx)),
        ColumnType::Bytes | ColumnType::Nested => Shown::Code(column.text_at(idx)),
        ColumnType::Media => {
            let url = column.text_at(idx);
            let mime = url.strip_prefix("data:").and_then(|rest| rest.split(';').next()).unwrap_or_default();
            if mime.starts_with("image/") { Shown::Picture(url) } else { Shown::Media(mime) }
        }
    }
}

/// The value of the cell at `idx`; `None` where a window does not carry the whole of it.
#[must_use]
pub fn value(column: &WindowColumn, idx: usize) -> Option<Value> {
    match kind_of(column, idx) {
        ColumnType::Null => Some(Value::Null),
        ColumnType::Bool => Some(Value::Bool(column.numbers[idx] != 0.0)),
        ColumnType::Int => column.text_at(idx).parse().ok().map(Value::Int),
        ColumnType::Float => Some(Value::Float(column.numbers[idx])),
        ColumnType::Time => Some(Value::Time(Timestamp(column.numbers[idx] as i64))),
        ColumnType::Text => Some(Value::Text(column.text_at(idx).to_owned())),
        ColumnType::Bytes | ColumnType::Media | ColumnType::Nested | ColumnType::Mixed => None,
    }
}

/// The type of the cell itself.
fn kind_of(column: &WindowColumn, idx: usize) -> ColumnType {
    use ColumnType::{Bool, Bytes, Float, Int, Media, Nested, Null, Text, Time};
    let kinds = [Null, Bool, Int, Float, Time, Text, Bytes, Media, Nested];
    let kind = column.kinds.get(idx).copied().unwrap_or_default();
    kinds.into_iter().find(|candidate| *candidate as u8 == kind).unwrap_or(Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: ColumnType, number: f64, text: &str) -> WindowColumn {
        WindowColumn {
            name: "x".into(),
            column_type: kind,
            kinds: vec![kind as u8],
            numbers: vec![number],
            ends: vec![text.len() as u32],
            text: text.into(),
        }
    }

    fn check(kind: ColumnType, number: f64, text: &str, expect: &Shown<'_>, expect_value: Option<Value>) {
        let column = column(kind, number, text);
        assert_eq!((&shown(&column, 0), value(&column, 0)), (expect, expect_value));
        assert_eq!(shown(&column, 1), Shown::Null);
    }

    #[test]
    fn cells_by_type() {
        check(ColumnType::Null, 0.0, "", &Shown::Null, Some(Value::Null));
        check(ColumnType::Bool, 1.0, "", &Shown::Bool(true), Some(Value::Bool(true)));
        let big = "1152921504606846976";
        check(ColumnType::Int, 1.15e18, big, &Shown::Number(big.into()), Some(Value::Int(1 << 60)));
        check(ColumnType::Float, 0.5, "", &Shown::Number("0.5".into()), Some(Value::Float(0.5)));
        check(ColumnType::Time, 7.0, "", &Shown::Time(7), Some(Value::Time(Timestamp(7))));
        check(ColumnType::Text, 0.0, "é", &Shown::Text("é"), Some("é".into()));
        check(ColumnType::Nested, 0.0, "[1]", &Shown::Code("[1]"), None);
        let (png, wav) = ("data:image/png;base64,AA==", "data:audio/wav;base64,AA==");
        check(ColumnType::Media, 0.0, png, &Shown::Picture(png), None);
        check(ColumnType::Media, 0.0, wav, &Shown::Media("audio/wav"), None);
    }
}
