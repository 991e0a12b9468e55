//! Puts a [`Disk`] below SQLite: a VFS that is the system's own but for opening, writing, cutting, syncing and deleting.
#![expect(unsafe_code, reason = "a VFS is a table of C functions")]

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};

use rusqlite::ffi;

use super::{Disk, Fault};

/// An open file of a disk.
#[derive(Clone)]
struct Opened {
    disk: Arc<Disk>,
    name: String,
    system: &'static ffi::sqlite3_io_methods,
}

#[derive(Default)]
struct Registry {
    disks: HashMap<PathBuf, Arc<Disk>>,
    /// By the address of SQLite's own struct, which it has from opening to closing.
    opened: HashMap<usize, Opened>,
}

fn registry() -> MutexGuard<'static, Registry> {
    static REGISTRY: OnceLock<Mutex<Registry>> = OnceLock::new();
    REGISTRY.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

type OpenFn = unsafe extern "C" fn(
    *mut ffi::sqlite3_vfs,
    ffi::sqlite3_filename,
    *mut ffi::sqlite3_file,
    c_int,
    *mut c_int,
) -> c_int;
type DeleteFn = unsafe extern "C" fn(*mut ffi::sqlite3_vfs, *const c_char, c_int) -> c_int;

/// How the system opens and deletes a file.
static SYSTEM: OnceLock<(Option<OpenFn>, Option<DeleteFn>)> = OnceLock::new();

/// Puts a new disk below the databases of a folder, for as long as it is held.
pub(crate) fn put_disk_below(dir: &Path) -> Held {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(register);
    let disk = Arc::new(Disk::default());
    registry().disks.insert(dir.to_owned(), Arc::clone(&disk));
    Held { dir: dir.to_owned(), disk }
}

/// A disk that is below SQLite.
pub(crate) struct Held {
    dir: PathBuf,
    pub(crate) disk: Arc<Disk>,
}

impl Drop for Held {
    fn drop(&mut self) {
        registry().disks.remove(&self.dir);
    }
}

fn register() {
    // SAFETY: the default VFS is found and copied once, before any file of a test is open, and lives as long as the process.
    unsafe {
        let system = *ffi::sqlite3_vfs_find(std::ptr::null());
        SYSTEM.get_or_init(|| (system.xOpen, system.xDelete));
        let ours = ffi::sqlite3_vfs {
            zName: c"disk".as_ptr(),
            pNext: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            ..system
        };
        let registered = ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1);
        assert_eq!(registered, ffi::SQLITE_OK);
    }
}

/// The disk below a path, and the name of the file in its folder. Only the database and its logs are on it.
fn disk_of(path: *const c_char) -> Option<(Arc<Disk>, String)> {
    if path.is_null() {
        return None;
    }
    // SAFETY: SQLite gives a path that ends with a zero.
    let path = PathBuf::from(unsafe { CStr::from_ptr(path) }.to_str().ok()?);
    let name = path.file_name()?.to_str()?.to_owned();
    let is_on_disk = name.contains(".db") && !name.ends_with("-shm");
    let disk = registry().disks.get(path.parent()?).filter(|_| is_on_disk).cloned()?;
    Some((disk, name))
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Some(system_open) = SYSTEM.get().and_then(|(open, _)| *open) else { return ffi::SQLITE_ERROR };
    // SAFETY: what SQLite gave is handed on; `vfs` is a copy of the system's in all that it looks at.
    let code = unsafe { system_open(vfs, path, file, flags, out_flags) };
    if code == ffi::SQLITE_OK
        && let Some((disk, name)) = disk_of(path)
    {
        // SAFETY: the system has opened the file and set its methods, which are static.
        unsafe {
            let system = &*(*file).pMethods;
            registry().opened.insert(file as usize, Opened { disk, name, system });
            let ours = ffi::sqlite3_io_methods {
                xClose: Some(close),
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                ..*system
            };
            (*file).pMethods = Box::leak(Box::new(ours));
        }
    }
    code
}

fn opened(file: *mut ffi::sqlite3_file) -> Opened {
    registry().opened.get(&(file as usize)).cloned().expect("it was opened by us")
}

fn code_of(fault: Fault, broken: c_int) -> c_int {
    match fault {
        Fault::Broken => broken,
        Fault::Full => ffi::SQLITE_FULL,
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let opened = registry().opened.remove(&(file as usize));
    // SAFETY: the system's own method on the system's own file.
    opened.and_then(|opened| opened.system.xClose).map_or(ffi::SQLITE_OK, |close| unsafe { close(file) })
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, n_bytes: c_int, offset: i64) -> c_int {
    let opened = opened(file);
    // SAFETY: SQLite gives so many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), n_bytes as usize) };
    match opened.disk.write(&opened.name, offset as usize, bytes) {
        // SAFETY: as above.
        Ok(()) => opened.system.xWrite.map_or(ffi::SQLITE_ERROR, |write| unsafe { write(file, data, n_bytes, offset) }),
        Err(fault) => code_of(fault, ffi::SQLITE_IOERR_WRITE),
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, n_bytes: i64) -> c_int {
    let opened = opened(file);
    match opened.disk.truncate(&opened.name, n_bytes as usize) {
        // SAFETY: as above.
        Ok(()) => opened.system.xTruncate.map_or(ffi::SQLITE_ERROR, |truncate| unsafe { truncate(file, n_bytes) }),
        Err(fault) => code_of(fault, ffi::SQLITE_IOERR_TRUNCATE),
    }
}

/// The system need not sync: what is read after the power cut comes from the [`Disk`].
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    let opened = opened(file);
    let synced = opened.disk.sync(&opened.name);
    synced.map_or_else(|fault| code_of(fault, ffi::SQLITE_IOERR_FSYNC), |()| ffi::SQLITE_OK)
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, path: *const c_char, sync_dir: c_int) -> c_int {
    if let Some((disk, name)) = disk_of(path)
        && let Err(fault) = disk.remove(&name, sync_dir != 0)
    {
        return code_of(fault, ffi::SQLITE_IOERR_DELETE);
    }
    let system_delete = SYSTEM.get().and_then(|(_, delete)| *delete);
    // SAFETY: what SQLite gave is handed on.
    system_delete.map_or(ffi::SQLITE_ERROR, |delete| unsafe { delete(vfs, path, sync_dir) })
}
