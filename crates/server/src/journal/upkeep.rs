//! The thread that sees what is to be tidied up: small frames to be joined, rows that retention drops, rows that deleted
//! tables left behind. It reads and joins by itself and has the writer's thread change the file, one step at a time.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::Offset;

use super::merge::{Span, join, plan};
use super::reader::Readers;
use super::retention::OldestFrame;
use super::sqlite::{KnownTable, Queue, Shared};
use super::task::{Merged, Task};
use super::{JournalError, Retention};
use crate::clock::now_micros;

/// The shortest time from one look at the tables to the next; it is also so many times what a look takes by itself.
const MIN_INTERVAL: Duration = Duration::from_millis(500);
const MIN_INTERVAL_LOOKS: u32 = 20;
/// How many new frames make it worth a look at a table.
const MIN_NEW_FRAMES: u64 = 64;
/// How many frames are looked at together.
const MAX_SPANS: usize = 4096;

/// The thread; dropping it stops it after its step.
pub(super) struct Upkeep {
    worker: Arc<Mutex<Worker>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    pub(super) fn start(shared: Arc<Shared>, queue: Arc<Queue>, readers: Arc<Readers>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let worker = Arc::new(Mutex::new(Worker { shared, queue, readers, looked: HashMap::new() }));
        let own = Arc::clone(&worker);
        let run = move || {
            // Much may be left to do from before.
            let mut interval = Duration::ZERO;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(interval) {
                match lock(&own).look() {
                    Ok(took) => interval = MIN_INTERVAL.max(took * MIN_INTERVAL_LOOKS),
                    // There is nothing more to be done by this thread.
                    Err(JournalError::Closed | JournalError::Failed(_)) => return,
                    Err(error) => tracing::warn!(%error, "the journal was not tidied up"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("journal-upkeep".to_owned()).spawn(run)?;
        Ok(Self { worker, stop: Some(stop), thread: Some(thread) })
    }

    /// The work, for who does not want to wait for the thread.
    pub(super) fn worker(&self) -> Arc<Mutex<Worker>> {
        Arc::clone(&self.worker)
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the journal's upkeep panicked");
        }
    }
}

pub(super) struct Worker {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    /// By a table's id.
    looked: HashMap<i64, Looked>,
}

/// What is known of a table from the last look for small frames.
#[derive(Clone, Copy, Debug)]
struct Looked {
    /// How many frames had been added by then.
    n_frames: u64,
    /// Before this offset nothing can be joined any more.
    settled_offset: Offset,
}

/// What came of joining frames.
enum Joined {
    /// There are fewer now.
    Some,
    /// No two of them fit one frame, for their rows have too many columns.
    TooWide,
    /// They are not there any more.
    Gone,
}

impl Worker {
    /// Does what is to be done; says how long it took to find that out, the doing apart.
    ///
    /// What cannot be done now, since the disk is full, keeps nothing else from being done: dropping rows makes room.
    pub(super) fn look(&mut self) -> Result<Duration, JournalError> {
        let start = Instant::now();
        let mut doing = Duration::ZERO;
        let mut fault = None;
        let mut done = |result: Result<Duration, JournalError>| match result {
            Ok(took) => {
                doing += took;
                Ok(true)
            }
            Err(error @ (JournalError::Closed | JournalError::Failed(_))) => Err(error),
            Err(error) => {
                fault = Some(error);
                Ok(false)
            }
        };
        let deleted = self.shared.deleted().clone();
        for table_id in deleted {
            done(self.sweep(table_id))?;
        }
        let tables = self.shared.all();
        let now = now_micros();
        let mut may_merge = true;
        for table in &tables {
            if self.may_expire(table, now) {
                done(self.expire(table))?;
            }
            if may_merge && self.may_merge(table) {
                may_merge = done(self.merge(table))?;
            }
        }
        if self.looked.len() > 2 * tables.len() {
            self.looked.retain(|id, _| tables.iter().any(|table| table.id == *id));
        }
        fault.map_or(Ok(start.elapsed().saturating_sub(doing)), Err)
    }

    /// Whether there may be frames to join in a table.
    fn may_merge(&self, table: &KnownTable) -> bool {
        let n_rows = table.state.next_offset - table.state.first_offset;
        let n_new = table.n_frames - self.looked.get(&table.id).map_or(0, |looked| looked.n_frames);
        n_rows >= MIN_NEW_FRAMES && (n_new >= MIN_NEW_FRAMES || !self.looked.contains_key(&table.id))
    }

    /// Has a task done, and waits for it.
    fn ask(&self, task: Task) -> Result<bool, JournalError> {
        self.queue.ask_and_wait(task)
    }

    /// Removes what a deleted table left behind.
    fn sweep(&self, table_id: i64) -> Result<Duration, JournalError> {
        let start = Instant::now();
        while self.ask(Task::Sweep(table_id))? {}
        self.shared.deleted().retain(|id| *id != table_id);
        Ok(start.elapsed())
    }

    /// Whether a table's first frame may go. Reads no more than that needs.
    fn may_expire(&self, table: &KnownTable, now: i64) -> bool {
        let state = &table.state;
        let retention = state.retention.unwrap_or(self.shared.default_retention);
        if retention.is_endless() || state.first_offset == state.next_offset {
            return false;
        }
        let is_over = |retention: &Retention| {
            let cutoff = retention.cutoff_micros(now);
            cutoff.is_some_and(|cutoff| state.created_micros < cutoff)
                || retention.max_rows.is_some_and(|max| state.next_offset - state.first_offset > max)
                || retention.max_bytes.is_some_and(|max| state.n_bytes > max)
        };
        is_over(&retention)
            && self.readers.spans(table.id, state.first_offset, 1).is_ok_and(|spans| {
                spans.first().is_some_and(|span| {
                    let oldest = OldestFrame {
                        end_offset: span.first_offset + span.n_rows,
                        received_micros: span.received_micros,
                    };
                    retention.drops(state, oldest, now)
                })
            })
    }

    fn expire(&self, table: &KnownTable) -> Result<Duration, JournalError> {
        let start = Instant::now();
        while self.ask(Task::Expire(table.state.name.clone()))? {}
        Ok(start.elapsed())
    }

    /// Joins the small frames of a table.
    fn merge(&mut self, table: &KnownTable) -> Result<Duration, JournalError> {
        let start = Instant::now();
        let mut settled = self.looked.get(&table.id).map_or(0, |looked| looked.settled_offset);
        // Frames that come while this goes on are looked at the next time.
        let n_frames = table.n_frames;
        loop {
            let spans = self.readers.spans(table.id, settled, MAX_SPANS)?;
            settled = spans.iter().find(|span| !span.is_full()).map_or(settled, |span| span.first_offset);
            let Some(range) = plan(&spans) else {
                if spans.len() < MAX_SPANS {
                    break;
                }
                // So many frames that cannot be joined: they are passed over.
                settled = spans.last().map_or(settled, |span| span.first_offset);
                continue;
            };
            let spans = &spans[range];
            let after = spans.last().map_or(settled, |span| span.first_offset + span.n_rows);
            match self.join(table, spans) {
                Ok(Joined::Some) => {}
                Ok(Joined::TooWide) => settled = after,
                Ok(Joined::Gone) => break,
                Err(JournalError::Damaged { offset, reason }) => {
                    tracing::error!(table = %table.state.name, offset, reason, "damaged rows are not joined with others");
                    settled = after;
                }
                Err(error) => return Err(error),
            }
        }
        self.looked.insert(table.id, Looked { n_frames, settled_offset: settled });
        Ok(start.elapsed())
    }

    /// Joins these frames, or the first of them that make a frame.
    fn join(&self, table: &KnownTable, spans: &[Span]) -> Result<Joined, JournalError> {
        let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(Joined::Gone) };
        let mut frames = Vec::with_capacity(spans.len());
        let (mut at, end) = (first.first_offset, last.first_offset + last.n_rows);
        while at < end {
            let read = self.readers.read(table.id, at..end, usize::MAX)?;
            at = read.last().map_or(end, super::Frame::end_offset);
            frames.extend(read);
        }
        let mut rest = &frames[..];
        let mut joined = Joined::TooWide;
        while rest.len() > 1 {
            let (frame, n_joined) = join(rest)?;
            let (of_frame, after) = rest.split_at(n_joined.max(1));
            rest = after;
            if n_joined < 2 {
                continue;
            }
            let place = frames.len() - rest.len();
            let received = spans.iter().take(place).skip(place - n_joined).map(|span| span.received_micros).max();
            let is_done = self.ask(Task::Merge(Merged {
                table_id: table.id,
                name: table.state.name.clone(),
                n_frames: n_joined,
                n_bytes_before: of_frame.iter().map(|frame| frame.bytes.len() as u64).sum(),
                received_micros: received.unwrap_or_default(),
                frame,
            }))?;
            if !is_done {
                return Ok(Joined::Gone);
            }
            joined = Joined::Some;
        }
        Ok(joined)
    }
}

/// A look that panicked has forgotten nothing but what the next finds out again.
pub(super) fn lock(worker: &Mutex<Worker>) -> MutexGuard<'_, Worker> {
    worker.lock().unwrap_or_else(PoisonError::into_inner)
}
