//! The file of keys: an SQLite database of its own, so that keys can be made and revoked while a server runs, and so that
//! nothing but the server ever writes to the journal.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags, Row, params};

use super::{Key, KeyLimits, KeysError, Right, Scope};

/// The file in the data folder, where none is named.
pub(super) const FILE_NAME: &str = "keys.db";
/// What tells the file from other SQLite databases: "STky".
const APPLICATION_ID: i32 = 0x5354_6b79;
const FORMAT: i32 = 1;

const SCHEMA: &str = "
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL,
    access TEXT NOT NULL,
    entity TEXT NOT NULL,
    project TEXT,
    origins TEXT NOT NULL,
    max_requests_per_second INTEGER,
    max_rows_per_second INTEGER,
    max_row_bytes INTEGER,
    max_columns INTEGER,
    max_table_bytes INTEGER,
    created_micros INTEGER NOT NULL,
    revoked_micros INTEGER
) STRICT;
";

/// Where SQLite counts the commits of a file, in its first bytes.
const CHANGE_COUNTER: std::ops::Range<usize> = 24..28;

/// What changes with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    n_changes: [u8; 4],
    n_bytes: u64,
    modified: Option<SystemTime>,
}

/// A file of keys, which need not exist.
#[derive(Clone, Debug)]
pub(super) struct KeyFile(PathBuf);

impl KeyFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn fault(&self, error: impl std::fmt::Display) -> KeysError {
        KeysError { path: self.0.clone(), reason: error.to_string() }
    }

    /// Tells whether the file changed; `None` where there is none.
    pub(super) fn mark(&self) -> Result<Option<Mark>, KeysError> {
        let mut file = match std::fs::File::open(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| self.fault(error))?,
        };
        let mut head = [0; CHANGE_COUNTER.end];
        let n_read = file.read(&mut head).map_err(|error| self.fault(error))?;
        let about = file.metadata().map_err(|error| self.fault(error))?;
        // A file that is still being made has no keys.
        if n_read < head.len() {
            return Ok(None);
        }
        let n_changes = head[CHANGE_COUNTER].try_into().unwrap_or_default();
        Ok(Some(Mark { n_changes, n_bytes: about.len(), modified: about.modified().ok() }))
    }

    /// Every key, the revoked ones too, the oldest first. The file must exist.
    pub(super) fn read(&self) -> Result<Vec<Key>, KeysError> {
        // An interrupted commit of another process is rolled back by the next who reads, for which the file must be writable;
        // where it is not, as one that is mounted, nobody writes.
        let conn = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE).or_else(|error| match error {
            error if error.reason.contains("readonly") => self.open(OpenFlags::SQLITE_OPEN_READ_ONLY),
            error => Err(error),
        })?;
        self.check_format(&conn)?;
        let read = || {
            let mut select = conn.prepare("SELECT * FROM keys ORDER BY created_micros, id")?;
            select.query_map([], key_of)?.collect::<rusqlite::Result<Vec<Key>>>()
        };
        read().map_err(|error| self.fault(error))
    }

    /// Adds a key, and comes back when it would survive a power cut.
    pub(super) fn add(&self, key: &Key) -> Result<(), KeysError> {
        let conn = self.open_to_write(true)?;
        let Key { id, hash, right, scope, origins, limits, created_micros, revoked_micros } = key;
        let insert = "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let number = |number: Option<u64>| number.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        let values = params![
            id,
            hash,
            right.name(),
            scope.entity,
            scope.project,
            origins.join(" "),
            limits.max_requests_per_second,
            limits.max_rows_per_second,
            number(limits.max_row_bytes),
            number(limits.max_columns),
            number(limits.max_table_bytes),
            created_micros,
            revoked_micros,
        ];
        conn.execute(insert, values).map(|_| ()).map_err(|error| self.fault(error))
    }

    /// Revokes a key; says whether there was one with that id that was not revoked.
    pub(super) fn revoke(&self, id: &str, now_micros: i64) -> Result<bool, KeysError> {
        let conn = self.open_to_write(false)?;
        let update = "UPDATE keys SET revoked_micros = ?2 WHERE id = ?1 AND revoked_micros IS NULL";
        conn.execute(update, params![id, now_micros]).map(|n| n > 0).map_err(|error| self.fault(error))
    }

    fn open(&self, how: OpenFlags) -> Result<Connection, KeysError> {
        let open = || {
            let conn = Connection::open_with_flags(&self.0, how | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
            conn.busy_timeout(Duration::from_secs(5))?;
            conn.pragma_update(None, "synchronous", "FULL")?;
            Ok(conn)
        };
        open().map_err(|error: rusqlite::Error| self.fault(error))
    }

    fn open_to_write(&self, may_make: bool) -> Result<Connection, KeysError> {
        if may_make && !self.0.exists() {
            make_private(&self.0).map_err(|error| self.fault(error))?;
        }
        let mut conn = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut make = || {
            let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let format: i32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            let n_tables: i32 = transaction.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
            if format == 0 && n_tables == 0 {
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
                transaction.pragma_update(None, "user_version", FORMAT)?;
            }
            transaction.commit()
        };
        make().map_err(|error| self.fault(error))?;
        self.check_format(&conn)?;
        Ok(conn)
    }

    fn check_format(&self, conn: &Connection) -> Result<(), KeysError> {
        let number = |name: &str| conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0));
        let application = number("application_id").map_err(|error| self.fault(error))?;
        let format = number("user_version").map_err(|error| self.fault(error))?;
        match (application, format) {
            (APPLICATION_ID, FORMAT) => Ok(()),
            (APPLICATION_ID, _) => Err(self.fault("it was made by a later version of this program")),
            _ => Err(self.fault("it is no file of keys")),
        }
    }
}

/// Makes an empty file that only its owner may read.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn key_of(row: &Row<'_>) -> rusqlite::Result<Key> {
    let name: String = row.get("access")?;
    let right = Right::of(&name).ok_or_else(|| {
        let reason = format!("the right {name:?} is not known");
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, reason.into())
    })?;
    let number = |column: &str| row.get(column).map(|number: Option<i64>| number.map(|number| number.max(0) as u64));
    let limits = KeyLimits {
        max_requests_per_second: row.get("max_requests_per_second")?,
        max_rows_per_second: row.get("max_rows_per_second")?,
        max_row_bytes: number("max_row_bytes")?,
        max_columns: number("max_columns")?,
        max_table_bytes: number("max_table_bytes")?,
    };
    Ok(Key {
        id: row.get("id")?,
        hash: row.get("hash")?,
        right,
        scope: Scope { entity: row.get("entity")?, project: row.get("project")? },
        origins: row.get::<_, String>("origins")?.split_whitespace().map(str::to_owned).collect(),
        limits,
        created_micros: row.get("created_micros")?,
        revoked_micros: row.get("revoked_micros")?,
    })
}
