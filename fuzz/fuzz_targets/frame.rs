//! A frame, as the journal keeps it and a tail sends it; joined, cut and taken in by a table.
#![no_main]

use bytes::Bytes;
use engine::Table;
use libfuzzer_sys::fuzz_target;
use server::journal::{Frame, coalesce, head};

fuzz_target!(init: fuzz::begin("frame"), |data: &[u8]| {
    let Ok(stored) = wire::arrow::decode_frame(data) else { return };
    let n_rows = stored.batch.n_rows() as u64;
    // A frame of a few bytes may say that it holds any number of rows of nothing.
    if n_rows > 100_000 || stored.first_offset.checked_add(n_rows).is_none() {
        return;
    }
    fuzz::check_batch(&stored);
    let mut table = Table::starting_at(stored.first_offset);
    if table.append(&stored).is_ok() {
        assert_eq!(table.next_offset(), stored.end_offset());
        for column in stored.batch.columns() {
            for row_idx in 0..n_rows.min(100) {
                let _ = table.value(stored.first_offset + row_idx, column.name());
            }
        }
    }
    if n_rows > 0 {
        let frame = Frame { first_offset: stored.first_offset, n_rows, bytes: Bytes::copy_from_slice(data) };
        let first = head(frame.clone()).expect("it was read before");
        assert_eq!(first.first_offset, frame.first_offset);
        let joined = coalesce(vec![frame.clone()], frame.first_offset + n_rows - 1).expect("it was read before");
        assert_eq!(joined.last().map(Frame::end_offset), Some(frame.end_offset()));
    }
});
