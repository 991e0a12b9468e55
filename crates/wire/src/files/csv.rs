//! Rows from CSV. A header line names the columns; CSV tells no types, so these come from whoever asks, from the table, or
//! from how a cell looks.

use std::collections::HashMap;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{ColumnType, Row, Schema, Timestamp, Value};

use super::meter::{Allowance, Meter, metered};
use super::{FileRow, FileRows};
use crate::WireError;
use crate::json::{decode_value, media_from_data_url};

/// What is known of the columns' types.
#[derive(Clone, Debug, Default)]
pub struct TypeHints {
    stated: HashMap<String, ColumnType>,
    known: HashMap<String, ColumnType>,
}

impl TypeHints {
    /// `stated` are the types that the columns must have: a cell that is not of its type makes its row a bad one. `table` are
    /// the table's own: a cell is read as such where it can be.
    #[must_use]
    pub fn new(stated: HashMap<String, ColumnType>, table: &Schema) -> Self {
        let known = table.columns().iter().map(|column| (column.name.clone(), column.column_type)).collect();
        Self { stated, known }
    }
}

struct Column {
    name: String,
    column_type: Option<ColumnType>,
    is_stated: bool,
}

/// Reads a time as people write it.
type ParseTime = fn(&str) -> Option<Timestamp>;

/// The rows of a CSV file.
pub struct CsvRows<R> {
    reader: csv::Reader<Meter<R>>,
    allowance: Allowance,
    record: csv::StringRecord,
    max_row_bytes: usize,
    hints: TypeHints,
    columns: Option<Vec<Column>>,
    parse_time: ParseTime,
}

impl<R: Read> CsvRows<R> {
    /// The rows of a stream, of at most so many bytes each.
    pub fn new(reader: R, max_row_bytes: usize, hints: TypeHints, parse_time: ParseTime) -> Self {
        const BUFFER_BYTES: usize = 64 << 10;
        // A quote that is never closed would make the whole file one cell.
        let (meter, allowance) = metered(reader, max_row_bytes.saturating_add(2 * BUFFER_BYTES));
        let mut builder = csv::ReaderBuilder::new();
        let reader = builder.has_headers(false).flexible(true).buffer_capacity(BUFFER_BYTES).from_reader(meter);
        Self { reader, allowance, record: csv::StringRecord::new(), max_row_bytes, hints, columns: None, parse_time }
    }

    /// Reads a record; false at the end.
    fn read(&mut self) -> Result<Result<bool, WireError>, WireError> {
        self.allowance.renew();
        match self.reader.read_record(&mut self.record) {
            Ok(is_there) => Ok(Ok(is_there)),
            Err(error) => match error.kind() {
                csv::ErrorKind::Utf8 { err, .. } => Ok(Err(WireError::Utf8(err.valid_up_to()))),
                _ if self.allowance.is_spent() => {
                    Err(WireError::RowTooLarge { n_bytes: self.max_row_bytes + 1, max_bytes: self.max_row_bytes })
                }
                _ => Err(WireError::Csv(error.to_string())),
            },
        }
    }

    fn header(&mut self) -> Result<Vec<Column>, WireError> {
        if !self.read()?? {
            return Ok(Vec::new());
        }
        let mut columns: Vec<Column> = Vec::new();
        for (idx, name) in self.record.iter().enumerate() {
            // What some spreadsheets put in front.
            let name = if idx == 0 { name.strip_prefix('\u{feff}').unwrap_or(name) } else { name };
            if columns.iter().any(|column| column.name == name) {
                return Err(WireError::Csv(format!("the column {name:?} stands twice in the first line")));
            }
            let stated = self.hints.stated.get(name);
            let column_type = stated.or(self.hints.known.get(name)).copied();
            columns.push(Column { name: name.to_owned(), column_type, is_stated: stated.is_some() });
        }
        let missing = self.hints.stated.keys().find(|name| columns.iter().all(|column| column.name != **name));
        match missing {
            Some(name) => Err(WireError::Csv(format!("there is no column {name:?}, whose type was given"))),
            None => Ok(columns),
        }
    }

    fn row(&self, columns: &[Column]) -> Result<Row, WireError> {
        let n_bytes = self.record.as_slice().len();
        if n_bytes > self.max_row_bytes {
            return Err(WireError::RowTooLarge { n_bytes, max_bytes: self.max_row_bytes });
        }
        if self.record.len() != columns.len() {
            let (n_cells, n_columns) = (self.record.len(), columns.len());
            return Err(WireError::Csv(format!("the row has {n_cells} cells, the first line {n_columns}")));
        }
        let mut row = Row::new();
        for (column, text) in columns.iter().zip(&self.record) {
            if text.is_empty() {
                continue;
            }
            let value = match column.column_type {
                None | Some(ColumnType::Null | ColumnType::Mixed) => guess(text, self.parse_time),
                Some(column_type) => match parse(text, column_type, self.parse_time) {
                    Some(value) => value,
                    None if column.is_stated => {
                        let reason = format!("{:?} is no {column_type}", shortened(text));
                        return Err(WireError::Cell { column: column.name.clone(), reason });
                    }
                    None => guess(text, self.parse_time),
                },
            };
            row.push(column.name.clone(), value);
        }
        row.check()?;
        Ok(row)
    }
}

impl<R: Read> FileRows for CsvRows<R> {
    fn next_row(&mut self) -> Result<Option<FileRow>, WireError> {
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None => self.header()?,
        };
        let row = match self.read()? {
            Ok(false) => return Ok(None),
            Ok(true) => self.row(&columns),
            Err(error) => Err(error),
        };
        self.columns = Some(columns);
        Ok(Some(FileRow { n_bytes: self.record.as_slice().len(), row }))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn parse(text: &str, column_type: ColumnType, parse_time: ParseTime) -> Option<Value> {
    match column_type {
        ColumnType::Null | ColumnType::Mixed => Some(guess(text, parse_time)),
        ColumnType::Bool => parse_bool(text),
        ColumnType::Int => text.parse().ok().map(Value::Int),
        ColumnType::Float => text.parse().ok().map(Value::Float),
        ColumnType::Time => parse_time(text).map(Value::Time),
        ColumnType::Text => Some(Value::Text(text.to_owned())),
        ColumnType::Bytes => STANDARD.decode(text).ok().map(Value::Bytes),
        ColumnType::Media => media_from_data_url(text).map(Value::Media),
        ColumnType::Nested => {
            decode_value(text).ok().filter(|value| matches!(value, Value::List(_) | Value::Object(_)))
        }
    }
}

fn parse_bool(text: &str) -> Option<Value> {
    match text {
        "true" | "True" | "TRUE" => Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// What a cell looks like. `007` stays text, since a number would lose its zeros.
fn guess(text: &str, parse_time: ParseTime) -> Value {
    if let Some(value) = parse_bool(text) {
        return value;
    }
    if let Some(value) = guess_number(text) {
        return value;
    }
    if let Some(time) = parse_time(text).filter(|_| text.contains('T') || text.contains(' ')) {
        return Value::Time(time);
    }
    if let Some(media) = text.starts_with("data:").then(|| media_from_data_url(text)).flatten() {
        return Value::Media(media);
    }
    if text.starts_with(['[', '{'])
        && let Ok(value @ (Value::List(_) | Value::Object(_))) = decode_value(text)
    {
        return value;
    }
    Value::Text(text.to_owned())
}

fn guess_number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if matches!(digits, "Infinity" | "NaN") {
        return text.parse().ok().map(Value::Float);
    }
    let is_plain = digits.starts_with(|c: char| c.is_ascii_digit()) && !digits.ends_with('.');
    let is_padded = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    if !is_plain || is_padded {
        return None;
    }
    // As in JSON, a whole number past what a float can hold is one of 64 bits.
    let whole = text.parse::<i64>().ok().filter(|whole| whole.unsigned_abs() > 1 << 53);
    whole.map(Value::Int).or_else(|| text.parse().ok().filter(|float: &f64| float.is_finite()).map(Value::Float))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_time(text: &str) -> Option<Timestamp> {
        (text == "2024-01-02T00:00:00Z").then_some(Timestamp(1))
    }

    fn rows(text: &str, types: &[(&str, ColumnType)], table: &[(&str, ColumnType)]) -> Vec<Result<Row, &'static str>> {
        let stated = types.iter().map(|(name, t)| ((*name).to_owned(), *t)).collect();
        let mut schema = Schema::default();
        for (name, t) in table {
            schema.merge_column(name, *t);
        }
        let mut rows = CsvRows::new(text.as_bytes(), 40, TypeHints::new(stated, &schema), parse_time);
        let mut out = Vec::new();
        loop {
            match rows.next_row() {
                Ok(Some(row)) => out.push(row.row.map_err(|error| error.code())),
                Ok(None) => return out,
                Err(error) => {
                    out.push(Err(error.code()));
                    return out;
                }
            }
        }
    }

    fn check_guess(text: &str, expect: &Value) {
        assert_eq!(guess(text, parse_time), *expect, "{text}");
    }

    #[test]
    fn cells_are_what_they_look_like() {
        check_guess("1", &Value::Float(1.0));
        check_guess("-0", &Value::Float(-0.0));
        check_guess("1e3", &Value::Float(1000.0));
        check_guess("9007199254740993", &Value::Int(9_007_199_254_740_993));
        check_guess("-Infinity", &Value::Float(f64::NEG_INFINITY));
        check_guess("NaN", &Value::Float(f64::NAN));
        check_guess("true", &Value::Bool(true));
        check_guess("2024-01-02T00:00:00Z", &Value::Time(Timestamp(1)));
        check_guess("[1,null]", &Value::List(vec![Value::Float(1.0), Value::Null]));
        for text in ["007", "1.", "1_000", "inf", "0x1", "+1", "--1", "-", "1e999", "[1", "data:x", "2024", "-007"] {
            let expect = if text == "2024" { Value::Float(2024.0) } else { Value::Text(text.to_owned()) };
            check_guess(text, &expect);
        }
    }

    #[test]
    fn stated_types_refuse_and_the_tables_types_only_help() {
        let row = |value: Value| Ok([("a", value)].into_iter().collect::<Row>());
        assert_eq!(rows("a\n1\n", &[("a", ColumnType::Text)], &[]), [row(Value::Text("1".into()))]);
        assert_eq!(rows("\u{feff}a\n1\nx\n2", &[("a", ColumnType::Int)], &[]), {
            [row(Value::Int(1)), Err("bad_cell"), row(Value::Int(2))]
        });
        assert_eq!(
            rows("a\n1\nx\n", &[], &[("a", ColumnType::Int)]),
            [row(Value::Int(1)), row(Value::Text("x".into()))]
        );
        assert_eq!(rows("a\n1\n", &[("b", ColumnType::Int)], &[]), [Err("bad_csv")]);
    }

    #[test]
    fn faults_have_codes() {
        assert_eq!(rows("a,a\n1,2\n", &[], &[]), [Err("bad_csv")]);
        assert_eq!(rows("", &[], &[]), []);
        assert_eq!(rows("a,b\n1\n", &[], &[]), [Err("bad_csv")]);
        assert_eq!(rows("_seq\n1\n", &[], &[]), [Err("system_column")]);
        assert_eq!(rows(&format!("a\n{}\n", "x".repeat(41)), &[], &[]), [Err("row_too_large")]);
        assert_eq!(rows(&format!("a\n\"{}", "x\n".repeat(200_000)), &[], &[]), [Err("row_too_large")]);
    }
}
