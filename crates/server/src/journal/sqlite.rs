//! The journal in one SQLite file: opening, the list of tables, the queue to the writer's thread.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use model::{ColumnSchema, Offset, Schema, TableName};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::reader::Readers;
use super::schema::{deleted_name, open_writer};
use super::task::Task;
use super::upkeep::{Upkeep, lock};
use super::writer::{Job, Writer};
use super::{
    Append, Appended, Budget, Frame, Journal, JournalError, JournalFuture, OnEvent, Reservation, Retention, TableState,
};
use crate::config::Limits;

/// The journal's file within the data folder.
pub(super) const FILE_NAME: &str = "streamtable.db";
/// A file that is locked for as long as a server uses the folder. The system frees the lock when the server dies.
const LOCK_NAME: &str = "streamtable.lock";

/// A table with its key in the file.
#[derive(Clone, Debug)]
pub(super) struct KnownTable {
    pub(super) id: i64,
    /// How many frames were added since the journal was opened.
    pub(super) n_frames: u64,
    pub(super) state: Arc<TableState>,
}

impl KnownTable {
    /// The table with its state changed.
    pub(super) fn with(self, change: impl FnOnce(&mut TableState)) -> Self {
        let mut state = TableState::clone(&self.state);
        change(&mut state);
        Self { state: Arc::new(state), ..self }
    }
}

/// What the journal's threads and everyone else share.
#[derive(Default)]
pub(super) struct Shared {
    tables: RwLock<BTreeMap<TableName, KnownTable>>,
    /// Deleted tables that have left rows behind.
    deleted: Mutex<Vec<i64>>,
    /// The id that the next table gets. None is given twice while the server runs: a reader may still go by an old one.
    next_id: AtomicI64,
    pub(super) default_retention: Retention,
    /// Why nothing more may be written.
    pub(super) failure: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn new_id(&self) -> i64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Every table.
    pub(super) fn all(&self) -> Vec<KnownTable> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// A table was made or changed.
    pub(super) fn put(&self, table: KnownTable) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.insert(table.state.name.clone(), table);
    }

    /// A table was deleted.
    pub(super) fn remove(&self, name: &TableName, id: i64) {
        self.tables.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.deleted().push(id);
    }

    /// Deleted tables that have left rows behind.
    pub(super) fn deleted(&self) -> MutexGuard<'_, Vec<i64>> {
        // A list of numbers cannot be left half changed.
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, name: &TableName) -> Option<KnownTable> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(super) fn check(&self) -> Result<(), JournalError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone().map_or(Ok(()), |reason| Err(JournalError::Failed(reason)))
    }
}

/// The way to the writer's thread, until it is closed.
pub(super) struct Queue {
    shared: Arc<Shared>,
    jobs: Mutex<Option<Sender<Job>>>,
}

impl Queue {
    /// Puts a job at the end.
    fn send(&self, job: Job) -> Result<(), JournalError> {
        self.shared.check()?;
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or(JournalError::Closed)
    }

    /// Has something done.
    pub(super) fn ask(&self, task: Task) -> JournalFuture<bool> {
        let (answer, answered) = oneshot::channel();
        outcome(self.send(Job::Task(task, answer)), answered)
    }

    /// Has something done. Blocks.
    pub(super) fn ask_and_wait(&self, task: Task) -> Result<bool, JournalError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Task(task, answer))?;
        answered.blocking_recv().unwrap_or(Err(JournalError::Closed))
    }

    fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn outcome<T: Send + 'static>(
    sent: Result<(), JournalError>,
    answered: oneshot::Receiver<Result<T, JournalError>>,
) -> JournalFuture<T> {
    Box::pin(async move {
        sent?;
        answered.await.unwrap_or(Err(JournalError::Closed))
    })
}

/// A journal in one SQLite file, with one thread that writes and one that sees what is to be tidied up.
pub struct SqliteJournal {
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    budget: Budget,
    queue: Arc<Queue>,
    upkeep: Mutex<Option<Upkeep>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Keeps other servers out of the folder.
    _lock: Mutex<Connection>,
}

impl SqliteJournal {
    /// Opens the journal in a folder, and makes both when they are not there.
    ///
    /// `limits` bound the rows that wait to be written, and the file; `retention` is that of tables for which none was set.
    ///
    /// # Errors
    /// [`JournalError::InUse`], [`JournalError::Foreign`], [`JournalError::TooNew`] or [`JournalError::Open`].
    pub fn open(dir: &Path, limits: &Limits, retention: Retention, on_event: OnEvent) -> Result<Self, JournalError> {
        let open_error = |path: &Path, reason: String| JournalError::Open { path: path.to_owned(), reason };
        std::fs::create_dir_all(dir).map_err(|error| open_error(dir, error.to_string()))?;
        let lock = lock_folder(dir)?;
        let path = dir.join(FILE_NAME);
        let conn = open_writer(&path, limits.max_data_bytes)?;
        let (tables, deleted, next_id) = load_tables(&conn).map_err(|error| open_error(&path, error.to_string()))?;
        let shared = Arc::new(Shared {
            tables: RwLock::new(tables),
            deleted: Mutex::new(deleted),
            next_id: AtomicI64::new(next_id),
            default_retention: retention,
            failure: Mutex::default(),
        });
        let (sender, jobs) = channel();
        let queue = Arc::new(Queue { shared: Arc::clone(&shared), jobs: Mutex::new(Some(sender)) });
        let readers = Arc::new(Readers::new(path.clone()));
        let not_started = |error: &dyn std::fmt::Display| open_error(&path, error.to_string());
        let writer = Writer::new(conn, Arc::clone(&shared), on_event).map_err(|error| not_started(&error))?;
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run(&jobs));
        let thread = thread.map_err(|error| not_started(&error))?;
        let upkeep = Upkeep::start(Arc::clone(&shared), Arc::clone(&queue), Arc::clone(&readers));
        let upkeep = upkeep.map_err(|error| not_started(&error))?;
        Ok(Self {
            shared,
            readers,
            budget: Budget::new(limits.max_queue_bytes),
            queue,
            upkeep: Mutex::new(Some(upkeep)),
            thread: Mutex::new(Some(thread)),
            _lock: Mutex::new(lock),
        })
    }
}

impl SqliteJournal {
    /// Joins small frames, drops what retention says, clears what deleted tables left behind and folds the log into the file
    /// now, all of which happens by itself in time. Blocks.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn tidy_up(&self) -> Result<(), JournalError> {
        let worker = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Upkeep::worker);
        worker.map_or(Err(JournalError::Closed), |worker| lock(&worker).look().map(drop))?;
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Fold(answer))?;
        answered.blocking_recv().unwrap_or(Err(JournalError::Closed))
    }
}

impl Journal for SqliteJournal {
    fn reserve(&self, n_bytes: usize) -> Result<Reservation, JournalError> {
        self.shared.check()?;
        self.budget.reserve(n_bytes).ok_or(JournalError::Overloaded)
    }

    fn append(&self, append: Append) -> JournalFuture<Appended> {
        let (answer, answered) = oneshot::channel();
        outcome(self.queue.send(Job::Append(append, answer)), answered)
    }

    fn read(&self, table: &TableName, range: Range<Offset>, max_bytes: usize) -> Result<Vec<Frame>, JournalError> {
        loop {
            let Some(known) = self.shared.find(table) else { return Ok(Vec::new()) };
            let range = range.start.max(known.state.first_offset)..range.end;
            if range.is_empty() {
                return Ok(Vec::new());
            }
            let first_offset = known.state.first_offset;
            match self.readers.read(known.id, range, max_bytes) {
                // Where rows are missing, they may have been dropped, or their table deleted, since it was looked at.
                Err(JournalError::Damaged { .. })
                    if self
                        .shared
                        .find(table)
                        .is_none_or(|now| now.id != known.id || now.state.first_offset != first_offset) => {}
                read => return read,
            }
        }
    }

    fn tables(&self) -> Vec<Arc<TableState>> {
        let tables = self.shared.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.values().map(|table| Arc::clone(&table.state)).collect()
    }

    fn table(&self, name: &TableName) -> Option<Arc<TableState>> {
        self.shared.find(name).map(|table| table.state)
    }

    fn delete(&self, table: &TableName) -> JournalFuture<bool> {
        self.queue.ask(Task::Delete(table.clone()))
    }

    fn set_retention(&self, table: &TableName, retention: Option<Retention>) -> JournalFuture<bool> {
        self.queue.ask(Task::SetRetention(table.clone(), retention))
    }

    fn default_retention(&self) -> Retention {
        self.shared.default_retention
    }

    fn check(&self) -> Result<(), JournalError> {
        self.shared.check()
    }

    fn close(&self) {
        self.queue.close();
        drop(self.upkeep.lock().unwrap_or_else(PoisonError::into_inner).take());
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

/// The tables, the ids of those that were deleted and have left rows behind, and the id that the next table gets.
type Loaded = (BTreeMap<TableName, KnownTable>, Vec<i64>, i64);

fn load_tables(conn: &Connection) -> Result<Loaded, Box<dyn std::error::Error>> {
    let mut columns: BTreeMap<i64, Schema> = BTreeMap::new();
    let mut statement = conn.prepare("SELECT table_id, name, type FROM columns ORDER BY table_id, idx")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let column = ColumnSchema { name: row.get(1)?, column_type: row.get::<_, String>(2)?.parse()? };
        columns.entry(row.get(0)?).or_default().merge_column(&column.name, column.column_type);
    }
    let (mut tables, mut deleted, mut next_id) = (BTreeMap::new(), Vec::new(), 1);
    let mut statement = conn.prepare(
        "SELECT id, name, created, first_offset, next_offset, n_bytes, last_received,
            table_id, max_age_seconds, max_rows, max_bytes
        FROM tables LEFT JOIN retention ON table_id = id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, name) = (row.get(0)?, row.get::<_, String>(1)?);
        next_id = next_id.max(id + 1);
        if name == deleted_name(id) {
            deleted.push(id);
            continue;
        }
        let name = TableName::parse(&name)?;
        let limit = |idx| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(idx)?.map(|limit| limit as u64));
        let retention = match row.get::<_, Option<i64>>(7)? {
            Some(_) => Some(Retention { max_age_seconds: limit(8)?, max_rows: limit(9)?, max_bytes: limit(10)? }),
            None => None,
        };
        let state = TableState {
            name: name.clone(),
            created_micros: row.get(2)?,
            first_offset: row.get::<_, i64>(3)? as u64,
            next_offset: row.get::<_, i64>(4)? as u64,
            n_bytes: row.get::<_, i64>(5)? as u64,
            last_received_micros: row.get(6)?,
            schema: Arc::new(columns.remove(&id).unwrap_or_default()),
            retention,
        };
        tables.insert(name, KnownTable { id, n_frames: 0, state: Arc::new(state) });
    }
    Ok((tables, deleted, next_id))
}
