//! A table in memory: filled from the journal, brought up to date before each answer, with its views.
//!
//! Everything here blocks. Who takes several locks takes them in this order: a view, the table, the list of tables, a
//! list of views.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use engine::{EngineError, Table, View};
use expr::Expr;
use model::{TableName, Timestamp, Value};
use tokio::sync::Semaphore;

use super::answer::encode;
use super::tables::Tables;
use super::views::{SharedView, Views};
use super::{FactsQuestion, QueryError, Question, facts};
use crate::clock::now_micros;
use crate::hub::Subscription;
use crate::journal::{Journal, JournalError, decode};

/// How many stored bytes are read at a time.
const READ_BYTES: usize = 4 << 20;
/// How many questions about one table are looked into at a time; the others wait without a thread.
const MAX_AT_A_TIME: usize = 4;
/// What a row takes while a sorted view is made, about.
const SORTED_ROW_BYTES: usize = 32;

/// A table in memory.
pub(crate) struct HeldTable {
    name: TableName,
    /// Makes the hub keep the newest frames.
    subscription: Subscription,
    table: RwLock<Table>,
    /// Whoever reads new rows in; it is one at a time.
    reading: Mutex<()>,
    /// Why the table was given up. It is empty then, and stays so.
    given_up: OnceLock<QueryError>,
    table_bytes: AtomicUsize,
    views: Views,
    last_used: Mutex<Instant>,
    pub(super) turns: Arc<Semaphore>,
}

/// What was answered.
pub(crate) struct Answer {
    /// A JSON object.
    pub(crate) json: String,
    /// What it shows.
    pub(crate) shown: Shown,
}

/// A view at a revision. Whoever holds it keeps the view.
#[derive(Clone)]
pub(crate) struct Shown {
    view: Arc<SharedView>,
    /// Which of the views that were made of the spec, and its revision.
    revision: (usize, u64),
    /// Whether the view has put nothing off.
    pub(crate) is_settled: bool,
}

impl HeldTable {
    pub(super) fn new(name: TableName, subscription: Subscription) -> Self {
        Self {
            name,
            subscription,
            table: RwLock::default(),
            reading: Mutex::default(),
            given_up: OnceLock::new(),
            table_bytes: AtomicUsize::new(0),
            views: Views::default(),
            last_used: Mutex::new(Instant::now()),
            turns: Arc::new(Semaphore::new(MAX_AT_A_TIME)),
        }
    }

    /// What the table and its views take, in bytes, about.
    pub(super) fn n_bytes(&self) -> usize {
        self.table_bytes.load(Ordering::Relaxed) + self.views.n_bytes()
    }

    /// Says what the table takes.
    pub(super) fn set_bytes(&self, n_bytes: usize) {
        self.table_bytes.store(n_bytes, Ordering::Relaxed);
    }

    /// The views.
    pub(super) fn views(&self) -> &Views {
        &self.views
    }

    /// When somebody last asked about the table.
    pub(super) fn last_used(&self) -> Instant {
        *lock(&self.last_used)
    }

    /// Whether another look would be worth a table of its own: this one was deleted, or given up for want of room, or broke.
    pub(super) fn is_spent(&self) -> bool {
        let too_large = matches!(self.given_up.get(), Some(QueryError::TableTooLarge { .. }));
        self.subscription.is_deleted() || (self.given_up.get().is_some() && !too_large) || self.table.is_poisoned()
    }

    /// Answers a question with every row that was committed by now; `None` when what is known shows the view as it is.
    pub(super) fn answer(
        &self,
        journal: &dyn Journal,
        tables: &Tables,
        question: &Question,
        known: Option<&Shown>,
    ) -> Result<Option<Answer>, QueryError> {
        *lock(&self.last_used) = Instant::now();
        self.read_in(journal, tables)?;
        let shared = self.views.of(&question.spec);
        let mut slot = shared.lock();
        let table = self.table()?;
        let view = self.up_to_date(&shared, &mut slot, &table, tables)?;
        let revision = (shared.n_made(), view.revision());
        if known.is_some_and(|known| Arc::ptr_eq(&known.view, &shared) && known.revision == revision) {
            return Ok(None);
        }
        let json = encode(view, &table, question)?;
        let is_settled = view.is_settled();
        drop(table);
        drop(slot);
        *lock(&self.last_used) = Instant::now();
        Ok(Some(Answer { json, shown: Shown { view: shared, revision, is_settled } }))
    }

    /// Tells what a column holds, in every row that was committed by now.
    pub(super) fn facts(
        &self,
        journal: &dyn Journal,
        tables: &Tables,
        question: &FactsQuestion,
    ) -> Result<String, QueryError> {
        *lock(&self.last_used) = Instant::now();
        self.read_in(journal, tables)?;
        let facts = facts::encode(&*self.table()?, question);
        *lock(&self.last_used) = Instant::now();
        facts
    }

    /// Does what a view has put off.
    pub(super) fn settle(&self, shown: &Shown) -> Result<(), QueryError> {
        let mut slot = shown.view.lock();
        let table = self.table()?;
        if let Some(view) = slot.as_mut() {
            view.settle(&table);
            shown.view.set_bytes(view.memory_bytes());
        }
        Ok(())
    }

    /// Reads in what was committed by now.
    fn read_in(&self, journal: &dyn Journal, tables: &Tables) -> Result<(), QueryError> {
        let table = journal.table(&self.name);
        let (first_offset, end) = table.map_or((0, 0), |table| (table.first_offset, table.next_offset));
        let _turn = lock(&self.reading);
        loop {
            if self.subscription.is_deleted() {
                return Err(self.give_up(JournalError::TableDeleted.into()));
            }
            let (starts_at, at) = self.table().map(|table| (table.first_offset(), table.next_offset()))?;
            if at >= end {
                if starts_at < first_offset {
                    self.table.write().map_err(|_| broken())?.drop_before(first_offset);
                }
                return Ok(());
            }
            let frames = match self.subscription.recent(at) {
                Some(frames) => frames,
                None => journal.read(&self.name, at..end, READ_BYTES)?,
            };
            // What is read after the table was deleted may be of the one that has its name now.
            if self.subscription.is_deleted() {
                continue;
            }
            if frames.is_empty() {
                // Every row up to there was dropped meanwhile.
                return Ok(());
            }
            for frame in frames {
                let stored = decode(&frame)?;
                // The lock is taken for one frame at a time, so that who reads waits little.
                let mut table = self.table.write().map_err(|_| broken())?;
                let from = table.next_offset();
                if stored.first_offset > from {
                    // The rows between were dropped by retention.
                    if table.n_rows() > 0 {
                        drop(table);
                        let error = JournalError::RowsDropped { from, first_offset: stored.first_offset };
                        return Err(self.give_up(error.into()));
                    }
                    *table = Table::starting_at(stored.first_offset);
                }
                table.append(&stored).map_err(|error| self.refused(&error, tables))?;
            }
            self.set_bytes(self.table()?.memory_bytes());
            if let Err(error) = tables.make_room(self, 0) {
                return Err(self.give_up(error));
            }
        }
    }

    /// The view, made or brought up to date.
    fn up_to_date<'a>(
        &self,
        shared: &SharedView,
        slot: &'a mut Option<View>,
        table: &Table,
        tables: &Tables,
    ) -> Result<&'a mut View, QueryError> {
        let spec = shared.spec();
        let n_computed = spec.sort.iter().filter(|key| !matches!(key.expr, Expr::Column(_))).count();
        let row_bytes = SORTED_ROW_BYTES + n_computed * size_of::<Value>();
        let sorted_bytes = if spec.sort.is_empty() { 0 } else { row_bytes * table.n_rows() };
        let max_bytes = shared.n_bytes() + tables.n_free_bytes();
        // Told while the view is held, so that it never goes back.
        let now = Timestamp(now_micros());
        let mut view = match slot.take() {
            Some(mut view) => view.advance_within(table, now, max_bytes).map(|_| view),
            None if spec.is_grouped() => shared.make(table, now, max_bytes),
            None => {
                // A bit for each row where there is no order.
                tables.make_room(self, sorted_bytes.max(table.n_rows() / 8))?;
                shared.set_bytes(sorted_bytes);
                shared.make(table, now, max_bytes)
            }
        };
        if matches!(view, Err(EngineError::TooManyGroups)) {
            // Once more, with all the room that others do not use.
            shared.set_bytes(0);
            tables.make_all_room();
            view = shared.make(table, now, tables.n_free_bytes());
        }
        let view = view.map_err(|error| {
            shared.set_bytes(0);
            self.refused(&error, tables)
        })?;
        // A view that put its order off takes little yet, and will take more.
        shared.set_bytes(if view.is_settled() { view.memory_bytes() } else { sorted_bytes });
        Ok(slot.insert(view))
    }

    /// Lets go of the table, for whoever asks about it from now on.
    fn give_up(&self, error: QueryError) -> QueryError {
        let error = self.given_up.get_or_init(|| error).clone();
        tracing::warn!(table = %self.name, code = error.code(), "a table was given up");
        self.views.clear();
        if let Ok(mut table) = self.table.write() {
            *table = Table::new();
        }
        self.set_bytes(0);
        error
    }

    fn refused(&self, error: &EngineError, tables: &Tables) -> QueryError {
        match error {
            EngineError::TooManyGroups => tables.no_room(self, 0),
            EngineError::TooManyRows => tables.no_room(self, usize::MAX),
            // The journal gives rows without gaps, and questions are read before they come here.
            other => JournalError::Internal(other.to_string()).into(),
        }
    }

    /// The table, unless it was given up.
    fn table(&self) -> Result<RwLockReadGuard<'_, Table>, QueryError> {
        let table = self.table.read().map_err(|_| broken())?;
        self.given_up.get().map_or(Ok(table), |error| Err(error.clone()))
    }

    /// The table's name.
    pub(super) fn name(&self) -> &TableName {
        &self.name
    }
}

/// A thread ended in the middle of a change, so the table is not what it should be.
fn broken() -> QueryError {
    JournalError::Internal("the table in memory is broken".to_owned()).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is set at once.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
