//! Rows as JSON, NDJSON, CSV, Arrow or Parquet, piece by piece.

use model::{Batch, Schema, Value};
use wire::arrow::StreamEncoder;
use wire::files::ParquetEncoder;
use wire::json::{encode_text, encode_value};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A list of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// RFC 4180.
    Csv,
    /// One Arrow IPC stream.
    Arrow,
    /// One Parquet file.
    Parquet,
}

impl Format {
    /// The formats by name, the default first.
    pub(super) const NAMES: [(&str, Format); 5] = [
        ("json", Format::Json),
        ("ndjson", Format::Ndjson),
        ("csv", Format::Csv),
        ("arrow", Format::Arrow),
        ("parquet", Format::Parquet),
    ];

    /// The format's name, which is also how the names of its files end.
    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }

    /// The media type.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Csv => wire::csv::CONTENT_TYPE,
            Format::Arrow => wire::arrow::CONTENT_TYPE,
            Format::Parquet => wire::files::PARQUET_CONTENT_TYPE,
        }
    }
}

/// Writes batches in one format.
pub(super) enum Encoder {
    /// JSON, as a list or line by line.
    Json {
        /// The columns, each with its name as JSON and a colon after it.
        columns: Vec<(String, String)>,
        /// Whether the rows are the items of one list.
        is_list: bool,
        /// Whether anything was written yet.
        n_written: u64,
        /// Whether the list's bracket was written.
        started: bool,
    },
    /// CSV.
    Csv {
        /// The columns.
        schema: Schema,
        /// Whether the header line was written.
        started: bool,
    },
    /// Arrow.
    Arrow(Box<StreamEncoder>),
    /// Parquet.
    Parquet(Box<ParquetEncoder>),
}

impl Encoder {
    pub(super) fn new(format: Format, schema: &Schema) -> Self {
        match format {
            Format::Json | Format::Ndjson => {
                let column = |column: &model::ColumnSchema| {
                    let mut key = String::new();
                    encode_text(&column.name, &mut key);
                    key.push(':');
                    (column.name.clone(), key)
                };
                let columns = schema.columns().iter().map(column).collect();
                Encoder::Json { columns, is_list: format == Format::Json, n_written: 0, started: false }
            }
            Format::Csv => Encoder::Csv { schema: schema.clone(), started: false },
            Format::Arrow => Encoder::Arrow(Box::new(StreamEncoder::new(schema.clone()))),
            Format::Parquet => Encoder::Parquet(Box::new(ParquetEncoder::new(schema.clone()))),
        }
    }

    /// Writes what comes before the first row; later calls write nothing.
    pub(super) fn start(&mut self, out: &mut Vec<u8>) {
        match self {
            Encoder::Json { is_list: true, started: started @ false, .. } => {
                *started = true;
                out.push(b'[');
            }
            Encoder::Csv { schema, started: started @ false } => {
                *started = true;
                out.extend(wire::csv::encode_header(schema));
            }
            _ => {}
        }
    }

    /// Writes rows.
    pub(super) fn encode(&mut self, batch: &Batch, out: &mut Vec<u8>) {
        match self {
            Encoder::Json { columns, is_list, n_written, .. } => {
                let found: Vec<_> = columns.iter().map(|(name, key)| (key.as_str(), batch.column(name))).collect();
                let mut text = String::new();
                for idx in 0..batch.n_rows() {
                    if *is_list {
                        text.push_str(if *n_written == 0 { "\n{" } else { ",\n{" });
                    } else {
                        text.push('{');
                    }
                    *n_written += 1;
                    for (place, (key, column)) in found.iter().enumerate() {
                        if place > 0 {
                            text.push(',');
                        }
                        text.push_str(key);
                        encode_value(&column.map_or(Value::Null, |column| column.value(idx)), &mut text);
                    }
                    text.push_str(if *is_list { "}" } else { "}\n" });
                }
                out.extend_from_slice(text.as_bytes());
            }
            Encoder::Csv { schema, .. } => out.extend(wire::csv::encode_rows(schema, batch)),
            Encoder::Arrow(encoder) => out.extend(encoder.encode(batch)),
            Encoder::Parquet(encoder) => out.extend(encoder.encode(batch)),
        }
    }

    /// Writes what comes after the last row.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        match self {
            Encoder::Json { is_list: true, .. } => out.extend_from_slice(b"\n]\n"),
            Encoder::Json { .. } | Encoder::Csv { .. } => {}
            Encoder::Arrow(encoder) => out.extend(encoder.finish()),
            Encoder::Parquet(encoder) => out.extend(encoder.finish()),
        }
    }
}
