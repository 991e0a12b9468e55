//! The journal against a plain list: whatever is appended, by whom, how often and together with what, each numbered row
//! is kept once, in order, and is still there when the folder is opened again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::common::Folder;
use clap::Parser;
use model::{Batch, Offset, Row, Seq, TableName, Value, WriterId};
use proptest::prelude::*;
use server::Config;
use server::journal::{Append, Appended, Frame, Journal, JournalEvent, Origin, Retention, SqliteJournal, decode};

const N_TABLES: u8 = 2;
const N_WRITERS: u8 = 3;

/// Some rows on their way to a table.
#[derive(Clone, Debug)]
struct Request {
    table: u8,
    /// Who numbers the rows, and by how much the first number differs from the one that is due.
    writer: Option<(u8, i64)>,
    /// A row each; false is a row that was refused before it came to the journal.
    rows: Vec<bool>,
    /// How many rows a batch has at most.
    n_batch_rows: usize,
}

#[derive(Clone, Debug)]
enum Step {
    /// Requests that come at once.
    Append(Vec<Request>),
    /// The server ends and starts again.
    Reopen,
    /// Someone reads from some row of the table on.
    Read(u8, prop::sample::Index),
    /// Somebody says how many rows of a table are to be kept.
    Keep(u8, Option<u64>),
    /// What happens by itself in time happens now.
    TidyUp,
    /// The table is deleted.
    Delete(u8),
}

fn request() -> impl Strategy<Value = Request> {
    let writer = prop::option::weighted(0.8, (0..N_WRITERS, -6_i64..3));
    (0..N_TABLES, writer, prop::collection::vec(prop::bool::weighted(0.8), 1..8), 1_usize..5)
        .prop_map(|(table, writer, rows, n_batch_rows)| Request { table, writer, rows, n_batch_rows })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(request(), 1..6).prop_map(Step::Append),
        1 => Just(Step::Reopen),
        2 => (0..N_TABLES, any::<prop::sample::Index>()).prop_map(|(table, at)| Step::Read(table, at)),
        1 => (0..N_TABLES, prop::option::of(1_u64..40)).prop_map(|(table, n_rows)| Step::Keep(table, n_rows)),
        2 => Just(Step::TidyUp),
        1 => (0..N_TABLES).prop_map(Step::Delete),
    ]
}

/// A kept row: its cell, and who numbered it how.
type Kept = (i64, Option<(WriterId, Seq)>);

/// What the journal should hold.
#[derive(Default)]
struct Oracle {
    /// Every row there was since the table was made.
    tables: HashMap<u8, Vec<Kept>>,
    /// The fewest rows that were to be kept of a table since it was made.
    kept: HashMap<u8, u64>,
    last: HashMap<(u8, u8), Seq>,
    n_made: i64,
}

impl Oracle {
    /// Turns a request into what goes to the journal and what should come back.
    fn take(&mut self, journal: &SqliteJournal, request: &Request) -> (Append, Appended) {
        let writer_id = |byte: u8| WriterId::from_bytes([byte; 16]);
        let last = request.writer.map(|(writer, _)| *self.last.entry((request.table, writer)).or_default());
        let first_seq = request.writer.zip(last).map(|((_, delta), last)| last.saturating_add_signed(delta + 1).max(1));
        // A table is there once rows came, known or not.
        let table = self.tables.entry(request.table).or_default();
        let first_offset = table.len() as Offset;
        let (mut seqs, mut rows, mut n_duplicate) = (Vec::new(), Vec::new(), 0);
        for (idx, _) in request.rows.iter().enumerate().filter(|(_, is_good)| **is_good) {
            self.n_made += 1;
            rows.push([("n", Value::Int(self.n_made))].into_iter().collect::<Row>());
            let seq = first_seq.map(|first| first + idx as Seq);
            seqs.extend(seq);
            if seq.zip(last).is_some_and(|(seq, last)| seq <= last) {
                n_duplicate += 1;
            } else {
                table.push((self.n_made, request.writer.map(|(writer, _)| writer_id(writer)).zip(seq)));
            }
        }
        let origin = request.writer.zip(first_seq).map(|((writer, _), first_seq)| {
            let last_seq = first_seq + request.rows.len() as Seq - 1;
            let last = self.last.entry((request.table, writer)).or_default();
            *last = (*last).max(last_seq);
            Origin { writer: writer_id(writer), seqs, last_seq }
        });
        let n_stored = table.len() as u64 - first_offset;
        let batches: Vec<Batch> =
            rows.chunks(request.n_batch_rows).map(|rows| rows.iter().cloned().collect()).collect();
        let reservation = journal.reserve(100).expect("there is room");
        let append = Append { table: name(request.table), origin, batches, reservation };
        (append, Appended { n_stored, n_duplicate, first_offset: (n_stored > 0).then_some(first_offset) })
    }

    /// Whether there was such a table, of which nothing is left.
    fn delete(&mut self, table: u8) -> bool {
        self.last.retain(|(of, _), _| *of != table);
        self.kept.remove(&table);
        self.tables.remove(&table).is_some()
    }

    /// Where the table starts, which must be where it may.
    fn first_offset(&self, journal: &SqliteJournal, table: u8) -> Offset {
        let Some(state) = journal.table(&name(table)) else { return 0 };
        let n_left = state.next_offset - state.first_offset;
        let may_start = state.first_offset == 0 || self.kept.get(&table).is_some_and(|kept| n_left >= *kept);
        assert!(may_start, "{n_left} rows are left, of which {:?} were to be kept", self.kept.get(&table));
        state.first_offset
    }

    /// The rows of a table from one on, each with its offset.
    fn rows(&self, table: u8, from: usize) -> Vec<(Offset, Kept)> {
        let rows = self.tables.get(&table).into_iter().flatten().copied();
        rows.enumerate().skip(from).map(|(offset, row)| (offset as Offset, row)).collect()
    }
}

fn name(table: u8) -> TableName {
    TableName::parse(&format!("e/p/t{table}")).expect("it is a name")
}

fn kept(frames: &[Frame]) -> Vec<(Offset, Kept)> {
    let mut rows = Vec::new();
    for frame in frames {
        let stored = decode(frame).expect("it is whole");
        for idx in 0..stored.batch.n_rows() {
            let Value::Int(n) = stored.batch.value(idx, "n") else { panic!("no number") };
            let writer = match (stored.batch.value(idx, "_writer"), stored.batch.value(idx, "_seq")) {
                (Value::Text(writer), Value::Int(seq)) => Some((writer.parse().expect("an id"), seq as Seq)),
                (Value::Null, Value::Null) => None,
                other => panic!("a writer and its number come together: {other:?}"),
            };
            assert!(matches!(stored.batch.value(idx, "_received"), Value::Time(_)));
            rows.push((stored.first_offset + idx as Offset, (n, writer)));
        }
    }
    rows
}

/// The frames that were told of, by table.
type Published = Arc<Mutex<HashMap<TableName, Vec<Frame>>>>;

fn open(folder: &Folder, published: &Published) -> SqliteJournal {
    let limits = Config::try_parse_from(["streamtable-server"]).expect("every flag has a default").limits;
    let published = Arc::clone(published);
    let on_event = Box::new(move |event: JournalEvent<'_>| {
        let mut published = published.lock().expect("no test panics with it");
        match event {
            JournalEvent::Stored(table, frame) => published.entry(table.clone()).or_default().push(frame.clone()),
            JournalEvent::Deleted(table) => drop(published.remove(table)),
        }
    });
    SqliteJournal::open(&folder.0, &limits, Retention::default(), on_event).expect("the folder can be written")
}

/// Reads a table's rows from one on, in several reads.
fn read(journal: &SqliteJournal, table: u8, from: Offset) -> Vec<(Offset, Kept)> {
    let end = journal.table(&name(table)).map_or(0, |table| table.next_offset);
    let (mut rows, mut at) = (Vec::new(), from);
    while at < end {
        let frames = journal.read(&name(table), at..end, 200).expect("it is whole");
        rows.extend(kept(&frames));
        at = frames.last().expect("there are more").end_offset();
    }
    rows.retain(|(offset, _)| *offset >= from);
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_numbered_row_is_kept_once_and_in_order(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
        let (folder, published) = (Folder::new(), Published::default());
        let mut journal = open(&folder, &published);
        let mut oracle = Oracle::default();
        for step in steps {
            match step {
                Step::Append(requests) => {
                    let take = |request: &Request| {
                        let (append, expect) = oracle.take(&journal, request);
                        (journal.append(append), expect)
                    };
                    let taken: Vec<_> = requests.iter().map(take).collect();
                    for (answer, expect) in taken {
                        prop_assert_eq!(runtime.block_on(answer), Ok(expect));
                    }
                }
                Step::Reopen => {
                    drop(journal);
                    journal = open(&folder, &published);
                }
                Step::Read(table, at) => {
                    let from = at.index(oracle.rows(table, 0).len() + 1);
                    let read = read(&journal, table, from as Offset);
                    let first_offset = oracle.first_offset(&journal, table) as usize;
                    // Rows may have gone in between.
                    let skipped = read.iter().filter(|(offset, _)| (*offset as usize) < first_offset).count();
                    prop_assert_eq!(&read[skipped..], oracle.rows(table, from.max(first_offset)));
                }
                Step::Keep(table, n_rows) => {
                    let retention = Retention { max_rows: n_rows, ..Retention::default() };
                    let is_set = runtime.block_on(journal.set_retention(&name(table), Some(retention)));
                    prop_assert_eq!(&is_set, &Ok(oracle.tables.contains_key(&table)));
                    if let (Ok(true), Some(n_rows)) = (is_set, n_rows) {
                        let kept = oracle.kept.entry(table).or_insert(n_rows);
                        *kept = n_rows.min(*kept);
                    }
                }
                Step::TidyUp => {
                    journal.tidy_up().unwrap();
                    for table in journal.tables() {
                        let n_rows = table.next_offset - table.first_offset;
                        let max = table.retention.and_then(|kept| kept.max_rows);
                        // A frame of this test has no more than a group of requests, and none is joined with so many.
                        prop_assert!(max.is_none_or(|max| n_rows < max + 64 * 40), "{n_rows} rows of {max:?} are left");
                    }
                }
                Step::Delete(table) => {
                    let is_deleted = runtime.block_on(journal.delete(&name(table)));
                    prop_assert_eq!(is_deleted, Ok(oracle.delete(table)));
                    prop_assert!(journal.table(&name(table)).is_none());
                }
            }
        }
        drop(journal);
        let journal = open(&folder, &Published::default());
        let published = published.lock().expect("no test panics with it");
        for table in 0..N_TABLES {
            let first_offset = oracle.first_offset(&journal, table);
            prop_assert_eq!(read(&journal, table, first_offset), oracle.rows(table, first_offset as usize));
            let told = published.get(&name(table)).map(|frames| kept(frames)).unwrap_or_default();
            prop_assert_eq!(told, oracle.rows(table, 0), "each frame is told of once, in order");
        }
    }
}
