//! Rows that are written to a file and read back, and files of other programs.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder, UInt8Builder};
use arrow_array::types::Int8Type;
use arrow_array::{
    Array, ArrayRef, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Int32Array, NullArray, RecordBatch,
    Time64MicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_ipc::writer::StreamWriter;
use model::{Batch, ColumnType, Media, Row, Schema, Timestamp, Value};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use super::{ArrowRows, FileRows, ParquetEncoder, ParquetRows};
use crate::WireError;
use crate::arrow::StreamEncoder;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        Just(Value::Float(f64::NAN)),
        Just(Value::Float(-0.0)),
        any::<String>().prop_map(Value::Text),
        any::<i64>().prop_map(|t| Value::Time(Timestamp(t))),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<Vec<u8>>().prop_map(|bytes| Value::Media(Media { mime: "image/png".into(), bytes })),
        Just(Value::List(vec![Value::Int(1), Value::Float(f64::NAN), Value::Null])),
        Just(Value::Object(vec![("$f64".into(), Value::Text("x".into()))])),
    ]
}

/// Rows in which a column mostly has one type.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let kinds = prop::collection::vec(value(), 3);
    kinds.prop_flat_map(|kinds| {
        let cell = (0..3_usize, prop_oneof![4 => Just(None), 1 => value().prop_map(Some)]);
        let row = prop::collection::vec(cell, 0..4).prop_map(move |cells| {
            let cell = |(idx, value): (usize, Option<Value>)| {
                (["a", "é", ""][idx].to_owned(), value.unwrap_or_else(|| kinds[idx].clone()))
            };
            cells.into_iter().map(cell).collect::<Row>()
        });
        prop::collection::vec(row, 0..20)
    })
}

/// The cells that are not null, by name; a whole number in a column of floats is a float there.
fn cells(row: &Row, schema: &Schema) -> Vec<(String, Value)> {
    let is_float =
        |name: &str| schema.index_of(name).is_some_and(|idx| schema.columns()[idx].column_type == ColumnType::Float);
    let cell = |(name, value): (&str, &Value)| match value {
        Value::Int(whole) if is_float(name) => (name.to_owned(), Value::Float(*whole as f64)),
        value => (name.to_owned(), value.clone()),
    };
    let mut cells: Vec<_> = row.iter().filter(|(_, value)| !value.is_null()).map(cell).collect();
    cells.sort_by(|a, b| a.0.cmp(&b.0));
    cells
}

fn read(mut rows: impl FileRows) -> Result<Vec<Result<Row, WireError>>, WireError> {
    let mut out = Vec::new();
    while let Some(row) = rows.next_row()? {
        out.push(row.row);
    }
    Ok(out)
}

fn file(bytes: &[u8]) -> File {
    static N_MADE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let n = N_MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("streamtable-wire-{}-{n}", std::process::id()));
    File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("the system's folder can be written");
    let file = File::open(&path).expect("it was written just now");
    std::fs::remove_file(&path).expect("it is there");
    file
}

proptest! {
    #[test]
    fn what_is_written_reads_back(batches in prop::collection::vec(rows(), 1..4)) {
        let all: Vec<Batch> = batches.iter().map(|rows| rows.iter().cloned().collect()).collect();
        let mut schema = Schema::default();
        all.iter().for_each(|batch: &Batch| { batch.merge_schema(&mut schema); });
        let expect: Vec<_> = batches.iter().flatten().map(|row| cells(row, &schema)).collect();

        let mut encoder = StreamEncoder::new(schema.clone());
        let mut bytes: Vec<u8> = all.iter().flat_map(|batch| encoder.encode(batch)).collect();
        bytes.extend(encoder.finish());
        let got = read(ArrowRows::new(&bytes[..], 1 << 20)).unwrap();
        let got: Vec<_> = got.into_iter().map(|row| cells(&row.unwrap(), &schema)).collect();
        prop_assert_eq!(&got, &expect);

        // Parquet has no rows without columns.
        prop_assume!(!schema.columns().is_empty());
        let mut encoder = ParquetEncoder::new(schema.clone());
        let mut bytes: Vec<u8> = all.iter().flat_map(|batch| encoder.encode(batch)).collect();
        bytes.extend(encoder.finish());
        let got = read(ParquetRows::open(file(&bytes), 1 << 20).unwrap()).unwrap();
        let got: Vec<_> = got.into_iter().map(|row| cells(&row.unwrap(), &schema)).collect();
        prop_assert_eq!(&got, &expect);
    }

    #[test]
    fn no_bytes_make_it_panic(rows in rows(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let batch: Batch = rows.into_iter().collect();
        let mut schema = Schema::default();
        batch.merge_schema(&mut schema);
        let mut encoder = ParquetEncoder::new(schema.clone());
        let mut parquet = encoder.encode(&batch);
        parquet.extend(encoder.finish());
        let mut encoder = StreamEncoder::new(schema);
        let mut arrow = encoder.encode(&batch);
        arrow.extend(encoder.finish());
        for (at, byte) in &changes {
            let (a, b) = (at.index(parquet.len()), at.index(arrow.len()));
            (parquet[a], arrow[b]) = (*byte, *byte);
        }
        let _ = read(ArrowRows::new(&arrow[..], 1 << 20));
        let _ = ParquetRows::open(file(&parquet), 1 << 20).and_then(read);
        let _ = read(ArrowRows::new(&arrow[..changes[0].0.index(arrow.len())], 1 << 20));
        let _ = ParquetRows::open(file(&parquet[..changes[0].0.index(parquet.len())]), 1 << 20).and_then(read);
    }
}

fn arrow_bytes(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a Vec takes every byte");
    writer.write(batch).expect("a Vec takes every byte");
    writer.into_inner().expect("a Vec takes every byte")
}

fn parquet_bytes(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a Vec takes every byte");
    writer.write(batch).expect("a Vec takes every byte");
    writer.into_inner().expect("a Vec takes every byte")
}

/// What other programs write: each type as the cell that it makes.
#[test]
fn types_of_other_programs_are_read() {
    let mut list = ListBuilder::new(UInt8Builder::new());
    list.append_value([Some(1), None]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), UInt8Builder::new());
    map.keys().append_value("k");
    map.values().append_value(7);
    map.append(true).expect("keys and values are as many");
    let decimal = Decimal128Array::from(vec![-12345]).with_precision_and_scale(10, 2).expect("it fits");
    let columns: Vec<(&str, ArrayRef, Value)> = vec![
        ("int32", Arc::new(Int32Array::from(vec![-5])), Value::Int(-5)),
        ("uint64", Arc::new(UInt64Array::from(vec![5])), Value::Int(5)),
        ("float32", Arc::new(Float32Array::from(vec![0.5])), Value::Float(0.5)),
        ("date", Arc::new(Date32Array::from(vec![1])), Value::Time(Timestamp(86_400_000_000))),
        ("nanos", Arc::new(TimestampNanosecondArray::from(vec![-1])), Value::Time(Timestamp(-1))),
        ("decimal", Arc::new(decimal), Value::Float(-123.45)),
        ("category", Arc::new(DictionaryArray::<Int8Type>::from_iter(["x"])), Value::Text("x".into())),
        ("list", Arc::new(list.finish()), Value::List(vec![Value::Int(1), Value::Null])),
        ("map", Arc::new(map.finish()), Value::Object(vec![("k".into(), Value::Int(7))])),
    ];
    let batch = RecordBatch::try_from_iter(columns.iter().map(|(name, array, _)| (*name, Arc::clone(array))));
    let batch = batch.expect("they have one row each");
    for (format, rows) in [
        ("arrow", read(ArrowRows::new(&arrow_bytes(&batch)[..], 1000))),
        ("parquet", ParquetRows::open(file(&parquet_bytes(&batch)), 1000).and_then(read)),
    ] {
        let row = rows.expect("it is a file").remove(0).expect("it is a row");
        for (name, _, expect) in &columns {
            assert_eq!(row.get(name), Some(expect), "{name} in {format}");
        }
    }
}

#[test]
fn what_no_cell_can_hold_is_refused() {
    let refused = |array: ArrayRef| {
        let batch = RecordBatch::try_from_iter([("x", array)]).expect("a batch");
        let fault = |rows: Result<Vec<Result<Row, WireError>>, WireError>| match rows {
            Ok(mut rows) => rows.remove(0).expect_err("it is refused").code(),
            Err(error) => error.code(),
        };
        let arrow = fault(read(ArrowRows::new(&arrow_bytes(&batch)[..], 1000)));
        let parquet = fault(ParquetRows::open(file(&parquet_bytes(&batch)), 1000).and_then(read));
        assert_eq!(arrow, parquet);
        arrow
    };
    assert_eq!(refused(Arc::new(Time64MicrosecondArray::from(vec![1]))), "unsupported_column");
    assert_eq!(refused(Arc::new(UInt64Array::from(vec![u64::MAX]))), "bad_cell");
    let mut list = ListBuilder::new(UInt8Builder::new());
    list.append_value(vec![Some(0); 1000]);
    assert_eq!(refused(Arc::new(list.finish())), "row_too_large");
    let text = "x".repeat(1001);
    assert_eq!(refused(Arc::new(arrow_array::StringArray::from(vec![text.as_str()]))), "row_too_large");
}

/// A type that its data URL does not give back would be stored, and could not be read again from a column of mixed cells.
#[test]
fn media_of_a_type_that_is_none_is_refused() {
    let row = |mime: &str| -> Row {
        [("m", Value::Media(Media { mime: mime.to_owned(), bytes: vec![1] }))].into_iter().collect()
    };
    let batch: Batch = ["image/png", "image/\"", "image/gif"].map(row).into_iter().collect();
    let mut schema = Schema::default();
    batch.merge_schema(&mut schema);
    let (mut arrow, mut parquet) = (StreamEncoder::new(schema.clone()), ParquetEncoder::new(schema));
    let arrow = [arrow.encode(&batch), arrow.finish()].concat();
    let parquet = [parquet.encode(&batch), parquet.finish()].concat();
    let codes = |rows: Vec<Result<Row, WireError>>| -> Vec<Option<&str>> {
        rows.into_iter().map(|row| row.err().map(|error| error.code())).collect()
    };
    let expect = [None, Some("bad_cell"), None];
    assert_eq!(codes(read(ArrowRows::new(&arrow[..], 1000)).expect("the file is sound")), expect);
    assert_eq!(codes(ParquetRows::open(file(&parquet), 1000).and_then(read).expect("the file is sound")), expect);
}

/// A list of nulls takes no bytes in a file, however long it is.
#[test]
fn a_list_of_nothing_is_not_free() {
    let n_items = 1 << 30;
    let offsets = arrow_buffer::OffsetBuffer::new(vec![0, n_items].into());
    let item = Arc::new(arrow_schema::Field::new("item", arrow_schema::DataType::Null, true));
    let items = Arc::new(NullArray::new(n_items as usize));
    let list: ArrayRef = Arc::new(arrow_array::ListArray::new(item, offsets, items, None));
    assert_eq!(list.len(), 1);
    let bytes = arrow_bytes(&RecordBatch::try_from_iter([("x", list)]).expect("a batch"));
    assert!(bytes.len() < 1000);
    let row = read(ArrowRows::new(&bytes[..], 8 << 20)).expect("it is a stream").remove(0);
    assert_eq!(row.map_err(|error| error.code()), Err("row_too_large"));
}
