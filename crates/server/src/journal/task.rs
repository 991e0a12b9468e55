//! What else changes the file than rows that come: each is one transaction of bounded size.

use std::sync::Arc;

use model::{Offset, TableName};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::retention::OldestFrame;
use super::schema::{deleted_name, insert_frame};
use super::sqlite::{KnownTable, Shared};
use super::writer::write_error;
use super::{Frame, JournalError, Retention, TableState};
use crate::clock::now_micros;

/// How many frames go in one step at most, and how many of their bytes, about.
const MAX_STEP_FRAMES: usize = 64;
const MAX_STEP_BYTES: u64 = 8 << 20;
/// How many writers' numbers go in one step at most.
const MAX_STEP_WRITERS: usize = 4096;

/// Something to do.
#[derive(Debug)]
pub(super) enum Task {
    /// Deletes a table: true when there was one. Its rows stay behind, to be swept.
    Delete(TableName),
    /// Says what is kept of a table: true when there is one.
    SetRetention(TableName, Option<Retention>),
    /// Puts one frame in the place of several: true when they were still there.
    Merge(Merged),
    /// Drops a table's oldest rows as its retention says: true when there may be more of them.
    Expire(TableName),
    /// Removes what a deleted table left behind, by its id: true when there may be more of it.
    Sweep(i64),
}

/// A frame that holds the rows of several.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) table_id: i64,
    pub(super) name: TableName,
    /// How many frames it stands for, and their bytes.
    pub(super) n_frames: usize,
    pub(super) n_bytes_before: u64,
    /// When the newest row was received.
    pub(super) received_micros: i64,
    pub(super) frame: Frame,
}

/// What was done, and what there is to say of it.
pub(super) enum Outcome {
    /// What is known of tables has not changed.
    Nothing(bool),
    /// A table changed.
    Changed(KnownTable, bool),
    /// A table was deleted, which had that id.
    Deleted(TableName, i64),
}

/// Does it, or nothing.
pub(super) fn run_task(conn: &mut Connection, shared: &Shared, task: Task) -> Result<Outcome, JournalError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| write_error(&error))?;
    let outcome = match task {
        Task::Delete(name) => delete(&tx, shared, name),
        Task::SetRetention(name, retention) => set_retention(&tx, shared, &name, retention),
        Task::Merge(merged) => merge(&tx, shared, &merged),
        Task::Expire(name) => expire(&tx, shared, &name),
        Task::Sweep(table_id) => sweep(&tx, table_id).map(Outcome::Nothing),
    };
    let outcome = outcome.map_err(|error| write_error(&error))?;
    if !matches!(outcome, Outcome::Nothing(false)) {
        tx.commit().map_err(|error| write_error(&error))?;
    }
    Ok(outcome)
}

fn delete(tx: &Transaction<'_>, shared: &Shared, name: TableName) -> rusqlite::Result<Outcome> {
    let Some(table) = shared.find(&name) else { return Ok(Outcome::Nothing(false)) };
    tx.execute("UPDATE tables SET name = ?2 WHERE id = ?1", params![table.id, deleted_name(table.id)])?;
    tx.execute("DELETE FROM columns WHERE table_id = ?1", [table.id])?;
    tx.execute("DELETE FROM retention WHERE table_id = ?1", [table.id])?;
    Ok(Outcome::Deleted(name, table.id))
}

fn set_retention(
    tx: &Transaction<'_>,
    shared: &Shared,
    name: &TableName,
    retention: Option<Retention>,
) -> rusqlite::Result<Outcome> {
    let Some(table) = shared.find(name) else { return Ok(Outcome::Nothing(false)) };
    let limit = |limit: Option<u64>| limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    match retention {
        Some(kept) => tx.execute(
            "INSERT OR REPLACE INTO retention (table_id, max_age_seconds, max_rows, max_bytes) VALUES (?1, ?2, ?3, ?4)",
            params![table.id, limit(kept.max_age_seconds), limit(kept.max_rows), limit(kept.max_bytes)],
        )?,
        None => tx.execute("DELETE FROM retention WHERE table_id = ?1", [table.id])?,
    };
    Ok(Outcome::Changed(table.with(|state| state.retention = retention), true))
}

fn merge(tx: &Transaction<'_>, shared: &Shared, merged: &Merged) -> rusqlite::Result<Outcome> {
    let (frame, table_id) = (&merged.frame, merged.table_id);
    // Meanwhile the table may have been deleted, or its rows dropped.
    let Some(table) = shared.find(&merged.name).filter(|table| table.id == table_id) else {
        return Ok(Outcome::Nothing(false));
    };
    let n_gone = tx
        .prepare_cached("DELETE FROM batches WHERE table_id = ?1 AND first_offset >= ?2 AND first_offset < ?3")?
        .execute(params![table_id, frame.first_offset as i64, frame.end_offset() as i64])?;
    if n_gone != merged.n_frames || table.state.first_offset > frame.first_offset {
        return Ok(Outcome::Nothing(false));
    }
    insert_frame(tx, table_id, frame, merged.received_micros)?;
    let n_bytes = (table.state.n_bytes + frame.bytes.len() as u64).saturating_sub(merged.n_bytes_before);
    let table = table.with(|state| state.n_bytes = n_bytes);
    store_bounds(tx, table_id, &table.state)?;
    Ok(Outcome::Changed(table, true))
}

fn expire(tx: &Transaction<'_>, shared: &Shared, name: &TableName) -> rusqlite::Result<Outcome> {
    let Some(table) = shared.find(name) else { return Ok(Outcome::Nothing(false)) };
    let retention = table.state.retention.unwrap_or(shared.default_retention);
    let now = now_micros();
    let mut state = TableState::clone(&table.state);
    let mut gone = Vec::new();
    let mut n_bytes_gone = 0;
    let mut may_go_on = false;
    for stored in oldest_frames(tx, table.id)? {
        let oldest = OldestFrame { end_offset: stored.end_offset, received_micros: stored.received_micros };
        if !retention.drops(&state, oldest, now) {
            break;
        }
        state.first_offset = stored.end_offset;
        state.n_bytes = state.n_bytes.saturating_sub(stored.n_bytes);
        n_bytes_gone += stored.n_bytes;
        gone.push(stored.id);
        may_go_on = gone.len() == MAX_STEP_FRAMES || n_bytes_gone >= MAX_STEP_BYTES;
        if may_go_on {
            break;
        }
    }
    if gone.is_empty() {
        return Ok(Outcome::Nothing(false));
    }
    remove_frames(tx, &gone)?;
    store_bounds(tx, table.id, &state)?;
    Ok(Outcome::Changed(KnownTable { state: Arc::new(state), ..table }, may_go_on))
}

fn sweep(tx: &Transaction<'_>, table_id: i64) -> rusqlite::Result<bool> {
    let name = tx.query_row("SELECT name FROM tables WHERE id = ?1", [table_id], |row| row.get::<_, String>(0));
    if name.optional()? != Some(deleted_name(table_id)) {
        return Ok(false);
    }
    let (mut gone, mut n_bytes) = (Vec::new(), 0);
    for frame in oldest_frames(tx, table_id)? {
        gone.push(frame.id);
        n_bytes += frame.n_bytes;
        if n_bytes >= MAX_STEP_BYTES {
            break;
        }
    }
    if !gone.is_empty() {
        remove_frames(tx, &gone)?;
        return Ok(true);
    }
    let n_writers = tx.execute(
        "DELETE FROM writers WHERE table_id = ?1
        AND writer IN (SELECT writer FROM writers WHERE table_id = ?1 LIMIT ?2)",
        params![table_id, MAX_STEP_WRITERS as i64],
    )?;
    if n_writers == MAX_STEP_WRITERS {
        return Ok(true);
    }
    // The last of it. There is something to commit, so the next step is the one that finds nothing.
    Ok(tx.execute("DELETE FROM tables WHERE id = ?1", [table_id])? > 0)
}

/// A frame, but for its rows.
struct StoredFrame {
    id: i64,
    end_offset: Offset,
    received_micros: i64,
    n_bytes: u64,
}

/// A table's first frames.
fn oldest_frames(tx: &Transaction<'_>, table_id: i64) -> rusqlite::Result<Vec<StoredFrame>> {
    let mut statement = tx.prepare_cached(
        "SELECT id, first_offset + n_rows, received, length(frame) FROM batches WHERE table_id = ?1
        ORDER BY first_offset LIMIT ?2",
    )?;
    let rows = statement.query_map(params![table_id, MAX_STEP_FRAMES as i64], |row| {
        Ok(StoredFrame {
            id: row.get(0)?,
            end_offset: row.get::<_, i64>(1)? as Offset,
            received_micros: row.get(2)?,
            n_bytes: row.get::<_, i64>(3)? as u64,
        })
    })?;
    rows.collect()
}

fn remove_frames(tx: &Transaction<'_>, ids: &[i64]) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("DELETE FROM batches WHERE id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute([id]).map(drop))
}

fn store_bounds(tx: &Transaction<'_>, table_id: i64, state: &TableState) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE tables SET first_offset = ?2, n_bytes = ?3 WHERE id = ?1")?
        .execute(params![table_id, state.first_offset as i64, state.n_bytes as i64])
        .map(drop)
}
