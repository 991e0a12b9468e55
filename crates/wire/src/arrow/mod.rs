//! Batches as Arrow IPC streams.
//!
//! A *frame* is a whole stream of one record batch, and is what the journal keeps and the tail sends: its schema is the
//! batch's own, so that a table may grow columns at any time. [`StreamEncoder`] writes many batches as one stream
//! under one schema, for programs that read a table.
//!
//! | column | Arrow type |
//! | --- | --- |
//! | bool, int, float | `Boolean`, `Int64`, `Float64` |
//! | time | `Timestamp(Microsecond, "UTC")` |
//! | text, bytes | `Utf8`, `Binary` |
//! | media | `Struct { mime: Utf8, bytes: Binary }` |
//! | nested, mixed | `Utf8` of tagged JSON, extension type `arrow.json` |
//! | null | `Null` |
//!
//! The field's metadata names our type under `streamtable.type`; a frame's metadata its first offset under
//! `streamtable.first_offset`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, NullArray, RecordBatch, RecordBatchOptions,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Fields, Schema as ArrowSchema, TimeUnit};
use model::{Batch, Bitmap, Cells, Column, ColumnType, Media, Offset, Schema, Strings, Value};

use crate::json::encode_value;

mod decode;
mod ipc;

pub use decode::decode_frame;

/// The media type of an Arrow IPC stream.
pub const CONTENT_TYPE: &str = "application/vnd.apache.arrow.stream";

pub(crate) const TYPE_KEY: &str = "streamtable.type";
const FIRST_OFFSET_KEY: &str = "streamtable.first_offset";
pub(crate) const EXTENSION_KEY: &str = "ARROW:extension:name";
pub(crate) const JSON_EXTENSION: &str = "arrow.json";

/// Writes a batch as a frame.
#[must_use]
pub fn encode_frame(first_offset: Offset, batch: &Batch) -> Vec<u8> {
    let (fields, arrays): (Vec<_>, Vec<_>) = batch
        .columns()
        .iter()
        .map(|column| {
            let column_type = stored_type(column);
            (field(column.name(), column_type), array(column, column_type))
        })
        .unzip();
    let metadata = HashMap::from([(FIRST_OFFSET_KEY.to_owned(), first_offset.to_string())]);
    let schema = Arc::new(ArrowSchema::new_with_metadata(fields, metadata));
    let record_batch = record_batch(Arc::clone(&schema), arrays, batch.n_rows());
    let write = || {
        let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
        writer.write(&record_batch)?;
        writer.into_inner()
    };
    write().expect(INFALLIBLE)
}

const INFALLIBLE: &str = "arrays match their schema and a Vec takes every byte";

/// Writes batches as one Arrow IPC stream under one schema.
pub struct StreamEncoder {
    columns: Schema,
    schema: Arc<ArrowSchema>,
    writer: StreamWriter<Vec<u8>>,
}

impl StreamEncoder {
    /// Starts a stream of tables with these columns.
    #[must_use]
    pub fn new(columns: Schema) -> Self {
        let schema = arrow_schema(&columns);
        let writer = StreamWriter::try_new(Vec::new(), &schema).expect(INFALLIBLE);
        Self { columns, schema, writer }
    }

    /// Writes a batch and gives the bytes to send now.
    ///
    /// A column the batch lacks is null. A column that the batch has and the stream lacks is left out. Whole numbers
    /// in a column of floats are rounded past 2^53; what does not fit a column otherwise is null, which cannot happen
    /// when the schema took the batch in.
    pub fn encode(&mut self, batch: &Batch) -> Vec<u8> {
        let record_batch = under_schema(&self.columns, &self.schema, batch);
        self.writer.write(&record_batch).expect(INFALLIBLE);
        std::mem::take(self.writer.get_mut())
    }

    /// The bytes that end the stream.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.writer.into_inner().expect(INFALLIBLE)
    }
}

/// The Arrow schema of a table with these columns.
pub(crate) fn arrow_schema(columns: &Schema) -> Arc<ArrowSchema> {
    let fields: Vec<Field> = columns.columns().iter().map(|c| field(&c.name, c.column_type)).collect();
    Arc::new(ArrowSchema::new(fields))
}

/// A batch as Arrow has it, under a schema that may have more columns, or wider ones.
pub(crate) fn under_schema(columns: &Schema, schema: &Arc<ArrowSchema>, batch: &Batch) -> RecordBatch {
    let array_of = |schema: &model::ColumnSchema| match batch.column(&schema.name) {
        Some(column) => array(column, schema.column_type),
        None => array(&Column::new(String::new(), Cells::Null(batch.n_rows()), None), schema.column_type),
    };
    record_batch(Arc::clone(schema), columns.columns().iter().map(array_of).collect(), batch.n_rows())
}

fn record_batch(schema: Arc<ArrowSchema>, arrays: Vec<ArrayRef>, n_rows: usize) -> RecordBatch {
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    RecordBatch::try_new_with_options(schema, arrays, &options).expect(INFALLIBLE)
}

/// The type that stores the cells as they are: whole numbers among floats stay mixed here.
fn stored_type(column: &Column) -> ColumnType {
    if matches!(column.cells(), Cells::Mixed(_)) { ColumnType::Mixed } else { column.column_type() }
}

fn media_fields() -> Fields {
    Fields::from(vec![Field::new("mime", DataType::Utf8, false), Field::new("bytes", DataType::Binary, false)])
}

fn field(name: &str, column_type: ColumnType) -> Field {
    let data_type = match column_type {
        ColumnType::Null => DataType::Null,
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Text | ColumnType::Nested | ColumnType::Mixed => DataType::Utf8,
        ColumnType::Bytes => DataType::Binary,
        ColumnType::Media => DataType::Struct(media_fields()),
    };
    let mut metadata = HashMap::from([(TYPE_KEY.to_owned(), column_type.name().to_owned())]);
    if matches!(column_type, ColumnType::Nested | ColumnType::Mixed) {
        metadata.insert(EXTENSION_KEY.to_owned(), JSON_EXTENSION.to_owned());
    }
    Field::new(name, data_type, true).with_metadata(metadata)
}

/// The column as an array of the given type.
fn array(column: &Column, column_type: ColumnType) -> ArrayRef {
    let nulls = column.validity().map(null_buffer);
    match (column_type, column.cells()) {
        (ColumnType::Bool, Cells::Bool(cells)) => Arc::new(BooleanArray::new(cells.as_slice().into(), nulls)),
        (ColumnType::Int, Cells::Int(cells)) => Arc::new(Int64Array::new(cells.clone().into(), nulls)),
        (ColumnType::Float, Cells::Float(cells)) => Arc::new(Float64Array::new(cells.clone().into(), nulls)),
        (ColumnType::Time, Cells::Time(cells)) => {
            Arc::new(TimestampMicrosecondArray::new(cells.clone().into(), nulls).with_timezone("UTC"))
        }
        (ColumnType::Text, Cells::Text(cells)) => Arc::new(text_array(cells, nulls)),
        _ => array_of_values(column, column_type),
    }
}

/// The slow way: value by value.
fn array_of_values(column: &Column, column_type: ColumnType) -> ArrayRef {
    let values = (0..column.len()).map(|idx| column.value(idx));
    match column_type {
        ColumnType::Null => Arc::new(NullArray::new(column.len())),
        ColumnType::Bool => {
            Arc::new(values.map(|v| if let Value::Bool(b) = v { Some(b) } else { None }).collect::<BooleanArray>())
        }
        ColumnType::Int => {
            Arc::new(values.map(|v| if let Value::Int(i) = v { Some(i) } else { None }).collect::<Int64Array>())
        }
        ColumnType::Float => Arc::new(values.map(|v| v.as_f64()).collect::<Float64Array>()),
        ColumnType::Time => {
            let micros = values.map(|v| if let Value::Time(t) = v { Some(t.0) } else { None });
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        ColumnType::Text => {
            Arc::new(values.map(|v| if let Value::Text(t) = v { Some(t) } else { None }).collect::<StringArray>())
        }
        ColumnType::Bytes => {
            Arc::new(values.map(|v| if let Value::Bytes(b) = v { Some(b) } else { None }).collect::<BinaryArray>())
        }
        ColumnType::Media => media_array(values),
        ColumnType::Nested | ColumnType::Mixed => {
            let json = values.map(|value| {
                (!value.is_null()).then(|| {
                    let mut json = String::new();
                    encode_value(&value, &mut json);
                    json
                })
            });
            Arc::new(json.collect::<StringArray>())
        }
    }
}

fn media_array(values: impl Iterator<Item = Value>) -> ArrayRef {
    let media: Vec<Option<Media>> = values.map(|v| if let Value::Media(m) = v { Some(m) } else { None }).collect();
    let mimes: StringArray = media.iter().map(|m| Some(m.as_ref().map_or("", |m| &m.mime))).collect();
    let bytes: BinaryArray = media.iter().map(|m| Some(m.as_ref().map_or(&[][..], |m| &m.bytes))).collect();
    let nulls = NullBuffer::from_iter(media.iter().map(Option::is_some));
    Arc::new(StructArray::new(media_fields(), vec![Arc::new(mimes), Arc::new(bytes)], Some(nulls)))
}

fn text_array(cells: &Strings, nulls: Option<NullBuffer>) -> StringArray {
    let mut offsets = Vec::with_capacity(cells.len() + 1);
    offsets.push(0_i32);
    let to_i32 = |end: &u32| i32::try_from(*end).expect("a batch holds less than 2 GiB of text");
    offsets.extend(cells.ends().iter().map(to_i32));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    StringArray::new(offsets, Buffer::from(cells.bytes()), nulls)
}

fn null_buffer(validity: &Bitmap) -> NullBuffer {
    let words = Buffer::from_vec(validity.words().to_vec());
    NullBuffer::new(arrow_buffer::BooleanBuffer::new(words, 0, validity.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use arrow_ipc::reader::StreamReader;
    use model::{Row, Timestamp};
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            any::<String>().prop_map(Value::Text),
            any::<i64>().prop_map(|t| Value::Time(Timestamp(t))),
            any::<Vec<u8>>().prop_map(Value::Bytes),
            any::<Vec<u8>>().prop_map(|bytes| Value::Media(Media { mime: "image/png".into(), bytes })),
            Just(Value::List(vec![Value::Int(1), Value::Float(f64::NAN), Value::Null])),
            Just(Value::Object(vec![("$f64".into(), Value::Text("x".into()))])),
        ]
    }

    /// Rows in which each column keeps mostly to a type, as real tables do, and sometimes does not.
    fn batch() -> impl Strategy<Value = Batch> {
        let cell = ("[a-c]", value());
        let row = prop::collection::vec(cell, 0..4).prop_map(|cells| cells.into_iter().collect::<Row>());
        prop::collection::vec(row, 0..20).prop_map(|rows| rows.into_iter().collect())
    }

    proptest! {
        #[test]
        fn a_frame_reads_back(batch in batch(), first_offset in any::<u64>()) {
            let stored = decode_frame(&encode_frame(first_offset, &batch)).unwrap();
            prop_assert_eq!(stored.first_offset, first_offset);
            prop_assert_eq!(stored.batch.n_rows(), batch.n_rows());
            for (got, expect) in stored.batch.columns().iter().zip(batch.columns()) {
                prop_assert_eq!(got.name(), expect.name());
                prop_assert_eq!(got.column_type(), expect.column_type());
                for idx in 0..batch.n_rows() {
                    prop_assert_eq!(got.value(idx), expect.value(idx));
                }
            }
        }

        #[test]
        fn one_stream_holds_batches_of_different_columns(batches in prop::collection::vec(batch(), 1..4)) {
            let mut schema = Schema::default();
            for batch in &batches {
                batch.merge_schema(&mut schema);
            }
            let mut encoder = StreamEncoder::new(schema.clone());
            let mut bytes: Vec<u8> = batches.iter().flat_map(|batch| encoder.encode(batch)).collect();
            bytes.extend(encoder.finish());
            let read: Vec<RecordBatch> = StreamReader::try_new(&bytes[..], None).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(read.len(), batches.len());
            for (record, batch) in read.iter().zip(&batches) {
                prop_assert_eq!(record.num_rows(), batch.n_rows());
                prop_assert_eq!(record.num_columns(), schema.columns().len());
                for (array, column) in record.columns().iter().zip(schema.columns()) {
                    let n_nulls = (0..batch.n_rows()).filter(|idx| batch.value(*idx, &column.name).is_null()).count();
                    prop_assert_eq!(array.logical_null_count(), n_nulls);
                }
            }
        }

        #[test]
        fn a_frame_cut_short_is_refused_or_whole(batch in batch(), at in any::<prop::sample::Index>()) {
            let frame = encode_frame(3, &batch);
            // Only the eight bytes that end the stream may be missing.
            if let Ok(stored) = decode_frame(&frame[..at.index(frame.len())]) {
                prop_assert_eq!(stored.batch.n_rows(), batch.n_rows());
            }
        }

        #[test]
        fn an_altered_frame_is_refused_or_read(batch in batch(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
            let mut frame = encode_frame(3, &batch);
            for (at, byte) in changes {
                let at = at.index(frame.len());
                frame[at] = byte;
            }
            if let Ok(stored) = decode_frame(&frame) {
                for column in stored.batch.columns() {
                    prop_assert_eq!(column.len(), stored.batch.n_rows());
                    (0..column.len().min(1000)).for_each(|idx| drop(column.value(idx)));
                }
            }
        }
    }
}
