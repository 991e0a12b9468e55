//! The one thread that writes: whatever waits becomes one transaction, then one fsync, then many answers. Between these it
//! does what else changes the file, a bounded piece at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::commit::{Change, commit};
use super::schema::allow_checkpoint_on_close;
use super::sqlite::Shared;
use super::task::{Outcome, Task, run_task};
use super::{Append, Appended, JournalError, JournalEvent, OnEvent};

/// The most rows' bytes, as they came, in one transaction.
const MAX_GROUP_BYTES: usize = 16 << 20;
/// The most appends in one transaction.
const MAX_GROUP_JOBS: usize = 4096;
/// After a panic so many appends are written each by itself, so that the one at fault harms no other.
const N_ALONE_AFTER_PANIC: usize = 256;
/// The log is folded into the file when it has so many pages, which is each 32 MiB or so: it stays short, and the writer
/// stops seldom.
const CHECKPOINT_PAGES: u32 = 4000;

/// Who waits for the outcome of something.
pub(super) type Answer<T> = oneshot::Sender<Result<T, JournalError>>;

/// What the thread is asked to do, with the one who waits for it. All is done in the order in which it was asked.
pub(super) enum Job {
    /// To keep rows.
    Append(Append, Answer<Appended>),
    /// To do something else.
    Task(Task, Answer<bool>),
    /// To fold the log into the file now.
    Fold(Answer<()>),
}

pub(super) struct Writer {
    conn: Connection,
    shared: Arc<Shared>,
    on_event: OnEvent,
    n_alone: usize,
    /// How many pages the log had after the last commit.
    log_pages: Arc<AtomicU32>,
}

impl Writer {
    pub(super) fn new(mut conn: Connection, shared: Arc<Shared>, on_event: OnEvent) -> rusqlite::Result<Self> {
        let log_pages = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&log_pages);
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n_pages| {
            seen.store(u32::try_from(n_pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { conn, shared, on_event, n_alone: 0, log_pages })
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut next = jobs.recv().ok();
        while let Some(job) = next.take() {
            match job {
                Job::Append(append, answer) => next = self.write_group(append, answer, jobs),
                Job::Task(task, answer) => self.do_task(task, answer),
                Job::Fold(answer) => {
                    // Whoever went away does not care.
                    let _ = answer.send(self.attempt(|writer| writer.checkpoint("PASSIVE")));
                }
            }
            self.checkpoint_if_long();
            next = next.or_else(|| jobs.recv().ok());
        }
        if self.shared.check().is_err() {
            return;
        }
        // The log is folded into the file, so that a copy of the file alone is the whole journal.
        let folded = self.checkpoint("TRUNCATE");
        // The last connection that closes removes the log's file, unless it is told to write nothing.
        let allowed = |()| allow_checkpoint_on_close(&self.conn).map_err(|error| write_error(&error));
        if let Err(error) = folded.and_then(allowed) {
            tracing::warn!(%error, "the journal's log was not folded in");
        }
    }

    /// Writes an append and those that wait behind it, up to the first job of another kind, which is given back.
    fn write_group(&mut self, append: Append, answer: Answer<Appended>, jobs: &Receiver<Job>) -> Option<Job> {
        let mut n_bytes = append.reservation.n_bytes();
        let (mut appends, mut answers) = (vec![append], vec![answer]);
        let max_jobs = if self.n_alone > 0 { 1 } else { MAX_GROUP_JOBS };
        self.n_alone = self.n_alone.saturating_sub(1);
        let mut other = None;
        while n_bytes < MAX_GROUP_BYTES && appends.len() < max_jobs {
            match jobs.recv_timeout(std::time::Duration::ZERO) {
                Ok(Job::Append(append, answer)) => {
                    n_bytes += append.reservation.n_bytes();
                    appends.push(append);
                    answers.push(answer);
                }
                Ok(task) => {
                    other = Some(task);
                    break;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        self.write(&appends, answers);
        other
    }

    fn write(&mut self, appends: &[Append], answers: Vec<Answer<Appended>>) {
        let result = self.attempt(|writer| commit(&mut writer.conn, &writer.shared, appends));
        match result {
            Ok((appended, changes)) => {
                self.publish(changes);
                for (answer, appended) in answers.into_iter().zip(appended) {
                    // Whoever went away will ask again.
                    let _ = answer.send(Ok(appended));
                }
            }
            Err(error) => {
                if matches!(error, JournalError::Internal(_)) {
                    self.n_alone = N_ALONE_AFTER_PANIC;
                }
                tracing::error!(%error, n_appends = answers.len(), "rows were not written");
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    fn do_task(&mut self, task: Task, answer: Answer<bool>) {
        let result = self.attempt(|writer| run_task(&mut writer.conn, &writer.shared, task));
        let result = result.map(|outcome| match outcome {
            Outcome::Nothing(result) => result,
            Outcome::Changed(table, result) => {
                self.shared.put(table);
                result
            }
            Outcome::Deleted(name, id) => {
                self.shared.remove(&name, id);
                (self.on_event)(JournalEvent::Deleted(&name));
                true
            }
        });
        if let Err(error) = &result {
            tracing::error!(%error, "the journal's file was not changed");
        }
        // Whoever went away will see what came of it.
        let _ = answer.send(result);
    }

    /// Does something to the file, unless a write failed before. After one that fails nothing is written any more.
    fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, JournalError>) -> Result<T, JournalError> {
        self.shared.check()?;
        let caught = catch_unwind(AssertUnwindSafe(|| work(self)));
        let result = caught.unwrap_or_else(|_| Err(JournalError::Internal("writing them panicked".to_owned())));
        if let Err(JournalError::Failed(reason)) = &result {
            *self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
        }
        result
    }

    fn publish(&self, changes: Vec<Change>) {
        for change in changes {
            let name = change.table.state.name.clone();
            self.shared.put(change.table);
            for frame in &change.frames {
                (self.on_event)(JournalEvent::Stored(&name, frame));
            }
        }
    }

    fn checkpoint_if_long(&mut self) {
        if self.log_pages.load(Ordering::Relaxed) < CHECKPOINT_PAGES || self.shared.check().is_err() {
            return;
        }
        // On a full disk the log stays as it is, and holds every row.
        if let Err(error) = self.attempt(|writer| writer.checkpoint("PASSIVE")) {
            tracing::error!(%error, "the journal's log was not folded in");
        }
    }

    fn checkpoint(&self, mode: &str) -> Result<(), JournalError> {
        let folded = self.conn.pragma_update_and_check(None, "wal_checkpoint", mode, |_| Ok(()));
        folded.map_err(|error| write_error(&error))
    }
}

/// A full disk passes; after any other failure to write, what is on disk is unknown and must be read afresh.
pub(super) fn write_error(error: &rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => JournalError::DiskFull,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OutOfMemory) => {
            JournalError::Store(error.to_string())
        }
        _ => JournalError::Failed(error.to_string()),
    }
}
