//! Batches as CSV (RFC 4180): a header line, then a row a line.
//!
//! Null is empty, times are ISO 8601 in UTC, bytes base64, media a data URL, lists and objects tagged JSON.

use model::{Batch, Schema, Value};

use crate::json::{encode_value, to_base64};

/// The media type of CSV.
pub const CONTENT_TYPE: &str = "text/csv; charset=utf-8";

/// The header line of a table with these columns.
#[must_use]
pub fn encode_header(schema: &Schema) -> Vec<u8> {
    let names = schema.columns().iter().map(|column| column.name.as_bytes().to_vec());
    encode_records(std::iter::once(names))
}

/// The rows of a batch under that header. Columns that the batch lacks are empty.
#[must_use]
pub fn encode_rows(schema: &Schema, batch: &Batch) -> Vec<u8> {
    let columns: Vec<_> = schema.columns().iter().map(|column| batch.column(&column.name)).collect();
    encode_records((0..batch.n_rows()).map(|idx| {
        columns
            .iter()
            .map(move |column| column.map_or(Vec::new(), |column| encode_cell(column.value(idx)).into_bytes()))
    }))
}

fn encode_records<R: Iterator<Item = Vec<u8>>>(records: impl Iterator<Item = R>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        writer.write_record(record).expect("records have one length and a Vec takes every byte");
    }
    writer.into_inner().expect("a Vec takes every byte")
}

fn encode_cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => text,
        Value::Time(time) => time.to_string(),
        Value::Bytes(bytes) => to_base64(&bytes),
        Value::Media(media) => format!("data:{};base64,{}", media.mime, to_base64(&media.bytes)),
        value @ (Value::List(_) | Value::Object(_)) => {
            let mut json = String::new();
            encode_value(&value, &mut json);
            json
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Row, Timestamp};

    #[test]
    fn cells_are_quoted_and_missing_columns_empty() {
        let rows = [
            [("a", Value::Text("x,\"y\"\n".into())), ("b", Value::Float(-0.5))].into_iter().collect::<Row>(),
            [("b", Value::Time(Timestamp(1_700_000_000_123_456))), ("c", Value::List(vec![Value::Null]))]
                .into_iter()
                .collect(),
        ];
        let batch: Batch = rows.into_iter().collect();
        let mut schema = Schema::default();
        batch.merge_schema(&mut schema);
        schema.merge_column("d", model::ColumnType::Bool);
        let text = String::from_utf8([encode_header(&schema), encode_rows(&schema, &batch)].concat()).unwrap();
        assert_eq!(text, "a,b,c,d\r\n\"x,\"\"y\"\"\n\",-0.5,,\r\n,2023-11-14T22:13:20.123456Z,[null],\r\n");
    }
}
