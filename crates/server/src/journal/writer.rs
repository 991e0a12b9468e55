//! The one thread that writes: whatever waits becomes one transaction, then one fsync, then many answers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, MutexGuard, PoisonError};

use bytes::Bytes;
use model::{Batch, Bitmap, Cells, Column, Offset, Seq, Strings, TableName, WriterId, system_column};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::frames::Joiner;
use super::place::{Place, Places};
use super::schema::checksum;
use super::sqlite::{KnownTable, Shared};
use super::{Append, Appended, Frame, JournalError, OnCommit, Origin, TableState};
use crate::clock::now_micros;

/// The most rows' bytes, as they came, in one transaction.
const MAX_GROUP_BYTES: usize = 16 << 20;
/// The most appends in one transaction.
const MAX_GROUP_JOBS: usize = 4096;
/// After a panic so many appends are written each by itself, so that the one at fault harms no other.
const N_ALONE_AFTER_PANIC: usize = 256;

/// An append with the one who waits for it.
pub(super) struct Job {
    /// `None` only moves past a message of a stream.
    pub(super) append: Option<Append>,
    /// Where it stands in a stream, in a journal that follows one.
    pub(super) place: Option<Place>,
    pub(super) answer: oneshot::Sender<Result<Appended, JournalError>>,
}

pub(super) struct Writer {
    conn: Connection,
    shared: Arc<Shared>,
    on_commit: OnCommit,
    n_alone: usize,
}

impl Job {
    fn n_bytes(&self) -> usize {
        self.append.as_ref().map_or(0, |append| append.reservation.n_bytes())
    }
}

impl Writer {
    pub(super) fn new(conn: Connection, shared: Arc<Shared>, on_commit: OnCommit) -> Self {
        Self { conn, shared, on_commit, n_alone: 0 }
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut n_bytes = first.n_bytes();
            let mut group = vec![first];
            let max_jobs = if self.n_alone > 0 { 1 } else { MAX_GROUP_JOBS };
            self.n_alone = self.n_alone.saturating_sub(1);
            while n_bytes < MAX_GROUP_BYTES && group.len() < max_jobs {
                match jobs.recv_timeout(std::time::Duration::ZERO) {
                    Ok(job) => {
                        n_bytes += job.n_bytes();
                        group.push(job);
                    }
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                }
            }
            self.write(group);
        }
        // The log is folded into the file, so that a copy of the file alone is the whole journal.
        if let Err(error) = self.conn.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(())) {
            tracing::warn!(%error, "the journal's log was not folded in");
        }
    }

    fn write(&mut self, group: Vec<Job>) {
        let (mut works, mut answers, mut ahead) = (Vec::new(), Vec::new(), HashMap::new());
        for job in group {
            match self.places().admit(job.place.as_ref(), &mut ahead) {
                Ok(()) => {
                    works.push((job.append, job.place));
                    answers.push(job.answer);
                }
                // Whoever went away need not know.
                Err(error) => drop(job.answer.send(Err(error))),
            }
        }
        let result = self.shared.check().and_then(|()| {
            let caught = catch_unwind(AssertUnwindSafe(|| commit(&mut self.conn, &self.shared, &works, &ahead)));
            caught.unwrap_or_else(|_| {
                self.n_alone = N_ALONE_AFTER_PANIC;
                Err(JournalError::Internal("writing them panicked".to_owned()))
            })
        });
        match result {
            Ok((appended, changes)) => {
                self.places().advance(ahead);
                self.publish(changes);
                for (answer, appended) in answers.into_iter().zip(appended) {
                    // Whoever went away will ask again.
                    let _ = answer.send(Ok(appended));
                }
            }
            Err(error) => {
                tracing::error!(%error, n_appends = answers.len(), "rows were not written");
                if let JournalError::Failed(reason) = &error {
                    *self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
                }
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.shared.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, changes: Vec<Change>) {
        for change in changes {
            let name = change.table.state.name.clone();
            self.shared.tables.write().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), change.table);
            for frame in &change.frames {
                (self.on_commit)(&name, frame);
            }
        }
    }
}

/// What a transaction did to a table.
struct Change {
    table: KnownTable,
    frames: Vec<Frame>,
}

/// A table within a transaction.
struct Pending<'a> {
    id: i64,
    state: TableState,
    schema_changed: bool,
    writers: HashMap<WriterId, (Seq, bool)>,
    joiner: Joiner<'a>,
    system: SystemCells,
    /// The frames that were made, each with the time its last row came.
    frames: Vec<(Frame, i64)>,
}

type Committed = (Vec<Appended>, Vec<Change>);
type Work = (Option<Append>, Option<Place>);

fn commit(
    conn: &mut Connection,
    shared: &Shared,
    works: &[Work],
    ahead: &HashMap<u32, u64>,
) -> Result<Committed, JournalError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| write_error(&error))?;
    let now = now_micros();
    let mut by_name: HashMap<&TableName, Pending<'_>> = HashMap::new();
    let mut appended = Vec::with_capacity(works.len());
    let mut order = Vec::new();
    let work = (|| -> rusqlite::Result<()> {
        for (append, place) in works {
            let Some(append) = append else {
                appended.push(Appended { n_stored: 0, n_duplicate: 0, first_offset: None });
                continue;
            };
            let place = place.as_ref();
            if append.origin.is_none() && !place.map_or(Ok(true), |place| Places::advance_lane(&tx, place))? {
                let n_duplicate = append.batches.iter().map(|batch| batch.n_rows() as u64).sum();
                appended.push(Appended { n_stored: 0, n_duplicate, first_offset: None });
                continue;
            }
            if !by_name.contains_key(&append.table) {
                order.push(&append.table);
                by_name.insert(&append.table, Pending::open(&tx, shared, &append.table)?);
            }
            let table = by_name.get_mut(&append.table).expect("it was put there just now");
            appended.push(table.take(&tx, append, place.map_or(now, |place| place.received_micros))?);
        }
        for name in &order {
            by_name.get_mut(name).expect("each was put there").store(&tx)?;
        }
        Places::store(&tx, ahead)
    })();
    work.map_err(|error| write_error(&error))?;
    tx.commit().map_err(|error| write_error(&error))?;
    let changes = order.iter().filter_map(|name| by_name.remove(name)).map(Pending::into_change).collect();
    Ok((appended, changes))
}

/// A full disk passes; after any other failure to write, what is on disk is unknown and must be read afresh.
fn write_error(error: &rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalError::DiskFull,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OutOfMemory) => {
            JournalError::Store(error.to_string())
        }
        _ => JournalError::Failed(error.to_string()),
    }
}

impl<'a> Pending<'a> {
    fn open(tx: &Transaction<'_>, shared: &Shared, name: &TableName) -> rusqlite::Result<Self> {
        let (id, state) = match shared.find(name) {
            Some(table) => (table.id, TableState::clone(&table.state)),
            None => {
                tx.prepare_cached("INSERT INTO tables (name, next_offset, n_bytes) VALUES (?1, 0, 0)")?
                    .execute([name.to_string()])?;
                let state = TableState {
                    name: name.clone(),
                    next_offset: 0,
                    n_bytes: 0,
                    last_received_micros: None,
                    schema: Arc::default(),
                };
                (tx.last_insert_rowid(), state)
            }
        };
        Ok(Self {
            id,
            state,
            schema_changed: false,
            writers: HashMap::new(),
            joiner: Joiner::default(),
            system: SystemCells::default(),
            frames: Vec::new(),
        })
    }

    /// Takes the rows of an append that are new.
    fn take(&mut self, tx: &Transaction<'_>, append: &'a Append, received: i64) -> rusqlite::Result<Appended> {
        let n_known = match &append.origin {
            Some(origin) => self.advance(tx, origin)?,
            None => 0,
        };
        let first_offset = self.state.next_offset;
        let mut n_before = 0;
        for batch in &append.batches {
            let skip = n_known.saturating_sub(n_before).min(batch.n_rows());
            let range = skip..batch.n_rows();
            if range.is_empty() {
                n_before += batch.n_rows();
                continue;
            }
            if !self.joiner.fits(batch, range.len()) {
                self.flush();
            }
            let seqs = append
                .origin
                .as_ref()
                .map(|origin| (origin.writer, &origin.seqs[n_before + range.start..n_before + range.end]));
            self.system.push(seqs, range.len(), received);
            self.state.next_offset += range.len() as Offset;
            self.joiner.push(batch, range);
            n_before += batch.n_rows();
        }
        let n_stored = self.state.next_offset - first_offset;
        if n_stored > 0 {
            self.state.last_received_micros = Some(received);
        }
        Ok(Appended { n_stored, n_duplicate: n_known as u64, first_offset: (n_stored > 0).then_some(first_offset) })
    }

    /// Moves the writer's last number on; says how many of the rows are at or below the one before.
    fn advance(&mut self, tx: &Transaction<'_>, origin: &Origin) -> rusqlite::Result<usize> {
        let last = match self.writers.get(&origin.writer) {
            Some((last, _)) => *last,
            None => tx
                .prepare_cached("SELECT last_seq FROM writers WHERE table_id = ?1 AND writer = ?2")?
                .query_row(params![self.id, origin.writer.as_bytes()], |row| row.get::<_, i64>(0))
                .optional()?
                .map_or(0, |seq| seq as Seq),
        };
        let moved = origin.last_seq > last;
        let entry = self.writers.entry(origin.writer).or_insert((last, false));
        *entry = (last.max(origin.last_seq), entry.1 || moved);
        Ok(origin.seqs.partition_point(|seq| *seq <= last))
    }

    /// Makes a frame of what was gathered.
    fn flush(&mut self) {
        let n_rows = self.joiner.n_rows();
        if n_rows == 0 {
            return;
        }
        // The rows gathered are the last that were numbered; those of the batch at hand are not counted yet.
        let first_offset = self.state.next_offset - n_rows as Offset;
        let mut batch = std::mem::take(&mut self.joiner).finish();
        self.schema_changed |= merge_schema(&batch, &mut self.state);
        let received = self.system.received.last().copied().unwrap_or_default();
        for column in std::mem::take(&mut self.system).into_columns() {
            batch.add_column(column);
        }
        let bytes = Bytes::from(wire::arrow::encode_frame(first_offset, &batch));
        self.state.n_bytes += bytes.len() as u64;
        self.frames.push((Frame { first_offset, n_rows: n_rows as u64, bytes }, received));
    }

    /// Puts everything into the transaction.
    fn store(&mut self, tx: &Transaction<'_>) -> rusqlite::Result<()> {
        self.flush();
        for (writer, (last_seq, moved)) in &self.writers {
            if *moved {
                tx.prepare_cached("INSERT OR REPLACE INTO writers (table_id, writer, last_seq) VALUES (?1, ?2, ?3)")?
                    .execute(params![self.id, writer.as_bytes(), *last_seq as i64])?;
            }
        }
        if self.frames.is_empty() {
            return Ok(());
        }
        for (frame, received) in &self.frames {
            let sum = checksum(self.id, frame.first_offset, frame.n_rows, &frame.bytes);
            tx.prepare_cached(
                "INSERT INTO batches (table_id, first_offset, n_rows, received, crc32, frame)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.id,
                frame.first_offset as i64,
                frame.n_rows as i64,
                received,
                sum,
                &frame.bytes[..]
            ])?;
        }
        if self.schema_changed {
            for (idx, column) in self.state.schema.columns().iter().enumerate() {
                tx.prepare_cached(
                    "INSERT OR REPLACE INTO columns (table_id, idx, name, type) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![self.id, idx as i64, column.name, column.column_type.name()])?;
            }
        }
        tx.prepare_cached("UPDATE tables SET next_offset = ?2, n_bytes = ?3, last_received = ?4 WHERE id = ?1")?
            .execute(params![
                self.id,
                self.state.next_offset as i64,
                self.state.n_bytes as i64,
                self.state.last_received_micros
            ])?;
        Ok(())
    }

    fn into_change(self) -> Change {
        let frames = self.frames.into_iter().map(|(frame, _)| frame).collect();
        Change { table: KnownTable { id: self.id, state: Arc::new(self.state) }, frames }
    }
}

/// Merges the batch's columns into the table's; the schema is copied only when it changes.
fn merge_schema(batch: &Batch, state: &mut TableState) -> bool {
    let mut schema = model::Schema::clone(&state.schema);
    let changed = batch.merge_schema(&mut schema);
    if changed {
        state.schema = Arc::new(schema);
    }
    changed
}

/// The system's cells for the rows gathered.
#[derive(Default)]
struct SystemCells {
    writers: Strings,
    seqs: Vec<i64>,
    known: Bitmap,
    received: Vec<i64>,
}

impl SystemCells {
    fn push(&mut self, origin: Option<(WriterId, &[Seq])>, n_rows: usize, received: i64) {
        self.received.resize(self.received.len() + n_rows, received);
        self.known.extend_repeat(origin.is_some(), n_rows);
        match origin {
            Some((writer, seqs)) => {
                let writer = writer.to_string();
                seqs.iter().for_each(|_| self.writers.push(&writer));
                self.seqs.extend(seqs.iter().map(|seq| *seq as i64));
            }
            None => {
                (0..n_rows).for_each(|_| self.writers.push(""));
                self.seqs.resize(self.seqs.len() + n_rows, 0);
            }
        }
    }

    /// `_writer` and `_seq` are null in rows that came without.
    fn into_columns(self) -> [Column; 3] {
        let n_rows = self.known.len();
        let validity = (self.known.count_ones() < n_rows).then_some(self.known);
        [
            Column::new(system_column::WRITER.to_owned(), Cells::Text(self.writers), validity.clone()),
            Column::new(system_column::SEQ.to_owned(), Cells::Int(self.seqs), validity),
            Column::new(system_column::RECEIVED.to_owned(), Cells::Time(self.received), None),
        ]
    }
}
