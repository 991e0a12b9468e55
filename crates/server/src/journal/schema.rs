//! The SQLite file: its tables, its version, how it is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::JournalError;

/// Marks the file as ours: "StTb".
const APPLICATION_ID: i64 = 0x5374_5462;
/// The format that this code reads and writes.
const FORMAT: i64 = 1;

/// `batches.frame` is a frame of `wire::arrow` with the system columns `_writer`, `_seq` and `_received`; the offsets
/// follow from `first_offset`. `crc32` covers the place and the frame, see [`checksum`].
const DDL: &str = "
CREATE TABLE tables (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    next_offset INTEGER NOT NULL,
    n_bytes INTEGER NOT NULL,
    last_received INTEGER
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
        Ok(conn)
    };
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => JournalError::Foreign(path.to_owned()),
        _ => JournalError::Open { path: path.to_owned(), reason: error.to_string() },
    };
    let mut conn = open(path).map_err(failed)?;
    let pragma = |conn: &Connection, name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application_id = pragma(&conn, "application_id").map_err(failed)?;
    let n_objects: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let is_new = n_objects == 0 && application_id == 0;
    if !is_new && application_id != APPLICATION_ID {
        return Err(JournalError::Foreign(path.to_owned()));
    }
    let found = pragma(&conn, "user_version").map_err(failed)?;
    if found > FORMAT {
        return Err(JournalError::TooNew { path: path.to_owned(), found, known: FORMAT });
    }
    if is_new {
        create(&mut conn).map_err(failed)?;
    }
    configure(&conn, max_bytes).map_err(failed)?;
    Ok(conn)
}

fn create(conn: &mut Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "page_size", 8192)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(DDL)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}

fn configure(conn: &Connection, max_bytes: u64) -> rusqlite::Result<()> {
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // A checkpoint each 32 MiB or so keeps the log short without stopping the writer often.
    conn.pragma_update(None, "wal_autocheckpoint", 4000)?;
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
    Ok(conn)
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
