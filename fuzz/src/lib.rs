//! What the fuzz targets share: rows to begin with, and what must hold of every row that was read.

mod seeds;

use std::panic::{self, Location};

use model::{Batch, Media, Row, StoredBatch, Timestamp, Value};
use wire::files::FileRows;

/// The largest row that readers of files are told to take, in bytes.
pub const MAX_ROW_BYTES: usize = 1 << 16;

/// To be called before a target's first input: puts its seeds into the corpus, and says which panics are faults.
///
/// # Panics
/// When the corpus cannot be written.
pub fn begin(target: &str) {
    seeds::plant(target);
    let stop = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // The crates of these formats panic at some files. Who calls them catches that, and where nobody does it still ends
        // the run; every other panic does at once.
        let is_foreign =
            |location: &Location<'_>| ["/arrow-", "/parquet-"].iter().any(|name| location.file().contains(name));
        if !info.location().is_some_and(is_foreign) {
            stop(info);
        }
    }));
}

/// Rows with a cell of every kind.
#[must_use]
pub fn sample_rows() -> Vec<Row> {
    let cells = [
        ("bool", Value::Bool(true)),
        ("int", Value::Int(i64::MIN)),
        ("float", Value::Float(-0.0)),
        ("text", Value::Text("é\"\n".to_owned())),
        ("time", Value::Time(Timestamp(1_700_000_000_000_001))),
        ("bytes", Value::Bytes(vec![0, 255])),
        ("media", Value::Media(Media { mime: "image/png".into(), bytes: vec![1, 2, 3] })),
        ("list", Value::List(vec![Value::Int(1), Value::Float(f64::NAN), Value::Null])),
        ("object", Value::Object(vec![("a.b".to_owned(), Value::List(Vec::new()))])),
        ("mixed", Value::Int(7)),
    ];
    let full: Row = cells.into_iter().collect();
    let other = [("mixed", Value::Text("x".to_owned())), ("null", Value::Null), ("float", Value::Float(f64::INFINITY))];
    vec![full, other.into_iter().collect(), Row::new()]
}

/// Reads all rows of a file, as long as they are few; those that can be stored.
#[must_use]
pub fn read_all(rows: &mut dyn FileRows) -> Vec<Row> {
    let mut read = Vec::new();
    // A file of a few bytes may hold any number of rows of nothing.
    for _ in 0..10_000 {
        match rows.next_row() {
            Ok(Some(row)) => read.extend(row.row),
            Ok(None) | Err(_) => break,
        }
    }
    read
}

/// What was read can be kept, and comes back from where it is kept as it is.
///
/// # Panics
/// When it does not.
pub fn check_rows(rows: Vec<Row>) {
    for row in &rows {
        row.check().expect("readers give only rows that can be stored");
        let mut json = String::new();
        wire::json::encode_row(row.iter(), &mut json);
        let again = wire::json::decode_row(&json).expect("what was written can be read");
        let mut json_again = String::new();
        wire::json::encode_row(again.iter(), &mut json_again);
        assert_eq!(json, json_again);
    }
    let batch: Batch = rows.into_iter().collect();
    check_batch(&StoredBatch { first_offset: 3, batch });
}

/// A batch is the same when it was written as a frame and read.
///
/// # Panics
/// When it is not.
pub fn check_batch(stored: &StoredBatch) {
    let bytes = wire::arrow::encode_frame(stored.first_offset, &stored.batch);
    let again = wire::arrow::decode_frame(&bytes).expect("what was written can be read");
    assert_eq!((again.first_offset, again.batch.n_rows()), (stored.first_offset, stored.batch.n_rows()));
    // NaN is not itself, its bytes are.
    assert!(bytes == wire::arrow::encode_frame(again.first_offset, &again.batch), "a frame changes when it is read");
}
