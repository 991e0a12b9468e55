//! How much more may come with a key now.
//!
//! A budget fills up with time, to what comes in two seconds at most. What came is taken off, and may leave a debt, so that one
//! request may be larger than the budget ever is; until the debt is paid by time, nothing more comes.

use std::time::{Duration, Instant};

const MAX_SAVED_SECONDS: f64 = 2.0;

/// A budget of requests or of rows.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Budget {
    pub(super) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, left: per_second * MAX_SAVED_SECONDS, at: now }
    }

    /// How long to wait until something may come; nothing where it may now.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.left = (self.left + passed * self.per_second).min(self.per_second * MAX_SAVED_SECONDS);
        (self.left <= 0.0).then(|| Duration::from_secs_f64((-self.left / self.per_second).max(0.001)))
    }

    /// Something came.
    pub(super) fn take(&mut self, n: u64) {
        self.left -= n as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_paid_by_time() {
        let start = Instant::now();
        let at = |millis: u64| start + Duration::from_millis(millis);
        let mut budget = Budget::new(10, start);
        for _ in 0..20 {
            assert_eq!(budget.wait(at(0)), None, "what was saved");
            budget.take(1);
        }
        assert!(budget.wait(at(0)).is_some());
        assert_eq!(budget.wait(at(150)), None);
        budget.take(101);
        assert_eq!(budget.wait(at(150)).map(|wait| wait.as_millis()), Some(9_950), "a debt");
        assert!(budget.wait(at(10_000)).is_some());
        assert_eq!(budget.wait(at(10_150)), None);
        assert_eq!(budget.wait(at(1_000_000)), None);
        budget.take(21);
        assert!(budget.wait(at(1_000_000)).is_some(), "no more is saved than two seconds");
    }
}
