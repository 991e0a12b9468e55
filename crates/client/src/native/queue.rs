//! One writer's way out: its rows, bounded, and the machine that says what to do with them.

use model::{Seq, WriterId};
use wire::append::Header;

use super::http::Reply;
use super::rows::{Chunk, decode, pieces};
use super::spool::Spool;
use super::status::{LastError, Notice, State, Status, Storage};
use super::store::Store;
use crate::error::DeliveryError;
use crate::machine::{Machine, Step};
use crate::options::{Options, WhenFull};
use crate::outbox::Span;
use crate::uploader::{Batching, Verdict};

/// Rows are kept in pieces of at most so many bytes; a row that is larger is a piece of its own.
const PIECE_BYTES: usize = 256 << 10;
/// The rows to be sent next are in memory, so many bytes of them.
const WINDOW_BYTES: u64 = 4 << 20;
/// The most that may wait in memory because files cannot be written, in bytes.
const MAX_UNSAVED_BYTES: u64 = 64 << 20;
/// How often files that cannot be written or read are tried again.
const RETRY_FILES_MILLIS: u64 = 1_000;

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Todo {
    /// Send this body and come back with the reply.
    Send(String),
    /// Come back at this time, or when something happened.
    WaitUntil(u64),
    /// Come back when something happened.
    Idle,
    /// There is nothing left to do, ever.
    Finished,
}

/// The most that may wait.
#[derive(Clone, Copy, Debug)]
struct Limits {
    max_rows: u64,
    max_bytes: u64,
    when_full: WhenFull,
}

/// The rows of one writer for one table, on their way.
#[derive(Debug)]
pub(crate) struct Queue {
    writer: WriterId,
    key: Option<String>,
    machine: Machine,
    store: Store,
    limits: Limits,
    last_seq: Seq,
    /// Rows up to this one do not linger.
    hurry_through: Seq,
    n_dropped: u64,
    n_recovered: u64,
    retry_files_at_millis: u64,
    /// Whether it was told that files cannot be read.
    is_told_unreadable: bool,
    last_error: Option<LastError>,
    notices: Vec<Notice>,
    is_finishing: bool,
}

impl Queue {
    /// A new writer's queue.
    pub(crate) fn new(writer: WriterId, options: &Options, spool: Option<Spool>) -> Self {
        Self::with_window(writer, options, options.batching(), spool, WINDOW_BYTES)
    }

    /// A queue of the rows that a writer whose program is gone left behind. It ends when they are settled.
    pub(crate) fn left_behind(writer: WriterId, options: &Options, spool: Spool) -> Self {
        let batching = Batching { linger_millis: 0, ..options.batching() };
        let mut queue = Self::with_window(writer, options, batching, Some(spool), WINDOW_BYTES);
        queue.finish();
        queue
    }

    fn with_window(
        writer: WriterId,
        options: &Options,
        batching: Batching,
        spool: Option<Spool>,
        window_bytes: u64,
    ) -> Self {
        // Where more wait than go with one request, the machine must see so.
        let max_window_bytes = window_bytes.max(batching.max_bytes.saturating_mul(2));
        Self {
            writer,
            key: options.key.clone(),
            machine: Machine::new(batching),
            store: Store::new(spool, max_window_bytes),
            limits: Limits {
                max_rows: options.max_queue_rows as u64,
                max_bytes: options.max_queue_bytes as u64,
                when_full: options.when_full,
            },
            last_seq: 0,
            hurry_through: 0,
            n_dropped: 0,
            n_recovered: 0,
            retry_files_at_millis: 0,
            is_told_unreadable: false,
            last_error: None,
            notices: Vec::new(),
            is_finishing: false,
        }
    }

    /// Takes rows in: JSON objects, each with its line end.
    ///
    /// # Errors
    /// [`DeliveryError::Finished`], and [`DeliveryError::QueueFull`] when some of them were dropped; the others wait.
    pub(crate) fn push(&mut self, lines: &str) -> Result<(), DeliveryError> {
        if self.is_finishing {
            return Err(DeliveryError::Finished);
        }
        let (lines, n_dropped) = self.fitting(lines);
        let mut failure = None;
        for piece in pieces(lines, PIECE_BYTES) {
            if let Some(chunk) = Chunk::new(self.last_seq + 1, piece.to_owned()) {
                self.last_seq = chunk.last_seq();
                failure = self.store.push(chunk, &mut self.machine).err().or(failure);
            }
        }
        if let Some(error) = failure {
            self.retry_files_at_millis = 0;
            self.tell(storage_error(&error));
        }
        if n_dropped == 0 {
            return Ok(());
        }
        self.n_dropped += n_dropped;
        let error = DeliveryError::QueueFull { n_rows: n_dropped };
        self.remember(&error);
        Err(error)
    }

    /// Those of the lines for which there is room, or can be made; says how many of them are left out.
    fn fitting<'a>(&mut self, lines: &'a str) -> (&'a str, u64) {
        let mut ends = vec![0];
        ends.extend(lines.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1));
        let n_given = ends.len() - 1;
        let mut first = 0;
        if self.limits.when_full == WhenFull::DropOldest {
            // Of more rows than can wait at all, the newest wait.
            let max_bytes = usize::try_from(self.limits.max_bytes).unwrap_or(usize::MAX);
            first = ends.partition_point(|&end| lines.len() - end > max_bytes).min(n_given);
            first = first.max(n_given.saturating_sub(usize::try_from(self.limits.max_rows).unwrap_or(usize::MAX)));
            self.make_room((n_given - first) as u64, (lines.len() - ends[first]) as u64);
        }
        let (room_rows, room_bytes) = self.room();
        let fits = |&&end: &&usize| (end - ends[first]) as u64 <= room_bytes;
        let n_fitting = ends[first + 1..].iter().take_while(fits).count().min(room_rows as usize);
        (&lines[ends[first]..ends[first + n_fitting]], (n_given - n_fitting) as u64)
    }

    /// How many more rows and bytes may wait.
    fn room(&self) -> (u64, u64) {
        let mut room_bytes = self.limits.max_bytes.saturating_sub(self.n_bytes());
        if self.store.is_failing() {
            room_bytes = room_bytes.min(MAX_UNSAVED_BYTES.saturating_sub(self.store.unsaved_bytes()));
        }
        (self.limits.max_rows.saturating_sub(self.n_rows()), room_bytes)
    }

    /// Drops the oldest rows until others fit, as far as that can be: rows that are under way stay.
    fn make_room(&mut self, n_rows: u64, n_bytes: u64) {
        let mut n_dropped = 0;
        loop {
            let over_rows = (self.n_rows() + n_rows).saturating_sub(self.limits.max_rows);
            let over_bytes = (self.n_bytes() + n_bytes).saturating_sub(self.limits.max_bytes);
            if (over_rows, over_bytes) == (0, 0) {
                break;
            }
            let bytes_a_row = (self.n_bytes() / self.n_rows().max(1)).max(1);
            let n = self.machine.drop_oldest(over_rows.max(over_bytes.div_ceil(bytes_a_row)));
            n_dropped += n;
            self.store.trim(&self.machine);
            if n == 0 && !self.refill() {
                break;
            }
        }
        if n_dropped > 0 {
            self.tell(DeliveryError::QueueFull { n_rows: n_dropped });
        }
    }

    /// Gets more rows from files, where the machine has few; says whether there were any.
    fn refill(&mut self) -> bool {
        let (last_seq, mut told) = (self.machine.outbox().last_seq(), Vec::new());
        match self.store.refill(&mut self.machine, &mut told) {
            Ok(n_lost) => {
                self.n_dropped += n_lost;
                self.is_told_unreadable &= self.store.is_unreadable();
            }
            // One outage is told once.
            Err(_) if self.is_told_unreadable => {}
            Err(error) => {
                self.is_told_unreadable = true;
                told.push(DeliveryError::StorageUnavailable(format!("rows that wait there cannot be read: {error}")));
            }
        }
        told.into_iter().for_each(|error| self.tell(error));
        if last_seq < self.hurry_through {
            self.machine.hurry();
        }
        self.machine.outbox().last_seq() > last_seq
    }

    /// Asks for the rows so far to go without lingering; says the number up to which they must be settled.
    pub(crate) fn hurry(&mut self) -> Seq {
        self.hurry_through = self.last_seq;
        self.machine.hurry();
        self.last_seq
    }

    /// Takes no more rows, and ends once those there are settled.
    pub(crate) fn finish(&mut self) {
        self.is_finishing = true;
        self.machine.finish();
    }

    /// The number up to which every row was dealt with.
    pub(crate) fn settled_seq(&self) -> Seq {
        let outbox = self.machine.outbox();
        // Rows that files have lost are no longer waited for.
        let is_empty = outbox.n_rows() == 0 && self.store.is_caught_up();
        if is_empty { self.last_seq } else { outbox.settled_seq() }
    }

    /// What to do at this time, in milliseconds of a clock that never goes back. May read and write files.
    pub(crate) fn next(&mut self, now_millis: u64) -> Todo {
        if self.is_ailing() && now_millis >= self.retry_files_at_millis {
            self.retry_files_at_millis = now_millis + RETRY_FILES_MILLIS;
            self.store.try_reading();
            self.save_late();
        }
        self.refill();
        match self.machine.next(now_millis) {
            Step::Send(span) => Todo::Send(self.body(span)),
            Step::WaitUntil(at_millis) if self.is_ailing() => {
                Todo::WaitUntil(at_millis.min(self.retry_files_at_millis))
            }
            Step::WaitUntil(at_millis) => Todo::WaitUntil(at_millis),
            Step::Finished if self.store.is_caught_up() => Todo::Finished,
            Step::Idle | Step::Finished if self.is_ailing() => Todo::WaitUntil(self.retry_files_at_millis),
            Step::Idle | Step::Finished => Todo::Idle,
        }
    }

    /// Whether files could not be written or read the last time.
    fn is_ailing(&self) -> bool {
        self.store.is_failing() || self.store.is_unreadable()
    }

    fn save_late(&mut self) {
        if !self.store.is_failing() {
            return;
        }
        match self.store.save_late() {
            Ok(()) => self.notices.push(Notice::Status),
            // The outage was told when it began.
            Err(error) => self.remember(&storage_error(&error)),
        }
    }

    fn body(&self, span: Span) -> String {
        let mut body = String::with_capacity(span.n_bytes as usize + 128);
        Header { writer: self.writer, seq: span.first_seq, key: self.key.clone() }.encode(&mut body);
        self.store.write_lines(span, &mut body);
        body
    }

    /// Takes the reply to the last [`Todo::Send`], and says how many requests failed in a row; `random` is in `0..1`. May
    /// delete files.
    pub(crate) fn on_reply(&mut self, now_millis: u64, reply: Reply, random: f64) -> u32 {
        let Some(span) = self.machine.in_flight() else { return 0 };
        let was_failing = self.machine.n_failures() > 0;
        let n_refused = if let Reply::Ack(ack) = &reply { ack.refused.len() as u64 } else { 0 };
        let verdict = self.machine.on_answer(now_millis, reply.answer(), n_refused, random);
        match (verdict, reply) {
            (Some(Verdict::Through(_)), Reply::Ack(ack)) => {
                for refusal in &ack.refused {
                    let seq = span.first_seq + refusal.index;
                    let Some(row) = self.rows(Span { first_seq: seq, n_rows: 1, n_bytes: 0 }).pop() else { continue };
                    let (code, message) = (refusal.code.clone(), refusal.message.clone());
                    self.tell(DeliveryError::RowRefused { seq, row, code, message });
                }
                self.notices.push(Notice::Acked(ack));
            }
            (Some(Verdict::Aside(span)), reply) => {
                let (code, message) = reply.reason();
                let (first_seq, rows) = (span.first_seq, self.rows(span));
                self.tell(DeliveryError::RequestRefused { first_seq, rows, code, message });
            }
            (Some(Verdict::Later(_)), reply) => {
                let (code, message) = reply.reason();
                let error = match reply {
                    Reply::Error { .. } => DeliveryError::Unavailable { code, message },
                    Reply::Ack(_) | Reply::Lost(_) => DeliveryError::Network(message),
                };
                // One outage is told once; `status` has the newest reason.
                if was_failing { self.remember(&error) } else { self.tell(error) }
            }
            (Some(Verdict::Smaller | Verdict::Through(_)) | None, _) => {}
        }
        self.store.trim(&self.machine);
        self.notices.push(Notice::Status);
        self.machine.n_failures()
    }

    fn rows(&self, span: Span) -> Vec<model::Row> {
        let mut lines = String::new();
        self.store.write_lines(span, &mut lines);
        decode(&lines)
    }

    /// Counts rows that another writer left behind and that were delivered.
    pub(crate) fn count_recovered(&mut self, n_rows: u64) {
        self.n_recovered += n_rows;
    }

    /// Deletes the files: every row was dealt with, and no more come.
    pub(crate) fn close(&mut self) {
        self.store.close();
    }

    /// Tells of something.
    pub(crate) fn notify(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    /// Tells of an error, which also is the last one now.
    pub(crate) fn tell(&mut self, error: DeliveryError) {
        self.remember(&error);
        self.notices.push(Notice::Error(error));
    }

    fn remember(&mut self, error: &DeliveryError) {
        self.last_error = Some(LastError { code: error.code().to_owned(), message: error.to_string() });
    }

    /// What there is to tell since the last time.
    pub(crate) fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn n_rows(&self) -> u64 {
        self.machine.outbox().n_rows() + self.store.behind().n_rows
    }

    fn n_bytes(&self) -> u64 {
        self.machine.outbox().n_bytes() + self.store.behind().n_bytes
    }

    /// How the rows are doing.
    pub(crate) fn status(&self) -> Status {
        let (queued, counts) = (self.n_rows(), self.machine.counts());
        let state = match (queued, self.machine.n_failures()) {
            (0, _) if self.is_finishing => State::Finished,
            (0, _) => State::Idle,
            (_, 0) => State::Sending,
            _ => State::Retrying,
        };
        let is_in_files = self.store.has_files() && !self.store.is_failing();
        Status {
            state,
            queued,
            sent: self.machine.sent_seq(),
            acknowledged: counts.n_acknowledged,
            rejected: counts.n_rejected,
            dropped: self.n_dropped + counts.n_dropped,
            recovered: self.n_recovered,
            volatile: if self.store.has_files() { self.store.n_unsaved(self.settled_seq()) } else { queued },
            bytes: self.n_bytes(),
            storage: if is_in_files { Storage::Files } else { Storage::Memory },
            last_error: self.last_error.clone(),
        }
    }
}

/// What the outbox's disk said, for the user.
fn storage_error(error: &std::io::Error) -> DeliveryError {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};

    match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => DeliveryError::StorageFull(error.to_string()),
        _ => DeliveryError::StorageUnavailable(format!("rows wait in memory alone: {error}")),
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
