//! Fans the newest frames out to the tails of a table.
//!
//! A tail goes by offsets: it asks for the frames from its own offset on, gets them from here when they are among the
//! newest, and reads the journal when they are not. So nothing can be skipped or sent twice, and a reader that is slow
//! costs no memory. The newest frames of a table are kept only while someone follows it.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use model::{Offset, TableName};
use tokio::sync::watch;

use crate::journal::Frame;

/// The newest frames kept of each followed table, in bytes.
const MAX_RECENT_BYTES: usize = 4 << 20;

/// Where commits are published and tails subscribe.
#[derive(Default)]
pub struct Hub {
    topics: Mutex<HashMap<TableName, Weak<Topic>>>,
}

/// What the tails of one table share.
struct Topic {
    recent: Mutex<Recent>,
    end: watch::Sender<Offset>,
    is_deleted: AtomicBool,
}

#[derive(Default)]
struct Recent {
    frames: VecDeque<Frame>,
    n_bytes: usize,
}

/// A tail's view of a table's newest frames.
pub struct Subscription {
    topic: Arc<Topic>,
    changed: watch::Receiver<Offset>,
}

impl Hub {
    /// Follows a table, which need not exist yet.
    #[must_use]
    pub fn subscribe(&self, table: &TableName) -> Subscription {
        let mut topics = lock(&self.topics);
        let topic = topics.get(table).and_then(Weak::upgrade).unwrap_or_else(|| {
            // Tables nobody follows any more are forgotten here, where the list would grow.
            topics.retain(|_, topic| topic.strong_count() > 0);
            let topic = Arc::new(Topic {
                recent: Mutex::default(),
                end: watch::Sender::new(0),
                is_deleted: AtomicBool::new(false),
            });
            topics.insert(table.clone(), Arc::downgrade(&topic));
            topic
        });
        let changed = topic.end.subscribe();
        Subscription { topic, changed }
    }

    /// Hands a frame that is safe on disk to those who follow the table. Frames of a table come in order.
    pub fn publish(&self, table: &TableName, frame: &Frame) {
        let topic = lock(&self.topics).get(table).and_then(Weak::upgrade);
        if let Some(topic) = topic {
            lock(&topic.recent).push(frame.clone());
            topic.end.send_replace(frame.end_offset());
        }
    }

    /// Tells those who follow a table that it was deleted. Who follows its name from now on follows another.
    pub fn forget(&self, table: &TableName) {
        if let Some(topic) = lock(&self.topics).remove(table).as_ref().and_then(Weak::upgrade) {
            topic.is_deleted.store(true, Ordering::Release);
            *lock(&topic.recent) = Recent::default();
            topic.end.send_replace(0);
        }
    }
}

impl Recent {
    fn push(&mut self, frame: Frame) {
        self.n_bytes += frame.bytes.len();
        self.frames.push_back(frame);
        while self.n_bytes > MAX_RECENT_BYTES && self.frames.len() > 1 {
            let dropped = self.frames.pop_front();
            self.n_bytes -= dropped.map_or(0, |frame| frame.bytes.len());
        }
    }
}

impl Subscription {
    /// From here on, [`Subscription::changed`] waits for what is published later.
    pub fn mark_seen(&mut self) {
        self.changed.borrow_and_update();
    }

    /// Waits until something was published since [`Subscription::mark_seen`].
    pub async fn changed(&mut self) {
        // The sender lives in the topic that this subscription holds, so that waiting cannot fail.
        let _ = self.changed.changed().await;
    }

    /// Whether the table was deleted since. It was, where what is read of its name after that is of a table made anew.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.topic.is_deleted.load(Ordering::Acquire)
    }

    /// The newest frames from the one that holds `from`; `None` when it is not among them.
    #[must_use]
    pub fn recent(&self, from: Offset) -> Option<Vec<Frame>> {
        let recent = lock(&self.topic.recent);
        let start = recent.frames.partition_point(|frame| frame.end_offset() <= from);
        let first = recent.frames.get(start).filter(|frame| frame.first_offset <= from);
        first.map(|_| recent.frames.range(start..).cloned().collect())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is a single push, insert or removal.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn frame(first_offset: Offset, n_rows: u64, n_bytes: usize) -> Frame {
        Frame { first_offset, n_rows, bytes: Bytes::from(vec![0; n_bytes]) }
    }

    #[test]
    fn the_newest_frames_are_found_by_offset() {
        let (hub, table) = (Hub::default(), TableName::parse("t").unwrap());
        hub.publish(&table, &frame(0, 10, 1));
        let subscription = hub.subscribe(&table);
        assert_eq!(subscription.recent(5), None, "it was published before anyone followed");
        hub.publish(&table, &frame(10, 2, 1));
        hub.publish(&table, &frame(12, 3, 1));
        let firsts =
            |from| subscription.recent(from).map(|frames| frames.iter().map(|f| f.first_offset).collect::<Vec<_>>());
        assert_eq!(firsts(9), None);
        assert_eq!(firsts(10), Some(vec![10, 12]));
        assert_eq!(firsts(11), Some(vec![10, 12]));
        assert_eq!(firsts(12), Some(vec![12]));
        assert_eq!(firsts(15), None, "it is not there yet");
        assert_eq!(hub.subscribe(&table).recent(12).map(|f| f.len()), Some(1), "tails share what is kept");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (hub, table) = (Hub::default(), TableName::parse("t").unwrap());
        let subscription = hub.subscribe(&table);
        for idx in 0..10 {
            hub.publish(&table, &frame(idx, 1, 1 << 20));
        }
        assert_eq!(subscription.recent(5), None);
        assert_eq!(subscription.recent(6).map(|frames| frames.len()), Some(4));
        drop(subscription);
        assert_eq!(hub.subscribe(&table).recent(9), None, "nobody followed it");
    }

    #[tokio::test]
    async fn who_follows_a_deleted_table_is_told_and_nobody_else() {
        let (hub, table) = (Hub::default(), TableName::parse("t").unwrap());
        let mut old = hub.subscribe(&table);
        hub.publish(&table, &frame(0, 1, 1));
        old.mark_seen();
        hub.forget(&table);
        tokio::time::timeout(std::time::Duration::from_secs(5), old.changed()).await.expect("it is told");
        let new = hub.subscribe(&table);
        hub.publish(&table, &frame(0, 1, 1));
        assert!(old.is_deleted() && old.recent(0).is_none());
        assert!(!new.is_deleted() && new.recent(0).is_some());
    }

    #[tokio::test]
    async fn a_notice_between_looking_and_waiting_is_not_missed() {
        let (hub, table) = (Hub::default(), TableName::parse("t").unwrap());
        let mut subscription = hub.subscribe(&table);
        subscription.mark_seen();
        hub.publish(&table, &frame(0, 1, 1));
        tokio::time::timeout(std::time::Duration::from_secs(5), subscription.changed())
            .await
            .expect("it was published");
    }
}
