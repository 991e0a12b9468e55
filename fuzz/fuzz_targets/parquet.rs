//! A Parquet file that is imported.
#![no_main]

use std::io::{Seek, Write};

use libfuzzer_sys::fuzz_target;
use wire::files::ParquetRows;

fuzz_target!(init: fuzz::begin("parquet"), |data: &[u8]| {
    let mut file = tempfile::tempfile().expect("there is room");
    file.write_all(data).and_then(|()| file.rewind()).expect("there is room");
    if let Ok(mut rows) = ParquetRows::open(file, fuzz::MAX_ROW_BYTES) {
        fuzz::check_rows(fuzz::read_all(&mut rows));
    }
});
