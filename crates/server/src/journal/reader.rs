//! Reading frames back, on connections of their own.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use model::Offset;
use rusqlite::{Connection, ErrorCode, params};

use super::merge::Span;
use super::schema::{checksum, open_reader};
use super::{Frame, JournalError, MAX_FRAME_ROWS};

/// Connections kept open for the next reader.
const MAX_IDLE: usize = 8;

/// Connections that read the file.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Closes the connections that wait.
    pub(super) fn close(&self) {
        self.idle().clear();
    }

    /// As [`super::Journal::read`].
    pub(super) fn read(
        &self,
        table_id: i64,
        range: Range<Offset>,
        max_bytes: usize,
    ) -> Result<Vec<Frame>, JournalError> {
        self.with_connection(range.start, |conn| read(conn, table_id, range, max_bytes))
    }

    /// A table's frames from the one that starts at `from` on, or after it; `max` of them, and nothing of their rows.
    pub(super) fn spans(&self, table_id: i64, from: Offset, max: usize) -> Result<Vec<Span>, JournalError> {
        self.with_connection(from, |conn| spans(conn, table_id, from, max).map_err(|error| read_error(&error, from)))
    }

    fn with_connection<T>(
        &self,
        at: Offset,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let idle = self.idle().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => open_reader(&self.path).map_err(|error| read_error(&error, at))?,
        };
        let done = work(&conn)?;
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(conn);
        }
        Ok(done)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        // A list of connections cannot be left half changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(conn: &Connection, table_id: i64, range: Range<Offset>, max_bytes: usize) -> Result<Vec<Frame>, JournalError> {
    const SQL: &str = "SELECT first_offset, n_rows, crc32, frame FROM batches WHERE table_id = ?1 AND first_offset < ?3
        AND first_offset >= COALESCE((SELECT MAX(first_offset) FROM batches WHERE table_id = ?1 AND first_offset <= ?2), 0)
        ORDER BY first_offset";
    let mut next = range.start;
    let mut frames = Vec::new();
    let (mut n_rows, mut n_bytes) = (0, 0);
    let result = (|| {
        let mut statement = conn.prepare_cached(SQL)?;
        let mut rows = statement.query(params![table_id, to_i64(range.start), to_i64(range.end)])?;
        while let Some(row) = rows.next()? {
            let (first_offset, frame_rows) = (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64);
            let bytes = Bytes::from(row.get::<_, Vec<u8>>(3)?);
            let sum = i64::from(checksum(table_id, first_offset, frame_rows, &bytes));
            if sum != row.get::<_, i64>(2)? {
                return Ok(Some("their checksum does not fit"));
            }
            let frame = Frame { first_offset, n_rows: frame_rows, bytes };
            if first_offset > next || frame.end_offset() <= next {
                return Ok(Some("rows are missing"));
            }
            next = frame.end_offset();
            n_rows += frame.n_rows;
            n_bytes += frame.bytes.len();
            frames.push(frame);
            if n_rows >= MAX_FRAME_ROWS || n_bytes >= max_bytes || next >= range.end {
                break;
            }
        }
        Ok(None)
    })();
    let reason = result.map_err(|error: rusqlite::Error| read_error(&error, next))?;
    match reason {
        // What was read before the damage is good; whoever goes on from there meets the damage first.
        Some(_) if !frames.is_empty() => Ok(frames),
        Some(reason) => Err(JournalError::Damaged { offset: next, reason: reason.to_owned() }),
        None if frames.is_empty() && !range.is_empty() => {
            Err(JournalError::Damaged { offset: next, reason: "rows are missing".to_owned() })
        }
        None => Ok(frames),
    }
}

fn spans(conn: &Connection, table_id: i64, from: Offset, max: usize) -> rusqlite::Result<Vec<Span>> {
    let mut statement = conn.prepare_cached(
        "SELECT first_offset, n_rows, length(frame), received FROM batches WHERE table_id = ?1 AND first_offset >= ?2
        ORDER BY first_offset LIMIT ?3",
    )?;
    let rows = statement.query_map(params![table_id, to_i64(from), max as i64], |row| {
        Ok(Span {
            first_offset: row.get::<_, i64>(0)? as u64,
            n_rows: row.get::<_, i64>(1)? as u64,
            n_bytes: row.get::<_, i64>(2)? as u64,
            received_micros: row.get(3)?,
        })
    })?;
    rows.collect()
}

fn to_i64(offset: Offset) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

fn read_error(error: &rusqlite::Error, offset: Offset) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            JournalError::Damaged { offset, reason: error.to_string() }
        }
        _ => JournalError::Store(error.to_string()),
    }
}
