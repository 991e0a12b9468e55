//! Drives a queue: sends what it says when it says so, and tells it the replies.
//!
//! What touches files or compresses runs on the runtime's threads for blocking work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Seq;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::chance;
use super::http::{Body, Http};
use super::queue::{Queue, Todo};
use super::status::Notice;

/// A queue that its user and its driver share.
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    wake: Notify,
    settled: watch::Sender<Seq>,
    is_closed: watch::Sender<bool>,
    observer: Box<dyn Fn(Notice) + Send + Sync>,
    start: Instant,
}

impl Shared {
    /// Shares a queue; `observer` is told what happens, never while the queue is locked.
    pub(crate) fn new(queue: Queue, observer: impl Fn(Notice) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(queue),
            wake: Notify::new(),
            settled: watch::Sender::new(0),
            is_closed: watch::Sender::new(false),
            observer: Box::new(observer),
            start: Instant::now(),
        })
    }

    /// Asks or tells the queue something, then passes on what it has to tell.
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Queue) -> T) -> T {
        let (result, settled_seq, notices) = {
            let mut queue = lock(&self.queue);
            let result = f(&mut queue);
            (result, queue.settled_seq(), queue.take_notices())
        };
        self.settled.send_if_modified(|seq| std::mem::replace(seq, settled_seq) != settled_seq);
        notices.into_iter().for_each(&self.observer);
        result
    }

    /// Tells the driver that the queue has something new.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Settles when the server has dealt with every row pushed so far.
    pub(crate) async fn flush(&self) {
        let seq = self.with(Queue::hurry);
        self.wake();
        // The sender lives as long as `self`.
        let _ = self.settled.subscribe().wait_for(|settled_seq| *settled_seq >= seq).await;
    }

    /// Takes no more rows, and settles when those there are were dealt with and no file is left of them.
    pub(crate) async fn finish(&self) {
        self.with(Queue::finish);
        self.flush().await;
        let _ = self.is_closed.subscribe().wait_for(|is_closed| *is_closed).await;
    }

    /// Sends what the queue has until it is finished, `max_failures` requests failed in a row, or the runtime shuts down.
    pub(crate) async fn drive(self: &Arc<Self>, http: &Http, max_failures: u32) {
        while let Some(next) = self.next().await {
            match next {
                Next::Send(body) => {
                    (self.observer)(Notice::Status);
                    let reply = http.append(body).await;
                    let n_failures = self.blocking(|shared| {
                        let now_millis = shared.now_millis();
                        shared.with(|queue| queue.on_reply(now_millis, reply, chance::unit()))
                    });
                    if n_failures.await.is_none_or(|n_failures| n_failures >= max_failures) {
                        return;
                    }
                }
                Next::WaitUntil(at_millis) => {
                    let millis = at_millis.saturating_sub(self.now_millis());
                    tokio::select! {
                        () = self.wake.notified() => {}
                        () = tokio::time::sleep(Duration::from_millis(millis)) => {}
                    }
                }
                Next::Wait => self.wake.notified().await,
                Next::Finish => {
                    self.blocking(|shared| shared.with(Queue::close)).await;
                    self.is_closed.send_replace(true);
                    return;
                }
            }
        }
    }

    async fn next(self: &Arc<Self>) -> Option<Next> {
        self.blocking(|shared| {
            let now_millis = shared.now_millis();
            match shared.with(|queue| queue.next(now_millis)) {
                Todo::Send(text) => Next::Send(Body::new(text)),
                Todo::WaitUntil(at_millis) => Next::WaitUntil(at_millis),
                Todo::Idle => Next::Wait,
                Todo::Finished => Next::Finish,
            }
        })
        .await
    }

    async fn blocking<T: Send + 'static>(self: &Arc<Self>, f: impl FnOnce(&Self) -> T + Send + 'static) -> Option<T> {
        let shared = Arc::clone(self);
        blocking(move || f(&shared)).await
    }

    fn now_millis(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// What the driver does next.
enum Next {
    Send(Body),
    WaitUntil(u64),
    Wait,
    Finish,
}

/// A queue is whole after each of its calls, so a panic elsewhere under the lock does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what may take a while, without holding up others; none where the runtime shuts down.
pub(crate) async fn blocking<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(f).await {
        Ok(result) => Some(result),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}
