//! Who waits for which message to be folded, and the lanes that number them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use wire::stream::MessageId;

use crate::journal::{Appended, JournalError};

/// What a message did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folded {
    /// Its rows were stored, or known.
    Rows(Appended),
    /// Something else was done, or there was nothing to do it to.
    Other(bool),
}

/// What became of a message.
pub(super) type Outcome = Result<Folded, JournalError>;

/// The messages of this node that are on their way.
#[derive(Default)]
pub(super) struct Waiting {
    folded: Mutex<HashMap<MessageId, oneshot::Sender<Outcome>>>,
}

/// One message on its way; forgotten when dropped.
pub(super) struct Wait {
    id: MessageId,
    outcome: oneshot::Receiver<Outcome>,
    waiting: Arc<Waiting>,
}

impl Waiting {
    pub(super) fn wait(self: &Arc<Self>, id: MessageId) -> Wait {
        let (sender, outcome) = oneshot::channel();
        self.lock().insert(id, sender);
        Wait { id, outcome, waiting: Arc::clone(self) }
    }

    /// Tells the one who waits for a message, if that is anybody here. The first to tell is right: what comes again is
    /// what was dropped.
    pub(super) fn tell(&self, id: &MessageId, outcome: Outcome) {
        let sender = self.lock().remove(id);
        if let Some(sender) = sender {
            // Whoever went away will ask again.
            let _ = sender.send(outcome);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MessageId, oneshot::Sender<Outcome>>> {
        // Every change under the lock is a single insert or removal.
        self.folded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    /// Waits until the message was folded.
    pub(super) async fn outcome(&mut self) -> Outcome {
        (&mut self.outcome).await.unwrap_or(Err(JournalError::Closed))
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.id);
    }
}

/// Lanes that nobody uses. A lane whose message has an unknown fate is not used again, so that in each lane a message
/// comes after those before it.
#[derive(Default)]
pub(super) struct Lanes {
    free: Mutex<Vec<MessageId>>,
}

impl Lanes {
    /// The next number of a free lane, or the first of a new one.
    pub(super) fn take(&self) -> Result<MessageId, JournalError> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(last) = free {
            return Ok(MessageId { number: last.number + 1, ..last });
        }
        let mut lane = [0; 16];
        getrandom::fill(&mut lane).map_err(|error| JournalError::Store(error.to_string()))?;
        Ok(MessageId { lane, number: 1 })
    }

    /// Gives a lane back whose message was folded.
    pub(super) fn give_back(&self, id: MessageId) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_one_message_on_its_way() {
        let lanes = Lanes::default();
        let (a, b) = (lanes.take().unwrap(), lanes.take().unwrap());
        assert_ne!(a.lane, b.lane);
        lanes.give_back(a);
        assert_eq!(lanes.take(), Ok(MessageId { lane: a.lane, number: 2 }));
        assert_ne!(lanes.take().unwrap().lane, b.lane, "its message is still on its way");
    }

    #[tokio::test]
    async fn the_first_outcome_counts() {
        let waiting = Arc::new(Waiting::default());
        let id = MessageId { lane: [1; 16], number: 1 };
        let outcome = |n_stored| Ok(Folded::Rows(Appended { n_stored, n_duplicate: 0, first_offset: None }));
        let mut wait = waiting.wait(id);
        waiting.tell(&id, outcome(3));
        waiting.tell(&id, outcome(0));
        assert_eq!(wait.outcome().await, outcome(3));
        drop(waiting.wait(id));
        assert!(waiting.lock().is_empty(), "nobody waits any more");
    }
}
