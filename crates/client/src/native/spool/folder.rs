//! The folder of an outbox: the names of its files, and the locks that say whose they are.
//!
//! A writer has a lock file, `<writer>.lock`, and any number of segments, `<writer>-<number>.rows`. Whoever sends a
//! writer's rows holds the lock; the system frees it however the program ends. A lock file that can be seen is held by
//! its writer's program or left behind: it gets its name only once it is held.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::WriterId;

const LOCK: &str = "lock";
const NEW: &str = "new";
const ROWS: &str = "rows";
/// What a segment that cannot be read to its end is renamed to, so that nobody reads it again and nothing is deleted.
const DAMAGED: &str = "damaged";
/// A lock file that got no name for so long was left behind.
const MAX_NAMELESS_AGE: Duration = Duration::from_secs(60);

/// The right to send a writer's rows, and to change its files.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Dropping it frees the lock.
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// The lock of a writer that nobody else knows yet.
    pub(crate) fn create(folder: &Path, writer: WriterId) -> io::Result<Self> {
        let (nameless, path) = (named(folder, writer, NEW), named(folder, writer, LOCK));
        let file = private().write(true).create_new(true).open(&nameless)?;
        file.try_lock()?;
        std::fs::rename(&nameless, &path)?;
        Ok(Self { _file: file, path })
    }

    /// The lock of a writer whose files are there already; none when somebody has it.
    pub(crate) fn take(folder: &Path, writer: WriterId) -> io::Result<Option<Self>> {
        let path = named(folder, writer, LOCK);
        // Files whose lock file was removed by hand are nobody's.
        let file = private().write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file, path })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes the lock's file. To be called once the writer has no segment any more: whoever waits for the lock finds
    /// nothing to send then.
    pub(crate) fn remove(self) {
        // One that stays is removed by whoever looks for rows next.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn named(folder: &Path, writer: WriterId, extension: &str) -> PathBuf {
    folder.join(format!("{writer}.{extension}"))
}

/// How files are made: rows and keys are nobody else's to read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    sys::make_private(&mut options);
    options
}

/// Where a writer's segment of that number stands.
pub(crate) fn segment_path(folder: &Path, writer: WriterId, number: u64) -> PathBuf {
    folder.join(format!("{writer}-{number:010}.{ROWS}"))
}

/// Puts a segment that cannot be read to its end where nobody looks for rows; says where it is then.
pub(crate) fn set_aside(path: &Path) -> PathBuf {
    let aside = path.with_extension(DAMAGED);
    if std::fs::rename(path, &aside).is_ok() { aside } else { path.to_owned() }
}

/// Whose files are there, in no special order of the writers.
pub(crate) fn writers(folder: &Path) -> io::Result<BTreeSet<WriterId>> {
    let mut writers = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let (Some(stem), Some(extension)) = (text(path.file_stem()), text(path.extension())) else { continue };
        let writer = stem.split('-').next().and_then(|writer| writer.parse().ok());
        match (extension, writer) {
            (LOCK | ROWS, Some(writer)) => {
                writers.insert(writer);
            }
            (NEW, Some(_)) => remove_nameless(&path),
            _ => {}
        }
    }
    Ok(writers)
}

/// Removes the file of a program that was stopped in the moment between making and naming it.
fn remove_nameless(path: &Path) {
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    let is_old = modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > MAX_NAMELESS_AGE));
    if is_old && File::open(path).is_ok_and(|file| file.try_lock().is_ok()) {
        let _ = std::fs::remove_file(path);
    }
}

/// The numbers of a writer's segments, the oldest first.
pub(crate) fn segments(folder: &Path, writer: WriterId) -> io::Result<Vec<u64>> {
    let prefix = format!("{writer}-");
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = text(path.file_stem()).and_then(|stem| stem.strip_prefix(&prefix));
        if text(path.extension()) == Some(ROWS) {
            numbers.extend(stem.and_then(|number| number.parse::<u64>().ok()));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn text(name: Option<&std::ffi::OsStr>) -> Option<&str> {
    name?.to_str()
}

/// Waits until the disk has the names of the files in a folder.
pub(crate) fn sync_names(folder: &Path) -> io::Result<()> {
    sys::sync_names(folder)
}

#[cfg(unix)]
mod sys {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    pub(super) fn make_private(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub(super) fn sync_names(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

#[cfg(not(unix))]
mod sys {
    use std::fs::OpenOptions;
    use std::io;
    use std::path::Path;

    /// A user's folders are private there.
    pub(super) fn make_private(_options: &mut OpenOptions) {}

    /// Names are kept with the files.
    pub(super) fn sync_names(_folder: &Path) -> io::Result<()> {
        Ok(())
    }
}
