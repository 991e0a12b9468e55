//! The bound of the queue in front of the journal, in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes of rows may wait to be written.
#[derive(Debug)]
pub struct Budget {
    max_bytes: usize,
    used: Arc<AtomicUsize>,
}

/// Room for some bytes, given back when dropped.
#[must_use]
#[derive(Debug)]
pub struct Reservation {
    n_bytes: usize,
    used: Arc<AtomicUsize>,
}

impl Budget {
    /// A budget of `max_bytes`.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self { max_bytes, used: Arc::new(AtomicUsize::new(0)) }
    }

    /// Takes room for `n_bytes`; `None` when there is not so much left. Something larger than the whole budget fits
    /// when nothing else waits, since it would never fit otherwise.
    #[must_use]
    pub fn reserve(&self, n_bytes: usize) -> Option<Reservation> {
        let fits = |used: usize| {
            let after = used.saturating_add(n_bytes);
            (used == 0 || after <= self.max_bytes).then_some(after)
        };
        let taken = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits);
        taken.is_ok().then(|| Reservation { n_bytes, used: Arc::clone(&self.used) })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.used.fetch_sub(self.n_bytes, Ordering::AcqRel);
    }
}

impl Reservation {
    /// How many bytes there is room for.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_back() {
        let budget = Budget::new(100);
        let first = budget.reserve(60).expect("it is empty");
        assert!(budget.reserve(60).is_none());
        let second = budget.reserve(40).expect("there is room");
        drop(first);
        assert!(budget.reserve(61).is_none());
        drop(second);
        assert!(budget.reserve(1000).is_some(), "what is larger than the whole must be possible at some time");
    }
}
