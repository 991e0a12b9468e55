//! Rows that retention drops while somebody reads them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::common::{Folder, append, name, open, rows};
use server::journal::{Journal, Retention};

/// For how long it is tried.
const TIME: Duration = Duration::from_secs(2);

#[test]
fn rows_that_go_while_they_are_read_are_not_taken_for_damage() {
    let folder = Folder::new();
    let journal = open(&folder.0).expect("the disk is well");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
    runtime.block_on(journal.append(append(&journal, "t", 1, 1..2))).expect("there is room");
    let kept = Retention { max_rows: Some(5), ..Retention::default() };
    runtime.block_on(journal.set_retention(&name("t"), Some(kept))).expect("there is room");
    let is_over = AtomicBool::new(false);
    let (n_reads, mut seq) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut n_reads = 0;
            while !is_over.load(Ordering::Relaxed) {
                let (_, error) = rows(&journal, "t");
                assert_eq!(error, None, "in read {n_reads}");
                n_reads += 1;
            }
            n_reads
        });
        let (start, mut seq) = (Instant::now(), 2);
        while start.elapsed() < TIME && !reader.is_finished() {
            runtime.block_on(journal.append(append(&journal, "t", 1, seq..seq + 3))).expect("there is room");
            journal.tidy_up().expect("there is room");
            seq += 3;
        }
        is_over.store(true, Ordering::Relaxed);
        (reader.join().expect("no read finds damage"), seq)
    });
    seq -= 1;
    assert!(n_reads > 100 && seq > 100, "{n_reads} reads of {seq} rows");
    assert_eq!(rows(&journal, "t").0.last().map(|row| row.2), Some(seq));
}
