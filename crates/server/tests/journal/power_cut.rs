//! The power goes, at any moment and with any part of what was not synced on the disk: what was acknowledged is there, once,
//! in order and where it was said to be.
//!
//! `STREAMTABLE_POWER_CUTS` asks for more rounds than the two hundred of an ordinary run, `STREAMTABLE_SEED` for the seed of
//! the first.

use std::collections::{BTreeMap, HashMap};

use super::common::{Folder, append, name, open, rows};
use super::disk::sqlite::put_disk_below;
use super::disk::{Disk, Random};
use model::{Offset, Seq};
use server::journal::{Appended, Journal, JournalError, Retention, SqliteJournal};

const N_WRITERS: u8 = 4;
const TABLES: [&str; 3] = ["plain", "kept", "deleted"];
/// What is kept of the second table.
const KEPT: Retention = Retention { max_age_seconds: None, max_rows: Some(40), max_bytes: None };

/// What the writers know of a table, since it was made.
#[derive(Debug, Default)]
struct Known {
    /// Acknowledged rows, by where they are.
    acked: BTreeMap<Offset, (u8, Seq)>,
    /// Each writer's next number.
    next: HashMap<u8, Seq>,
    /// Whether a deletion was asked for of which nothing was heard.
    may_be_deleted: bool,
}

/// Rows on their way.
struct Sent {
    table: usize,
    byte: u8,
    seqs: std::ops::Range<Seq>,
}

struct Round<'a> {
    seed: u64,
    random: Random,
    disk: &'a Disk,
    known: [Known; 3],
    runtime: tokio::runtime::Runtime,
}

impl Round<'_> {
    /// Writes until the power is gone, or for so many steps.
    fn run(&mut self, journal: &SqliteJournal, n_steps: u64) {
        for step in 0..n_steps {
            if step == 5 && self.known[1].next.values().any(|next| *next > 1) {
                let set = journal.set_retention(&name(TABLES[1]), Some(KEPT));
                drop(self.runtime.block_on(set));
            }
            if self.random.one_in(40) {
                self.delete(journal);
            }
            if self.random.one_in(10) {
                drop(journal.tidy_up());
            }
            if self.send(journal).is_err() || self.disk.is_cut() {
                return;
            }
        }
    }

    fn delete(&mut self, journal: &SqliteJournal) {
        self.known[2].may_be_deleted = true;
        if let Ok(is_deleted) = self.runtime.block_on(journal.delete(&name(TABLES[2]))) {
            assert_eq!(is_deleted, !self.known[2].acked.is_empty());
            self.known[2] = Known::default();
        }
    }

    /// Sends a request of some of the writers at once.
    fn send(&mut self, journal: &SqliteJournal) -> Result<(), JournalError> {
        let mut sent = Vec::new();
        for byte in 0..N_WRITERS {
            if self.random.one_in(2) {
                continue;
            }
            let table = self.random.below(3) as usize;
            let first = *self.known[table].next.entry(byte).or_insert(1);
            sent.push(Sent { table, byte, seqs: first..first + 1 + self.random.below(5) });
        }
        journal.check()?;
        let appends: Vec<_> =
            sent.iter().map(|sent| append(journal, TABLES[sent.table], sent.byte, sent.seqs.clone())).collect();
        let answers: Vec<_> = appends.into_iter().map(|append| journal.append(append)).collect();
        for (sent, answer) in sent.into_iter().zip(answers) {
            let Appended { n_stored, n_duplicate, first_offset } = self.runtime.block_on(answer)?;
            let (known, n_rows) = (&mut self.known[sent.table], sent.seqs.end - sent.seqs.start);
            assert_eq!((n_stored, n_duplicate), (n_rows, 0), "seed {}", self.seed);
            let first_offset = first_offset.expect("rows were stored");
            known.next.insert(sent.byte, sent.seqs.end);
            known.acked.extend((first_offset..).zip(sent.seqs.map(|seq| (sent.byte, seq))));
        }
        Ok(())
    }

    /// Holds what is there against what is known.
    fn check(&self, journal: &SqliteJournal) {
        let seed = self.seed;
        for (idx, (table, known)) in TABLES.iter().zip(&self.known).enumerate() {
            let (rows, error) = rows(journal, table);
            assert_eq!(error, None, "seed {seed}: {table} is whole");
            let state = journal.table(&name(table));
            let first_offset = state.as_ref().map_or(0, |state| state.first_offset);
            assert!(
                first_offset == 0 || (idx == 1 && rows.len() as u64 >= 40),
                "seed {seed}: too much of {table} went"
            );
            let by_offset: HashMap<Offset, (u8, Seq)> =
                rows.iter().map(|(at, byte, seq)| (*at, (*byte, *seq))).collect();
            if !(known.may_be_deleted && state.is_none()) {
                for (offset, row) in known.acked.range(first_offset..) {
                    assert_eq!(by_offset.get(offset), Some(row), "seed {seed}: {table} lacks an acknowledged row");
                }
            }
            let mut last: HashMap<u8, Seq> = HashMap::new();
            for (_, byte, seq) in &rows {
                let before = last.insert(*byte, *seq);
                let follows = before.map_or(first_offset > 0 || *seq == 1, |before| *seq == before + 1);
                assert!(follows, "seed {seed}: writer {byte} of {table}: {seq} after {before:?}");
            }
        }
    }

    /// Sends again what was not acknowledged, and more: each row is there once.
    fn go_on(&mut self, journal: &SqliteJournal) {
        for (idx, table) in TABLES.iter().enumerate() {
            if journal.table(&name(table)).is_none() {
                self.known[idx] = Known::default();
            }
            for byte in 0..N_WRITERS {
                let first = *self.known[idx].next.entry(byte).or_insert(1);
                let answer = self.runtime.block_on(journal.append(append(journal, table, byte, first..first + 10)));
                let Appended { n_stored, n_duplicate, .. } = answer.expect("the power is back");
                assert_eq!(n_stored + n_duplicate, 10);
                self.known[idx].next.insert(byte, first + 10);
            }
        }
        journal.tidy_up().expect("the power is back");
        for (idx, table) in TABLES.iter().enumerate() {
            let (rows, error) = rows(journal, table);
            assert_eq!(error, None);
            for byte in 0..N_WRITERS {
                let seqs: Vec<Seq> = rows.iter().filter(|row| row.1 == byte).map(|row| row.2).collect();
                let end = self.known[idx].next[&byte];
                let start = end - seqs.len() as Seq;
                assert_eq!(seqs, (start..end).collect::<Vec<_>>(), "seed {}: {table}", self.seed);
                assert!(start == 1 || idx == 1, "seed {}: {table}", self.seed);
            }
        }
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn what_was_acknowledged_outlives_the_power() {
    let first_seed = number("STREAMTABLE_SEED", 0);
    let (mut n_acked, mut n_cut) = (0, 0);
    let n_rounds = number("STREAMTABLE_POWER_CUTS", 200);
    for seed in first_seed..first_seed + n_rounds {
        let mut random = Random::new(seed);
        let (before, after) = (Folder::new(), Folder::new());
        let held = put_disk_below(&before.0);
        // From the making of the file to well into the stream.
        let n_ops = if random.one_in(8) { 1 + random.below(60) } else { 60 + random.below(1000) };
        held.disk.cut_power_in(n_ops);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
        let mut round = Round { seed, random, disk: &held.disk, known: Default::default(), runtime };
        // Some servers are stopped in good order, or try to, and started again before the power goes.
        let n_steps = if round.random.one_in(3) { 20 } else { 100 };
        for _ in 0..100 / n_steps {
            match open(&before.0) {
                Ok(journal) => {
                    round.run(&journal, n_steps);
                    if n_steps == 100 && !held.disk.is_cut() {
                        held.disk.cut_power();
                    }
                    journal.close();
                }
                Err(error) => {
                    assert!(held.disk.is_cut(), "seed {seed}: {error}");
                    break;
                }
            }
        }
        n_cut += u64::from(held.disk.is_cut());
        held.disk.cut_power();
        held.disk.write_what_is_left(&after.0, &mut round.random);
        // A disk without faults, for it is quick.
        let _well = put_disk_below(&after.0);
        let journal = open(&after.0).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        round.check(&journal);
        n_acked += round.known.iter().map(|known| known.acked.len()).sum::<usize>();
        round.go_on(&journal);
    }
    eprintln!("{n_acked} acknowledged rows, {n_cut} cuts in {n_rounds} rounds");
    assert!(n_acked as u64 > n_rounds * 30 && n_cut > n_rounds / 2, "the power goes where something is at stake");
}

#[test]
fn a_sync_that_failed_is_never_tried_again() {
    for n_syncs in 1..30 {
        let (before, after) = (Folder::new(), Folder::new());
        let held = put_disk_below(&before.0);
        let journal = open(&before.0).expect("the disk is well");
        held.disk.fail_sync_in(n_syncs);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
        let mut n_acked = 0;
        let error = loop {
            let sent = append(&journal, "t", 1, n_acked + 1..n_acked + 2);
            match runtime.block_on(journal.append(sent)) {
                Ok(_) => n_acked += 1,
                Err(error) => break error,
            }
            assert!(n_acked < 100, "the sync fails in time");
        };
        assert_eq!(error.code(), "journal_failed");
        assert_eq!(held.disk.after_failure(), Some(0));
        // Nothing is taken, tidied up or folded in any more; reading goes on.
        assert_eq!(journal.reserve(1).map(drop).unwrap_err().code(), "journal_failed");
        for refused in [journal.delete(&name("t")), journal.set_retention(&name("t"), None)] {
            assert_eq!(runtime.block_on(refused).unwrap_err().code(), "journal_failed");
        }
        assert_eq!(journal.tidy_up().unwrap_err().code(), "journal_failed");
        assert_eq!(rows(&journal, "t").0.len() as u64, n_acked);
        journal.close();
        drop(journal);
        assert_eq!(held.disk.after_failure(), Some(0), "the disk was touched after a sync had failed");
        held.disk.write_what_is_left(&after.0, &mut Random::new(n_syncs));
        let journal = open(&after.0).expect("what is there is whole");
        let n_rows = rows(&journal, "t").0.len() as u64;
        assert!(n_rows == n_acked || n_rows == n_acked + 1, "{n_rows} rows, {n_acked} acknowledged");
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_once_there_is_room() {
    let folder = Folder::new();
    let held = put_disk_below(&folder.0);
    let journal = open(&folder.0).expect("the disk is well");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
    let send = |table: &str, seqs| runtime.block_on(journal.append(append(&journal, table, 1, seqs)));
    for table in ["t", "other"] {
        assert_eq!(send(table, 1..11).map(|appended| appended.n_stored), Ok(10));
    }
    held.disk.set_full(true);
    for _ in 0..3 {
        assert_eq!(send("t", 11..21), Err(JournalError::DiskFull));
        assert_eq!(send("new", 1..2), Err(JournalError::DiskFull));
        assert_eq!(runtime.block_on(journal.delete(&name("other"))), Err(JournalError::DiskFull));
        assert_eq!(runtime.block_on(journal.set_retention(&name("t"), Some(KEPT))), Err(JournalError::DiskFull));
    }
    assert_eq!((rows(&journal, "t").0.len(), rows(&journal, "other").0.len()), (10, 10), "reading goes on");
    assert!(journal.table(&name("new")).is_none() && journal.check().is_ok());
    held.disk.set_full(false);
    assert_eq!(send("t", 11..21).map(|appended| (appended.n_stored, appended.first_offset)), Ok((10, Some(10))));
    assert_eq!(runtime.block_on(journal.delete(&name("other"))), Ok(true));
    assert_eq!(runtime.block_on(journal.set_retention(&name("t"), Some(KEPT))), Ok(true));
    drop(journal);
    let journal = open(&folder.0).expect("it is whole");
    assert_eq!((rows(&journal, "t").0.len(), journal.tables().len()), (20, 1));
}
