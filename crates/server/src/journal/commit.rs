//! The transaction that keeps rows: each table's appends become one frame or few, with the writers' numbers and the schema.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use model::{Batch, Bitmap, Cells, Column, Offset, Seq, Strings, TableName, WriterId, system_column};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::frames::Joiner;
use super::schema::insert_frame;
use super::sqlite::{KnownTable, Shared};
use super::writer::write_error;
use super::{Append, Appended, Frame, JournalError, Origin, TableState};
use crate::clock::now_micros;

/// What a transaction did to a table.
pub(super) struct Change {
    pub(super) table: KnownTable,
    pub(super) frames: Vec<Frame>,
}

/// A table within a transaction.
struct Pending<'a> {
    id: i64,
    n_frames_before: u64,
    state: TableState,
    schema_changed: bool,
    writers: HashMap<WriterId, (Seq, bool)>,
    joiner: Joiner<'a>,
    system: SystemCells,
    frames: Vec<Frame>,
}

type Committed = (Vec<Appended>, Vec<Change>);

/// Keeps the rows of all appends, or of none.
pub(super) fn commit(conn: &mut Connection, shared: &Shared, appends: &[Append]) -> Result<Committed, JournalError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| write_error(&error))?;
    let received = now_micros();
    let mut by_name: HashMap<&TableName, Pending<'_>> = HashMap::new();
    let mut appended = Vec::with_capacity(appends.len());
    let mut order = Vec::new();
    let work = (|| -> rusqlite::Result<()> {
        for append in appends {
            if !by_name.contains_key(&append.table) {
                order.push(&append.table);
                by_name.insert(&append.table, Pending::open(&tx, shared, &append.table)?);
            }
            let table = by_name.get_mut(&append.table).expect("it was put there just now");
            appended.push(table.take(&tx, append, received)?);
        }
        for name in &order {
            by_name.get_mut(name).expect("each was put there").store(&tx, received)?;
        }
        Ok(())
    })();
    work.map_err(|error| write_error(&error))?;
    tx.commit().map_err(|error| write_error(&error))?;
    let changes = order.iter().filter_map(|name| by_name.remove(name)).map(Pending::into_change).collect();
    Ok((appended, changes))
}

impl<'a> Pending<'a> {
    fn open(tx: &Transaction<'_>, shared: &Shared, name: &TableName) -> rusqlite::Result<Self> {
        let (id, n_frames_before, state) = match shared.find(name) {
            Some(table) => (table.id, table.n_frames, TableState::clone(&table.state)),
            None => {
                let (id, created) = (shared.new_id(), now_micros());
                tx.prepare_cached(
                    "INSERT INTO tables (id, name, next_offset, n_bytes, created) VALUES (?1, ?2, 0, 0, ?3)",
                )?
                .execute(params![id, name.to_string(), created])?;
                let state = TableState {
                    name: name.clone(),
                    created_micros: created,
                    first_offset: 0,
                    next_offset: 0,
                    n_bytes: 0,
                    last_received_micros: None,
                    schema: Arc::default(),
                    retention: None,
                };
                (id, 0, state)
            }
        };
        Ok(Self {
            id,
            n_frames_before,
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
                self.flush(received);
            }
            let seqs = append
                .origin
                .as_ref()
                .map(|origin| (origin.writer, &origin.seqs[n_before + range.start..n_before + range.end]));
            self.system.push(seqs, range.len());
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
    fn flush(&mut self, received: i64) {
        let n_rows = self.joiner.n_rows();
        if n_rows == 0 {
            return;
        }
        // The rows gathered are the last that were numbered; those of the batch at hand are not counted yet.
        let first_offset = self.state.next_offset - n_rows as Offset;
        let mut batch = std::mem::take(&mut self.joiner).finish();
        self.schema_changed |= merge_schema(&batch, &mut self.state);
        for column in std::mem::take(&mut self.system).into_columns(received) {
            batch.add_column(column);
        }
        let bytes = Bytes::from(wire::arrow::encode_frame(first_offset, &batch));
        self.state.n_bytes += bytes.len() as u64;
        self.frames.push(Frame { first_offset, n_rows: n_rows as u64, bytes });
    }

    /// Puts everything into the transaction.
    fn store(&mut self, tx: &Transaction<'_>, received: i64) -> rusqlite::Result<()> {
        self.flush(received);
        for (writer, (last_seq, moved)) in &self.writers {
            if *moved {
                tx.prepare_cached("INSERT OR REPLACE INTO writers (table_id, writer, last_seq) VALUES (?1, ?2, ?3)")?
                    .execute(params![self.id, writer.as_bytes(), *last_seq as i64])?;
            }
        }
        if self.frames.is_empty() {
            return Ok(());
        }
        for frame in &self.frames {
            insert_frame(tx, self.id, frame, received)?;
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
        let n_frames = self.n_frames_before + self.frames.len() as u64;
        let table = KnownTable { id: self.id, n_frames, state: Arc::new(self.state) };
        Change { table, frames: self.frames }
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
}

impl SystemCells {
    fn push(&mut self, origin: Option<(WriterId, &[Seq])>, n_rows: usize) {
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
    fn into_columns(self, received: i64) -> [Column; 3] {
        let n_rows = self.known.len();
        let validity = (self.known.count_ones() < n_rows).then_some(self.known);
        [
            Column::new(system_column::WRITER.to_owned(), Cells::Text(self.writers), validity.clone()),
            Column::new(system_column::SEQ.to_owned(), Cells::Int(self.seqs), validity),
            Column::new(system_column::RECEIVED.to_owned(), Cells::Time(vec![received; n_rows]), None),
        ]
    }
}
