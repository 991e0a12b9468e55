//! One table's way out: outbox and uploader tied together, the same in a browser and in a native program.
//!
//! [`Machine`] is pure. [`drive`] runs it over the ports until the table is finished.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use model::{Seq, WriterId};
use wire::append::Header;

use crate::error::DeliveryError;
use crate::options::Options;
use crate::outbox::{Outbox, Pushed, Store};
use crate::ports::{Clock, Notice, Observer, Random, Reply, Transport};
use crate::uploader::{Action, Batching, Event, Uploader, Verdict};

/// What a table's way out is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Every row was dealt with.
    Idle,
    /// Rows wait or are under way.
    Sending,
    /// The last try failed; the rows are sent again.
    Retrying,
    /// The table is finished.
    Finished,
}

/// How the rows logged so far are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What is going on.
    pub state: State,
    /// Rows that wait or are under way.
    pub queued: u64,
    /// Rows that were sent at least once.
    pub sent: u64,
    /// Rows that the server has stored.
    pub acknowledged: u64,
    /// Rows that the server refused for good.
    pub rejected: u64,
    /// Rows that were dropped because the queue was full.
    pub dropped: u64,
    /// The size of the rows that wait or are under way, in bytes.
    pub bytes: u64,
    /// What went wrong last.
    pub last_error: Option<LastError>,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// A code that stays the same from version to version.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// What the driver does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this body and come back with the reply.
    Send(String),
    /// Come back at this time, or when woken.
    WaitUntil(u64),
    /// Come back when woken.
    Idle,
    /// There is nothing left to do, ever.
    Finished,
}

/// One writer's rows for one table.
#[derive(Debug)]
pub struct Machine<S> {
    writer: WriterId,
    key: Option<String>,
    outbox: Outbox<S>,
    uploader: Uploader,
    sent_seq: Seq,
    hurry_through: Seq,
    n_acknowledged: u64,
    n_rejected: u64,
    n_dropped: u64,
    last_error: Option<LastError>,
    finishing: bool,
}

impl<S: Store> Machine<S> {
    /// Starts with nothing to send.
    #[must_use]
    pub fn new(writer: WriterId, options: &Options, store: S) -> Self {
        let batching = Batching {
            max_rows: options.max_batch_rows.max(1) as u64,
            max_bytes: options.max_batch_bytes,
            linger_millis: options.linger_millis,
            max_retry_millis: options.max_retry_millis,
        };
        Self {
            writer,
            key: options.key.clone(),
            outbox: Outbox::new(store, options.max_queue_rows, options.max_queue_bytes),
            uploader: Uploader::new(batching),
            sent_seq: 0,
            hurry_through: 0,
            n_acknowledged: 0,
            n_rejected: 0,
            n_dropped: 0,
            last_error: None,
            finishing: false,
        }
    }

    /// Takes rows in: JSON objects, each with its line end.
    ///
    /// # Errors
    /// [`DeliveryError::Finished`], and [`DeliveryError::QueueFull`] when some of them were dropped; the others are queued.
    pub fn push(&mut self, lines: String) -> Result<(), DeliveryError> {
        if self.finishing {
            return Err(DeliveryError::Finished);
        }
        let Pushed { n_dropped, .. } = self.outbox.push(lines);
        self.n_dropped += n_dropped;
        if n_dropped > 0 {
            let error = DeliveryError::QueueFull { n_rows: n_dropped };
            self.remember(&error);
            return Err(error);
        }
        Ok(())
    }

    /// Asks for the rows so far to go without lingering; says the number up to which they must be settled.
    pub fn hurry(&mut self) -> Seq {
        self.hurry_through = self.outbox.last_seq();
        self.hurry_through
    }

    /// The body for a last attempt whose answer nobody will hear: the oldest rows, as many as fit `max_bytes`.
    ///
    /// Those under way are among them, for their request may never arrive, and rows that came before theirs would be
    /// taken for rows that are known. `None` when nothing waits or the oldest row alone is too large.
    pub fn last_call(&mut self, max_bytes: usize) -> Option<String> {
        let mut body = String::new();
        Header { writer: self.writer, seq: self.outbox.settled_seq() + 1, key: self.key.clone() }.encode(&mut body);
        let room_bytes = max_bytes.checked_sub(body.len())?;
        let span = self.outbox.oldest(u64::MAX, room_bytes).filter(|span| span.n_bytes <= room_bytes)?;
        self.sent_seq = self.sent_seq.max(span.last_seq());
        self.outbox.write(span, &mut body);
        Some(body)
    }

    /// Takes no more rows, and ends once those there are settled.
    pub fn finish(&mut self) {
        self.finishing = true;
    }

    /// Whether every row up to this one was dealt with.
    #[must_use]
    pub fn is_settled(&self, seq: Seq) -> bool {
        self.outbox.settled_seq() >= seq
    }

    /// What to do at this time.
    pub fn next(&mut self, now_millis: u64) -> Step {
        match self.uploader.next(now_millis, Event::Hurry(self.hurry_through), &self.outbox) {
            Action::Send(span) => {
                self.sent_seq = self.sent_seq.max(span.last_seq());
                let header = Header { writer: self.writer, seq: span.first_seq, key: self.key.clone() };
                let mut body = String::with_capacity(span.n_bytes + 128);
                header.encode(&mut body);
                self.outbox.write(span, &mut body);
                Step::Send(body)
            }
            Action::WaitUntil(at_millis) => Step::WaitUntil(at_millis),
            Action::Idle if self.finishing && self.outbox.n_rows() == 0 => Step::Finished,
            Action::Idle => Step::Idle,
        }
    }

    /// Takes the reply to the last [`Step::Send`]; says what a user may want to know. `random` is in `0..1`.
    pub fn on_reply(&mut self, now_millis: u64, reply: &Reply, random: f64) -> Vec<Notice> {
        let was_failing = self.uploader.n_failures() > 0;
        let first_seq = self.outbox.settled_seq() + 1;
        let mut notices = Vec::new();
        match self.uploader.on_reply(now_millis, reply, random) {
            Some(Verdict::Through(seq, ack)) => {
                let n_refused = ack.refused.len() as u64;
                let n_removed = self.outbox.remove_through(seq);
                self.n_rejected += n_refused;
                self.n_acknowledged += n_removed.saturating_sub(n_refused);
                for refusal in &ack.refused {
                    let (code, message) = (refusal.code.clone(), refusal.message.clone());
                    notices.push(self.error(DeliveryError::RowRefused {
                        seq: first_seq + refusal.index,
                        code,
                        message,
                    }));
                }
                notices.push(Notice::Acked(ack));
            }
            Some(Verdict::Aside(span)) => {
                let n_rows = self.outbox.remove_through(span.last_seq());
                self.n_rejected += n_rows;
                let (code, message) = reason(reply);
                notices.push(self.error(DeliveryError::RequestRefused { n_rows, code, message }));
            }
            Some(Verdict::Later(_)) => {
                let (code, message) = reason(reply);
                let error = match reply {
                    Reply::Error { .. } => DeliveryError::Unavailable { code, message },
                    Reply::Ack(_) | Reply::Lost(_) => DeliveryError::Network(message),
                };
                // One outage is told once; `status` has the newest reason.
                let notice = self.error(error);
                if !was_failing {
                    notices.push(notice);
                }
            }
            Some(Verdict::Smaller) | None => {}
        }
        notices
    }

    fn error(&mut self, error: DeliveryError) -> Notice {
        self.remember(&error);
        Notice::Error(error)
    }

    fn remember(&mut self, error: &DeliveryError) {
        self.last_error = Some(LastError { code: error.code().to_owned(), message: error.to_string() });
    }

    /// How the rows are doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let n_queued = self.outbox.n_rows();
        let state = match (n_queued, self.uploader.n_failures()) {
            (0, _) if self.finishing => State::Finished,
            (0, _) => State::Idle,
            (_, 0) => State::Sending,
            _ => State::Retrying,
        };
        Status {
            state,
            queued: n_queued,
            sent: self.sent_seq,
            acknowledged: self.n_acknowledged,
            rejected: self.n_rejected,
            dropped: self.n_dropped,
            bytes: self.outbox.n_bytes() as u64,
            last_error: self.last_error.clone(),
        }
    }
}

fn reason(reply: &Reply) -> (String, String) {
    match reply {
        Reply::Error { status, code, message, .. } => {
            let fallback = || format!("http_{status}");
            (code.clone().unwrap_or_else(fallback), message.clone().unwrap_or_else(fallback))
        }
        Reply::Ack(_) => ("network".to_owned(), "the answer acknowledges none of the rows".to_owned()),
        Reply::Lost(message) => ("network".to_owned(), message.clone()),
    }
}

/// A machine that its user and its driver share.
#[derive(Debug)]
pub struct Shared<S> {
    machine: Mutex<Machine<S>>,
    signals: Mutex<Signals>,
}

#[derive(Debug, Default)]
struct Signals {
    /// Something happened since the driver last waited.
    woken: bool,
    driver: Option<Waker>,
    waiting: Vec<Waker>,
}

impl<S: Store> Shared<S> {
    /// Shares a machine.
    #[must_use]
    pub fn new(machine: Machine<S>) -> Self {
        Self { machine: Mutex::new(machine), signals: Mutex::default() }
    }

    /// Asks or tells the machine something. To be short, and to call nothing that could come back here.
    pub fn with<T>(&self, f: impl FnOnce(&mut Machine<S>) -> T) -> T {
        f(&mut lock(&self.machine))
    }

    /// Tells the driver that the machine has something new.
    pub fn wake(&self) {
        let driver = {
            let mut signals = lock(&self.signals);
            signals.woken = true;
            signals.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Settles when the server has dealt with every row pushed so far.
    pub async fn flush(&self) {
        let seq = self.with(Machine::hurry);
        self.wake();
        poll_fn(|cx| {
            // The waker is left before the look, so that an answer in between is not missed.
            lock(&self.signals).waiting.push(cx.waker().clone());
            if self.with(|machine| machine.is_settled(seq)) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn wake_waiting(&self) {
        let waiting = std::mem::take(&mut lock(&self.signals).waiting);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Settles when woken, or when `timer` does.
    async fn wait(&self, timer: Option<impl Future<Output = ()>>) {
        let mut timer = pin!(timer);
        poll_fn(|cx| {
            {
                let mut signals = lock(&self.signals);
                if std::mem::take(&mut signals.woken) {
                    return Poll::Ready(());
                }
                signals.driver = Some(cx.waker().clone());
            }
            match timer.as_mut().as_pin_mut() {
                Some(timer) => timer.poll(cx),
                None => Poll::Pending,
            }
        })
        .await;
    }
}

/// A machine is whole after each of its calls, so a panic elsewhere under the lock does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends what the machine has until it is finished.
pub async fn drive<S: Store>(
    shared: &Shared<S>,
    transport: &impl Transport,
    clock: &impl Clock,
    random: &impl Random,
    observer: &impl Observer,
) {
    loop {
        let step = shared.with(|machine| machine.next(clock.now_millis()));
        match step {
            Step::Send(body) => {
                observer.notice(Notice::Status);
                let reply = transport.append(body).await;
                let now_millis = clock.now_millis();
                let notices = shared.with(|machine| machine.on_reply(now_millis, &reply, random.unit()));
                shared.wake_waiting();
                notices.into_iter().for_each(|notice| observer.notice(notice));
                observer.notice(Notice::Status);
            }
            Step::WaitUntil(at_millis) => {
                let millis = at_millis.saturating_sub(clock.now_millis());
                shared.wait(Some(clock.sleep(millis))).await;
            }
            Step::Idle => shared.wait(None::<std::future::Ready<()>>).await,
            Step::Finished => {
                observer.notice(Notice::Status);
                return;
            }
        }
    }
}

#[cfg(test)]
#[path = "stream_table_tests.rs"]
mod tests;
