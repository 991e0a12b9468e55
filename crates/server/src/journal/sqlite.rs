//! The journal in one SQLite file: opening, the list of tables, the queue to the writer's thread.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use model::{ColumnSchema, Offset, Schema, TableName};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::place::{self, Place, Places};
use super::reader::Readers;
use super::schema::open_writer;
use super::writer::{Job, Writer};
use super::{Append, AppendFuture, Appended, Budget, Frame, Journal, JournalError, OnCommit, Reservation, TableState};
use crate::config::Limits;

/// The journal's file within the data folder.
const FILE_NAME: &str = "streamtable.db";
/// A file that is locked for as long as a server uses the folder. The system frees the lock when the server dies.
const LOCK_NAME: &str = "streamtable.lock";

/// A table with its key in the file.
#[derive(Clone, Debug)]
pub(super) struct KnownTable {
    pub(super) id: i64,
    pub(super) state: Arc<TableState>,
}

/// What the writer's thread and everyone else share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) tables: RwLock<BTreeMap<TableName, KnownTable>>,
    /// Why nothing more may be written.
    pub(super) failure: Mutex<Option<String>>,
    /// How far streams were followed, where the journal follows any.
    pub(super) places: Mutex<Places>,
}

impl Shared {
    pub(super) fn find(&self, name: &TableName) -> Option<KnownTable> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn check(&self) -> Result<(), JournalError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map_or(Ok(()), |reason| Err(JournalError::Failed(reason)))
    }
}

/// A journal in one SQLite file, with one thread that writes.
pub struct SqliteJournal {
    shared: Arc<Shared>,
    readers: Readers,
    budget: Budget,
    queue: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Keeps other servers out of the folder.
    _lock: Mutex<Connection>,
}

impl SqliteJournal {
    /// Opens the journal in a folder, and makes both when they are not there.
    ///
    /// `limits` bound the rows that wait to be written, and the file.
    ///
    /// # Errors
    /// [`JournalError::InUse`], [`JournalError::Foreign`], [`JournalError::TooNew`] or [`JournalError::Open`].
    pub fn open(dir: &Path, limits: &Limits, on_commit: OnCommit) -> Result<Self, JournalError> {
        Self::open_at(dir, limits, on_commit, false)
    }

    /// As [`SqliteJournal::open`], for a journal that follows streams: see [`SqliteJournal::append_at`].
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub(super) fn open_following(dir: &Path, limits: &Limits, on_commit: OnCommit) -> Result<Self, JournalError> {
        Self::open_at(dir, limits, on_commit, true)
    }

    fn open_at(dir: &Path, limits: &Limits, on_commit: OnCommit, follows: bool) -> Result<Self, JournalError> {
        let open_error = |path: &Path, reason: String| JournalError::Open { path: path.to_owned(), reason };
        std::fs::create_dir_all(dir).map_err(|error| open_error(dir, error.to_string()))?;
        let lock = lock_folder(dir)?;
        let path = dir.join(FILE_NAME);
        let conn = open_writer(&path, limits.max_data_bytes)?;
        let tables = load_tables(&conn).map_err(|error| open_error(&path, error.to_string()))?;
        let places =
            if follows { place::create(&conn).and_then(|()| Places::load(&conn)) } else { Ok(Places::default()) };
        let places = Mutex::new(places.map_err(|error| open_error(&path, error.to_string()))?);
        let shared = Arc::new(Shared { tables: RwLock::new(tables), failure: Mutex::default(), places });
        let (queue, jobs) = channel();
        let writer = Writer::new(conn, Arc::clone(&shared), on_commit);
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&jobs));
        let thread = thread.map_err(|error| open_error(&path, error.to_string()))?;
        Ok(Self {
            shared,
            readers: Readers::new(path),
            budget: Budget::new(limits.max_queue_bytes),
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            _lock: Mutex::new(lock),
        })
    }

    /// Appends the rows of a stream's message, or with none moves past it, in one transaction with its place.
    ///
    /// Ends with [`JournalError::OutOfPlace`], and nothing is written, when the message does not come right after the
    /// stream's last.
    pub(super) fn append_at(&self, append: Option<Append>, place: Place) -> AppendFuture {
        self.enqueue(append, Some(place))
    }

    /// The last message of a stream that was written; 0 before the first.
    pub(super) fn place_in(&self, stream: u32) -> u64 {
        self.shared.places.lock().unwrap_or_else(PoisonError::into_inner).of(stream)
    }

    fn enqueue(&self, append: Option<Append>, place: Option<Place>) -> AppendFuture {
        let (answer, answered) = oneshot::channel::<Result<Appended, JournalError>>();
        let sent = self.send(Job { append, place, answer });
        Box::pin(async move {
            sent?;
            answered.await.unwrap_or(Err(JournalError::Closed))
        })
    }

    fn send(&self, job: Job) -> Result<(), JournalError> {
        self.shared.check()?;
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.as_ref().and_then(|queue| queue.send(job).ok()).ok_or(JournalError::Closed)
    }
}

impl Journal for SqliteJournal {
    fn reserve(&self, n_bytes: usize) -> Result<Reservation, JournalError> {
        self.shared.check()?;
        self.budget.reserve(n_bytes).ok_or(JournalError::Overloaded)
    }

    fn append(&self, append: Append) -> AppendFuture {
        self.enqueue(Some(append), None)
    }

    fn read(&self, table: &TableName, range: Range<Offset>, max_bytes: usize) -> Result<Vec<Frame>, JournalError> {
        match self.shared.find(table) {
            Some(table) if !range.is_empty() => self.readers.read(table.id, range, max_bytes),
            _ => Ok(Vec::new()),
        }
    }

    fn tables(&self) -> Vec<Arc<TableState>> {
        let tables = self.shared.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.values().map(|table| Arc::clone(&table.state)).collect()
    }

    fn table(&self, name: &TableName) -> Option<Arc<TableState>> {
        self.shared.find(name).map(|table| table.state)
    }

    fn check(&self) -> Result<(), JournalError> {
        self.shared.check()
    }

    fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.readers.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's thread panicked");
        }
    }
}

impl Drop for SqliteJournal {
    fn drop(&mut self) {
        self.close();
    }
}

/// Holds an exclusive transaction on a file of its own, which is how SQLite locks on every system.
fn lock_folder(dir: &Path) -> Result<Connection, JournalError> {
    let path = dir.join(LOCK_NAME);
    let lock = || -> rusqlite::Result<Connection> {
        let conn = Connection::open(&path)?;
        conn.busy_timeout(std::time::Duration::from_millis(500))?;
        conn.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(conn)
    };
    lock().map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            JournalError::InUse(dir.to_owned())
        }
        _ => JournalError::Open { path: path.clone(), reason: error.to_string() },
    })
}

fn load_tables(conn: &Connection) -> Result<BTreeMap<TableName, KnownTable>, Box<dyn std::error::Error>> {
    let mut columns: BTreeMap<i64, Schema> = BTreeMap::new();
    let mut statement = conn.prepare("SELECT table_id, name, type FROM columns ORDER BY table_id, idx")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let column = ColumnSchema { name: row.get(1)?, column_type: row.get::<_, String>(2)?.parse()? };
        columns.entry(row.get(0)?).or_default().merge_column(&column.name, column.column_type);
    }
    let mut tables = BTreeMap::new();
    let mut statement = conn.prepare("SELECT id, name, next_offset, n_bytes, last_received FROM tables")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        let name = TableName::parse(&row.get::<_, String>(1)?)?;
        let state = TableState {
            name: name.clone(),
            next_offset: row.get::<_, i64>(2)? as u64,
            n_bytes: row.get::<_, i64>(3)? as u64,
            last_received_micros: row.get(4)?,
            schema: Arc::new(columns.remove(&id).unwrap_or_default()),
        };
        tables.insert(name, KnownTable { id, state: Arc::new(state) });
    }
    Ok(tables)
}
