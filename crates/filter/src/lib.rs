//! The filter of a table that lives in a browser: which rows of a chunk of JSON lines an expression lets pass.
//!
//! The npm package loads it when a filter is first asked for, so that logging does not carry the expression language. Nothing
//! here knows JavaScript but `exports`.

use expr::{Expr, ParseError, RowSource};
use model::{Offset, Row, Seq, Timestamp, Value, system_column};

#[cfg(target_arch = "wasm32")]
mod exports;

/// An expression that is true of the rows wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(Expr);

/// Rows that came together.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// JSON objects, each with its line end.
    pub lines: &'a str,
    /// The offset of the first row; the others follow.
    pub first_offset: Offset,
    /// Who logged them.
    pub writer: &'a str,
    /// The writer's number of the first row; the others follow.
    pub first_seq: Seq,
    /// When they came, in microseconds since 1970-01-01T00:00:00Z.
    pub received_micros: i64,
}

impl Filter {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`ParseError`], with the place of the fault.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        expr::parse_expr(text).map(Self)
    }

    /// The places within the chunk of the rows that pass. A row that cannot be read has no cells.
    #[must_use]
    pub fn places(&self, chunk: Chunk<'_>) -> Vec<u32> {
        let passes = |(idx, line): &(usize, &str)| {
            let row = wire::json::decode_row(line).unwrap_or_default();
            expr::is_true(&self.0.eval(&ChunkRow { row, idx: *idx as u64, chunk }))
        };
        chunk.lines.lines().enumerate().filter(passes).map(|(idx, _)| idx as u32).collect()
    }
}

/// A row with the system's columns.
struct ChunkRow<'a> {
    row: Row,
    idx: u64,
    chunk: Chunk<'a>,
}

impl RowSource for ChunkRow<'_> {
    fn get(&self, column: &str) -> Value {
        match column {
            system_column::OFFSET => Value::Int((self.chunk.first_offset + self.idx) as i64),
            system_column::SEQ => Value::Int((self.chunk.first_seq + self.idx) as i64),
            system_column::WRITER => Value::Text(self.chunk.writer.to_owned()),
            system_column::RECEIVED => Value::Time(Timestamp(self.chunk.received_micros)),
            _ => self.row.get(column).cloned().unwrap_or(Value::Null),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(filter: &str) -> Vec<u32> {
        let lines = "{\"n\":1,\"t\":\"a\\nb\"}\n{\"n\":{\"$i64\":\"2\"},\"when\":{\"$ts\":86400000000}}\n{\"n\":{\"$f64\":\"NaN\"}}\n{\n";
        let chunk = Chunk { lines, first_offset: 10, writer: "ab", first_seq: 5, received_micros: 7 };
        Filter::parse(filter).unwrap().places(chunk)
    }

    #[test]
    fn rows_pass_by_their_cells_and_the_systems() {
        assert_eq!(places(r#"row["n"] >= 1"#), [0, 1, 2]);
        assert_eq!(places(r#"row["n"] == 2"#), [1]);
        assert_eq!(places(r#"row["t"].contains("\n")"#), [0]);
        assert_eq!(places(r#"row["when"] == null"#), [0, 2, 3]);
        assert_eq!(places(r#"row["_offset"] > 11"#), [2, 3]);
        assert_eq!(places(r#"row["_seq"] == 6 && row["_writer"] == "ab""#), [1]);
        assert_eq!(places("row[\"n\"]"), [0_u32; 0]);
    }

    #[test]
    fn a_fault_has_its_place() {
        assert_eq!(Filter::parse("row[\"n\"] <").unwrap_err().at.start, 10);
    }
}
