//! What the journal's tests share: folders, journals, rows that carry their writer and number.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use model::{Offset, Row, Seq, TableName, Value, WriterId};
use server::Config;
use server::journal::{Append, Journal, JournalError, Origin, Retention, SqliteJournal, decode};

/// A folder that goes away in the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static N_MADE: AtomicU64 = AtomicU64::new(0);
        let n = N_MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("streamtable-journal-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the system's folder for temporary files can be written");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Opens the journal in a folder.
pub(crate) fn open(dir: &Path) -> Result<SqliteJournal, JournalError> {
    let limits = Config::try_parse_from(["streamtable-server"]).expect("every flag has a default").limits;
    SqliteJournal::open(dir, &limits, Retention::default(), Box::new(|_| ()))
}

pub(crate) fn name(table: &str) -> TableName {
    TableName::parse(&format!("e/p/{table}")).expect("it is a name")
}

pub(crate) fn writer(byte: u8) -> WriterId {
    WriterId::from_bytes([byte; 16])
}

/// Rows `seqs` of a writer; each carries its number and its writer's.
pub(crate) fn append(journal: &SqliteJournal, table: &str, byte: u8, seqs: std::ops::Range<Seq>) -> Append {
    let row = |seq| [("w", Value::Int(byte.into())), ("n", Value::Int(seq as i64))].into_iter().collect::<Row>();
    Append {
        table: name(table),
        origin: Some(Origin { writer: writer(byte), seqs: seqs.clone().collect(), last_seq: seqs.end - 1 }),
        batches: vec![seqs.map(row).collect()],
        reservation: journal.reserve(100).expect("there is room, and nothing failed"),
    }
}

/// A row: its offset, its writer's byte, its number. What the cells say and what the system's columns say must agree.
pub(crate) type Stored = (Offset, u8, Seq);

/// A table's rows, as far as they can be read; and why no more of them.
pub(crate) fn rows(journal: &SqliteJournal, table: &str) -> (Vec<Stored>, Option<JournalError>) {
    let Some(state) = journal.table(&name(table)) else { return (Vec::new(), None) };
    let (mut rows, mut at) = (Vec::new(), state.first_offset);
    while at < state.next_offset {
        let frames = match journal.read(&name(table), at..state.next_offset, 10_000) {
            Ok(frames) => frames,
            Err(error) => return (rows, Some(error)),
        };
        for frame in frames {
            let stored = match decode(&frame) {
                Ok(stored) => stored,
                Err(error) => return (rows, Some(error)),
            };
            for idx in 0..stored.batch.n_rows() {
                let int = |column| match stored.batch.value(idx, column) {
                    Value::Int(int) => int,
                    other => panic!("{column} is {other:?}"),
                };
                let (byte, seq) = (int("w") as u8, int("n") as Seq);
                assert_eq!(int("_seq"), seq as i64);
                assert_eq!(stored.batch.value(idx, "_writer"), Value::Text(writer(byte).to_string()));
                assert_eq!(at, stored.first_offset + idx as Offset, "offsets are dense");
                rows.push((at, byte, seq));
                at += 1;
            }
        }
    }
    (rows, None)
}
