//! A bound, in bytes, of what waits together: in the queue in front of the journal, or on its way in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes may wait together.
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

    /// Takes room for `n_more` bytes in addition; false when there is not so much left. What grows past the whole budget may
    /// when nothing else waits.
    #[must_use]
    pub fn extend(&self, reservation: &mut Reservation, n_more: usize) -> bool {
        let fits = |used: usize| {
            let after = used.saturating_add(n_more);
            (used == reservation.n_bytes || after <= self.max_bytes).then_some(after)
        };
        let is_taken = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok();
        if is_taken {
            reservation.n_bytes += n_more;
        }
        is_taken
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

    #[test]
    fn room_grows_as_long_as_there_is_some() {
        let budget = Budget::new(100);
        let mut first = budget.reserve(0).expect("it is empty");
        assert!(budget.extend(&mut first, 1000), "nothing else waits");
        let mut second = budget.reserve(0);
        assert!(second.is_none());
        drop(first);
        let mut first = budget.reserve(40).expect("it is empty");
        second = budget.reserve(10);
        let mut second = second.expect("there is room");
        assert!(budget.extend(&mut second, 50) && !budget.extend(&mut second, 1) && !budget.extend(&mut first, 1));
        drop(first);
        assert!(budget.extend(&mut second, 1) && second.n_bytes() == 61);
        drop(second);
        assert!(budget.reserve(100).is_some(), "all of it was given back");
    }
}
