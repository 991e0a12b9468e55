//! A copy of the journal as it is at one moment, made beside a server that goes on writing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::JournalError;
use super::schema::check_format;
use super::sqlite::FILE_NAME;

/// Copies the journal of a data folder to a new file, and says how many bytes that has. The copy is one that a server opens:
/// put it into an empty data folder as `streamtable.db`.
///
/// It has every row that was acknowledged before the call. A server may use the folder meanwhile and is not held up, but its log
/// grows by what it writes until the copy is done. The file appears only when it is whole and would survive a power cut.
/// Frames are copied as they are: whether one is damaged shows when it is read.
///
/// # Errors
/// [`JournalError::Backup`] when there is no journal, when the file is there already, or when it cannot be written;
/// [`JournalError::Foreign`] and [`JournalError::TooNew`] as for a server.
pub fn backup(dir: &Path, to: &Path) -> Result<u64, JournalError> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| JournalError::Backup {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    if to.exists() {
        return Err(failed(to, &"there is such a file already"));
    }
    let from = dir.join(FILE_NAME);
    let partial = partial_name(to);
    let copied = (|| -> Result<u64, JournalError> {
        let conn = open(&from).map_err(|error| failed(&from, &error))?;
        if check_format(&conn, &from)? == 0 {
            return Err(failed(&from, &"there is no journal"));
        }
        // What an earlier attempt has left is worth nothing.
        let _ = std::fs::remove_file(&partial);
        let name = partial.to_str().ok_or_else(|| failed(to, &"its name is not Unicode"))?;
        conn.execute("VACUUM INTO ?1", [name]).map_err(|error| failed(&from, &error))?;
        let file = File::open(&partial).map_err(|error| failed(&partial, &error))?;
        file.sync_all().map_err(|error| failed(&partial, &error))?;
        let n_bytes = file.metadata().map_err(|error| failed(&partial, &error))?.len();
        std::fs::rename(&partial, to).map_err(|error| failed(to, &error))?;
        sync_folder_of(to).map_err(|error| failed(to, &error))?;
        Ok(n_bytes)
    })();
    if copied.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    copied
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // To read the log of a server that runs, or that was killed, its index must be writable.
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(Duration::from_secs(10))?;
    Ok(conn)
}

fn partial_name(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// Makes the name of a new file as durable as the file. Windows has no way to, and no need.
fn sync_folder_of(file: &Path) -> std::io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}
