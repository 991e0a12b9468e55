//! Rows of a table of this browser as the server would have sent them: JSON lines become columns, the system's among them.

use model::{Batch, BatchBuilder, Cells, Column, Offset, Row, Seq, StoredBatch, Strings, system_column};
use wire::WireError;

/// Rows that came together.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The offset of the first; the others follow.
    pub first_offset: Offset,
    /// JSON objects, each with its line end.
    pub lines: &'a str,
    /// Who logged them.
    pub writer: &'a str,
    /// The writer's number of the first; the others follow.
    pub first_seq: Seq,
    /// When they came, in microseconds since 1970-01-01T00:00:00Z.
    pub received_micros: i64,
}

/// The rows in columns. A row that cannot be read keeps its place, with no cell; why is told together with the rows.
#[must_use]
pub fn stored_batch(chunk: Chunk<'_>) -> (StoredBatch, Option<WireError>) {
    let mut fault = None;
    let mut rows = BatchBuilder::default();
    for line in chunk.lines.lines() {
        rows.push_row(wire::json::decode_row(line).unwrap_or_else(|error| {
            fault = Some(error);
            Row::new()
        }));
    }
    let mut batch = rows.finish();
    for column in system_columns(chunk, &batch) {
        batch.add_column(column);
    }
    (StoredBatch { first_offset: chunk.first_offset, batch }, fault)
}

/// `_offset` follows of itself.
fn system_columns(chunk: Chunk<'_>, batch: &Batch) -> [Column; 3] {
    let n_rows = batch.n_rows();
    let mut writers = Strings::default();
    (0..n_rows).for_each(|_| writers.push(chunk.writer));
    let seqs = (chunk.first_seq..).take(n_rows).map(|seq| seq as i64).collect();
    [
        Column::new(system_column::WRITER.to_owned(), Cells::Text(writers), None),
        Column::new(system_column::SEQ.to_owned(), Cells::Int(seqs), None),
        Column::new(system_column::RECEIVED.to_owned(), Cells::Time(vec![chunk.received_micros; n_rows]), None),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Table;
    use model::{Timestamp, Value};

    fn chunk(lines: &str) -> Chunk<'_> {
        Chunk { first_offset: 7, lines, writer: "ab", first_seq: 3, received_micros: 5 }
    }

    #[test]
    fn rows_have_their_cells_and_the_systems() {
        let (stored, fault) = stored_batch(chunk("{\"n\":1,\"t\":\"a\\nb\u{2028}\"}\n{\"m\":{\"$i64\":\"2\"}}\n"));
        assert_eq!(fault, None);
        let mut table = Table::starting_at(7);
        assert_eq!(table.append(&stored), Ok(7..9));
        let names: Vec<&str> = table.schema().columns().iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["n", "t", "m"]);
        let cells =
            |row| ["n", "t", "m", "_writer", "_seq", "_offset", "_received"].map(|column| table.value(row, column));
        let text = |text: &str| Value::Text(text.to_owned());
        let received = Value::Time(Timestamp(5));
        assert_eq!(cells(7), {
            [
                Value::Float(1.0),
                text("a\nb\u{2028}"),
                Value::Null,
                text("ab"),
                Value::Int(3),
                Value::Int(7),
                received.clone(),
            ]
        });
        let no = Value::Null;
        assert_eq!(cells(8), [no.clone(), no, Value::Int(2), text("ab"), Value::Int(4), Value::Int(8), received]);
    }

    #[test]
    fn a_row_that_cannot_be_read_keeps_its_place() {
        let (stored, fault) = stored_batch(chunk("{\"n\":1}\n{\"n\":\n{\"n\":3}\n"));
        assert_eq!(fault.map(|error| error.code()), Some("bad_json"));
        let cells: Vec<Value> = (0..3).map(|idx| stored.batch.value(idx, "n")).collect();
        assert_eq!(cells, [Value::Float(1.0), Value::Null, Value::Float(3.0)]);
        assert_eq!(stored.batch.value(2, "_seq"), Value::Int(5));
    }
}
