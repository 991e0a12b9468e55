//! The journal's file and its log with some bytes turned over, cut or put in place of others: it opens, or says why not, and
//! whatever it gives can be read.
//!
//! The input is a list of changes to a sound journal, eight bytes each: which file, where, what.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use clap::Parser;
use libfuzzer_sys::fuzz_target;
use model::{Batch, TableName, WriterId};
use server::Config;
use server::journal::{Append, Journal, JournalError, Origin, Retention, SqliteJournal, decode};

const FILES: [&str; 2] = ["streamtable.db", "streamtable.db-wal"];

fuzz_target!(init: fuzz::begin("journal"), |data: &[u8]| {
    static SOUND: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let mut files = SOUND.get_or_init(sound).clone();
    // A file that is not a list of changes stands for the whole.
    if data.starts_with(b"SQLite format 3\0") {
        files = [data.to_vec(), Vec::new()];
    } else {
        data.chunks_exact(8).for_each(|change| apply(&mut files, change));
    }
    let dir = tempfile::tempdir().expect("there is room");
    for (name, bytes) in FILES.iter().zip(&files) {
        fs::write(dir.path().join(name), bytes).expect("there is room");
    }
    let Ok(journal) = open(dir.path()) else { return };
    for state in journal.tables() {
        let mut at = state.first_offset;
        // Whatever the file says, it has few rows.
        while at < state.next_offset {
            let Ok(frames) = journal.read(&state.name, at..state.next_offset, 1 << 16) else { break };
            let Some(last) = frames.last() else { break };
            assert!(last.end_offset() > at, "reading goes on");
            at = last.end_offset();
            for frame in &frames {
                let _ = decode(frame);
            }
        }
    }
    let _ = journal.tidy_up();
    let table = TableName::parse("e/p/a").expect("it is a name");
    let _ = append(&journal, &table, 90);
    journal.close();
});

/// Turns bytes over, or cuts a file.
fn apply(files: &mut [Vec<u8>; 2], change: &[u8]) {
    let file = &mut files[usize::from(change[0] & 1)];
    let at = u32::from_le_bytes([change[1], change[2], change[3], 0]) as usize;
    match (change[0] >> 1) & 3 {
        0 => file.truncate(at),
        1 => file.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= change[4]),
        _ => file.iter_mut().skip(at).zip(&change[4..8]).for_each(|(byte, new)| *byte = *new),
    }
}

fn open(dir: &Path) -> Result<SqliteJournal, JournalError> {
    let limits = Config::parse_from(["fuzz"]).limits;
    SqliteJournal::open(dir, &limits, Retention::default(), Box::new(|_| {}))
}

fn append(journal: &SqliteJournal, table: &TableName, seq: u64) -> Result<(), JournalError> {
    let batch: Batch = fuzz::sample_rows().into_iter().collect();
    let seqs: Vec<u64> = (seq..seq + batch.n_rows() as u64).collect();
    let last_seq = seq + batch.n_rows() as u64 - 1;
    let origin = Some(Origin { writer: WriterId::from_bytes([7; 16]), seqs, last_seq });
    let append = Append { table: table.clone(), origin, batches: vec![batch], reservation: journal.reserve(1)? };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it starts");
    runtime.block_on(journal.append(append)).map(drop)
}

/// A journal of two tables, some of whose rows are in the file and some in the log.
fn sound() -> [Vec<u8>; 2] {
    let dir = tempfile::tempdir().expect("there is room");
    let journal = open(dir.path()).expect("it is new");
    let tables = ["e/p/a", "e/p/b"].map(|name| TableName::parse(name).expect("it is a name"));
    for seq in [1, 4, 7] {
        tables.iter().for_each(|table| append(&journal, table, seq).expect("it is sound"));
    }
    journal.tidy_up().expect("it is sound");
    tables.iter().for_each(|table| append(&journal, table, 10).expect("it is sound"));
    FILES.map(|name| fs::read(dir.path().join(name)).expect("it is there"))
}
