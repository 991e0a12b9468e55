//! The SQLite file: its tables, its version, how it is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::{Frame, JournalError};

/// Marks the file as ours: "StTb".
const APPLICATION_ID: i64 = 0x5374_5462;
/// The format that this code writes. It also reads all before, which [`migrate`] brings up to date.
const FORMAT: i64 = 2;

/// `batches.frame` is a frame of `wire::arrow` with the system columns `_writer`, `_seq` and `_received`; the offsets
/// follow from `first_offset`, and `received` is that of the newest row. `crc32` covers the place and the frame, see
/// [`checksum`].
///
/// A table that was deleted keeps its row, with a name that is none, until its batches are gone. One without a row in
/// `retention` follows the server's default.
const DDL: &str = "
CREATE TABLE tables (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    next_offset INTEGER NOT NULL,
    n_bytes INTEGER NOT NULL,
    last_received INTEGER,
    first_offset INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE retention (
    table_id INTEGER PRIMARY KEY REFERENCES tables (id),
    max_age_seconds INTEGER,
    max_rows INTEGER,
    max_bytes INTEGER
) STRICT;
CREATE TABLE columns (
    table_id INTEGER NOT NULL REFERENCES tables (id),
    idx INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (table_id, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    table_id INTEGER NOT NULL REFERENCES tables (id),
    first_offset INTEGER NOT NULL,
    n_rows INTEGER NOT NULL,
    received INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    frame BLOB NOT NULL,
    UNIQUE (table_id, first_offset)
) STRICT;
CREATE TABLE writers (
    table_id INTEGER NOT NULL REFERENCES tables (id),
    writer BLOB NOT NULL,
    last_seq INTEGER NOT NULL,
    PRIMARY KEY (table_id, writer)
) STRICT, WITHOUT ROWID;
";

/// Opens the file for writing, and makes it when it is not there. `max_bytes` bounds it; 0 does not.
pub(super) fn open_writer(path: &Path, max_bytes: u64) -> Result<Connection, JournalError> {
    let open = |path: &Path| -> rusqlite::Result<Connection> {
        let conn = Connection::open(path)?;
        conn.busy_timeout(Duration::from_secs(10))?;
        // What is written before the file has a log goes by a journal whose removal commits it. If that came back after a
        // loss of power, it would undo part of what was written since; so its folder is synced too.
        conn.pragma_update(None, "synchronous", "EXTRA")?;
        Ok(conn)
    };
    let failed = |error: rusqlite::Error| open_error(&error, path);
    let mut conn = open(path).map_err(failed)?;
    let found = check_format(&conn, path)?;
    if found == 0 {
        create(&mut conn).map_err(failed)?;
    } else {
        migrate(&mut conn, found).map_err(failed)?;
    }
    configure(&conn, max_bytes).map_err(failed)?;
    Ok(conn)
}

/// The format of a file that is ours and not of a later version; 0 for one that is empty yet.
pub(super) fn check_format(conn: &Connection, path: &Path) -> Result<i64, JournalError> {
    let number =
        |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(|error| open_error(&error, path));
    let application_id = number("PRAGMA application_id")?;
    let is_new = number("SELECT count(*) FROM sqlite_schema")? == 0 && application_id == 0;
    if !is_new && application_id != APPLICATION_ID {
        return Err(JournalError::Foreign(path.to_owned()));
    }
    let found = number("PRAGMA user_version")?;
    if found > FORMAT {
        return Err(JournalError::TooNew { path: path.to_owned(), found, known: FORMAT });
    }
    Ok(if is_new { 0 } else { found.max(1) })
}

fn open_error(error: &rusqlite::Error, path: &Path) -> JournalError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => JournalError::Foreign(path.to_owned()),
        _ => JournalError::Open { path: path.to_owned(), reason: error.to_string() },
    }
}

fn create(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "page_size", 8192)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(DDL)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}

/// What was added to the format since version 1. A table was made when its first rows came.
const FROM_1: &str = "
ALTER TABLE tables ADD COLUMN first_offset INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tables ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
UPDATE tables SET created = COALESCE(
    (SELECT received FROM batches WHERE table_id = tables.id ORDER BY first_offset LIMIT 1), last_received, 0);
CREATE TABLE retention (
    table_id INTEGER PRIMARY KEY REFERENCES tables (id),
    max_age_seconds INTEGER,
    max_rows INTEGER,
    max_bytes INTEGER
) STRICT;
";

/// Brings a file of an earlier format up to date, all at once or not at all.
fn migrate(conn: &mut Connection, found: i64) -> rusqlite::Result<()> {
    if found == FORMAT {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(FROM_1)?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}

fn configure(conn: &Connection, max_bytes: u64) -> rusqlite::Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // The writer does it, since SQLite itself would pass over a disk that failed in the middle of it.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    no_checkpoint_on_close(conn)?;
    if max_bytes > 0 {
        let page_bytes: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let n_pages = i64::try_from(max_bytes).unwrap_or(i64::MAX) / page_bytes.max(1);
        conn.pragma_update_and_check(None, "max_page_count", n_pages.max(1), |_| Ok(()))?;
    }
    conn.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Opens the file for reading beside the writer.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(10))?;
    conn.pragma_update(None, "query_only", true)?;
    no_checkpoint_on_close(&conn)?;
    Ok(conn)
}

/// Closing must not write: not after a write that failed, and not from a reader.
fn no_checkpoint_on_close(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(drop)
}

/// Closing may write, since all is well.
pub(super) fn allow_checkpoint_on_close(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map(drop)
}

/// The name that a deleted table has: none that a table could have.
pub(super) fn deleted_name(table_id: i64) -> String {
    format!("/{table_id}")
}

/// Puts a frame into its place; its newest row was received at `received_micros`.
pub(super) fn insert_frame(
    conn: &Connection,
    table_id: i64,
    frame: &Frame,
    received_micros: i64,
) -> rusqlite::Result<()> {
    let sum = checksum(table_id, frame.first_offset, frame.n_rows, &frame.bytes);
    conn.prepare_cached(
        "INSERT INTO batches (table_id, first_offset, n_rows, received, crc32, frame) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![table_id, frame.first_offset as i64, frame.n_rows as i64, received_micros, sum, &frame.bytes[..]])
    .map(drop)
}

/// The sum by which damage to a stored batch is known.
pub(super) fn checksum(table_id: i64, first_offset: u64, n_rows: u64, frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&table_id.to_le_bytes());
    hasher.update(&first_offset.to_le_bytes());
    hasher.update(&n_rows.to_le_bytes());
    hasher.update(frame);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer promises that the rows survive a power cut, which no test on a running machine can see.
    #[test]
    fn a_commit_waits_for_the_disk() {
        let path = std::env::temp_dir().join(format!("streamtable-schema-{}.db", std::process::id()));
        for _ in ["made", "opened again"] {
            let conn = open_writer(&path, 0).expect("it can be written");
            let synchronous: i64 = conn.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            let mode: String = conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!((synchronous, mode.as_str()), (2, "wal"), "2 is FULL");
        }
        std::fs::remove_file(&path).expect("it is there");
    }
}
