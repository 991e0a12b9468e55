//! The end of the journal's files, cut anywhere and with any bit turned over: what is read is what was written, or its first
//! rows, or an error; never something else.
//!
//! A number of places is tried in an ordinary run; `STREAMTABLE_EVERY_BYTE=1` tries every one.

use std::path::Path;

use super::common::{Folder, append, open, rows};
use super::disk::Random;
use super::disk::sqlite::put_disk_below;
use server::journal::Journal;

const DB: &str = "streamtable.db";
const LOG: &str = "streamtable.db-wal";
/// How many places are tried of each kind.
const N_PLACES: usize = 300;

/// A journal's files: some appends, then a last one.
struct Files {
    db: Vec<u8>,
    log: Vec<u8>,
    /// Where the last append's part of the log starts.
    log_start: usize,
    n_rows: u64,
    n_before_last: u64,
}

/// The files as they are while the server runs, or after it was stopped.
fn files(is_stopped: bool) -> Files {
    let folder = Folder::new();
    let _disk = put_disk_below(&folder.0);
    let journal = open(&folder.0).expect("the folder can be written");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
    let send = |seqs| runtime.block_on(journal.append(append(&journal, "t", 1, seqs))).expect("the disk is well");
    for first in (1..25).step_by(6) {
        send(first..first + 6);
    }
    let n_bytes = |name: &str| std::fs::metadata(folder.0.join(name)).map_or(0, |file| file.len() as usize);
    let log_start = n_bytes(LOG);
    send(25..29);
    if is_stopped {
        journal.close();
    }
    let read = |name: &str| std::fs::read(folder.0.join(name)).unwrap_or_default();
    Files { db: read(DB), log: read(LOG), log_start, n_rows: 28, n_before_last: 24 }
}

/// Opens a journal of these files; says how many rows it gives, which must be the first that were written, and whether it said
/// that something is wrong.
fn read(dir: &Path, db: &[u8], log: &[u8]) -> (u64, bool) {
    for (name, content) in [(DB, db), (LOG, log)] {
        std::fs::write(dir.join(name), content).expect("it can be written");
    }
    let Ok(journal) = open(dir) else { return (0, true) };
    let (rows, error) = rows(&journal, "t");
    for (idx, row) in rows.iter().enumerate() {
        assert_eq!(*row, (idx as u64, 1, idx as u64 + 1), "a row that was never written");
    }
    (rows.len() as u64, error.is_some())
}

/// Some places in a range, or all.
fn places(range: std::ops::Range<usize>) -> Vec<usize> {
    if std::env::var_os("STREAMTABLE_EVERY_BYTE").is_some() {
        return range.collect();
    }
    let mut random = Random::new(7);
    (0..N_PLACES).map(|_| range.start + random.below(range.len() as u64) as usize).collect()
}

/// A folder below which there is a disk without faults, for it is quick.
fn quick_folder() -> (Folder, super::disk::sqlite::Held) {
    let folder = Folder::new();
    let held = put_disk_below(&folder.0);
    (folder, held)
}

#[test]
fn a_log_that_ends_anywhere_or_is_damaged_gives_what_was_there_before() {
    let Files { db, log, log_start, n_rows, n_before_last } = files(false);
    assert!(log_start > 0 && log.len() > log_start, "the last append is in the log");
    let (folder, _held) = quick_folder();
    assert_eq!(read(&folder.0, &db, &log), (n_rows, false));
    for at in places(log_start..log.len()) {
        let (n_read, _) = read(&folder.0, &db, &log[..at]);
        assert_eq!(n_read, n_before_last, "the log ends at byte {at}");
        let mut damaged = log.clone();
        damaged[at] ^= 1 << (at % 8);
        let (n_read, _) = read(&folder.0, &db, &damaged);
        // A bit that nobody looks at may have been turned over.
        assert!(n_read == n_before_last || n_read == n_rows, "byte {at} is damaged: {n_read} rows");
    }
}

#[test]
fn a_damaged_record_is_refused_and_those_before_it_are_given() {
    let Files { db, log, n_rows, n_before_last, .. } = files(true);
    assert!(log.is_empty(), "the log was folded in");
    let (folder, _held) = quick_folder();
    assert_eq!(read(&folder.0, &db, &[]), (n_rows, false));
    // The last record is found by its frame, which stands before those that came earlier in its page.
    let frames: Vec<usize> = (0..db.len() - 6).filter(|at| db[*at..].starts_with(b"_write")).collect();
    let header = 64;
    let (first, next) = (frames[0], frames.get(1).copied().unwrap_or(db.len()));
    let (mut n_told, places_of_record) = (0, places(first.saturating_sub(header)..next));
    for at in &places_of_record {
        let at = *at;
        let mut damaged = db.clone();
        damaged[at] ^= 1 << (at % 8);
        let (n_read, is_told) = read(&folder.0, &damaged, &[]);
        assert!(n_read == n_rows || is_told, "byte {at} is damaged, and nobody says so: {n_read} rows");
        assert!(n_read != n_before_last || is_told);
        n_told += usize::from(is_told);
    }
    assert!(n_told > places_of_record.len() / 2, "these are the bytes of the record");
    for at in places(db.len() / 2..db.len()) {
        let (n_read, is_told) = read(&folder.0, &db[..at], &[]);
        assert!(n_read == n_rows || is_told, "the file ends at byte {at}: {n_read} rows");
    }
}
