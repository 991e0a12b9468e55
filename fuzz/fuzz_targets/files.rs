//! Files that are imported: the first byte says which, the others are the file.
#![no_main]

use std::collections::HashMap;
use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use model::{ColumnType, Schema};
use wire::files::{ArrowRows, CsvRows, JsonRows, LineRows, TypeHints};

fuzz_target!(init: fuzz::begin("files"), |data: &[u8]| {
    let Some((kind, file)) = data.split_first() else { return };
    let file = Cursor::new(file.to_vec());
    let rows = match kind {
        b'c' => fuzz::read_all(&mut CsvRows::new(file, fuzz::MAX_ROW_BYTES, hints(), expr::parse_timestamp)),
        b'l' => fuzz::read_all(&mut LineRows::new(file, fuzz::MAX_ROW_BYTES)),
        b'j' => fuzz::read_all(&mut JsonRows::new(file, fuzz::MAX_ROW_BYTES)),
        b'a' => fuzz::read_all(&mut ArrowRows::new(file, fuzz::MAX_ROW_BYTES)),
        _ => return,
    };
    fuzz::check_rows(rows);
});

/// Each type of a column under a letter of its own; others are guessed.
fn hints() -> TypeHints {
    let types = [
        ("b", ColumnType::Bool),
        ("i", ColumnType::Int),
        ("f", ColumnType::Float),
        ("t", ColumnType::Time),
        ("s", ColumnType::Text),
        ("y", ColumnType::Bytes),
        ("m", ColumnType::Media),
        ("n", ColumnType::Nested),
        ("x", ColumnType::Mixed),
    ];
    let types: HashMap<_, _> = types.into_iter().map(|(name, column_type)| (name.to_owned(), column_type)).collect();
    TypeHints::new(types, &Schema::default())
}
