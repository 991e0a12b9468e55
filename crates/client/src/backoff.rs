//! How long to wait after a failure: exponential, with full jitter.

/// Grows with each failure in a row and forgets all of them at the first success.
///
/// Full jitter, from M. Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): the wait is drawn
/// evenly from zero to the cap of the attempt, so that clients that failed together do not come back together.
#[derive(Clone, Debug)]
pub struct Backoff {
    base_millis: u64,
    max_millis: u64,
    n_failures: u32,
}

/// No wait is shorter, so that a lucky draw does not hammer a server that is down.
const MIN_WAIT_MILLIS: u64 = 20;

impl Backoff {
    /// Starts with no failure; the first wait is at most `base_millis`, none is more than `max_millis`.
    #[must_use]
    pub fn new(base_millis: u64, max_millis: u64) -> Self {
        Self { base_millis, max_millis, n_failures: 0 }
    }

    /// Counts a failure and says how many milliseconds to wait; `random` is in `0..1`.
    ///
    /// What the server asked for (`retry_after_millis`) is waited for in full, and the jitter comes on top.
    pub fn fail(&mut self, retry_after_millis: Option<u64>, random: f64) -> u64 {
        let doublings = self.n_failures.min(20);
        self.n_failures = self.n_failures.saturating_add(1);
        let cap = self.base_millis.saturating_mul(1 << doublings).min(self.max_millis);
        let jitter = (cap as f64 * random.clamp(0.0, 1.0)) as u64;
        retry_after_millis.unwrap_or(0).saturating_add(jitter.max(MIN_WAIT_MILLIS))
    }

    /// Forgets the failures.
    pub fn succeed(&mut self) {
        self.n_failures = 0;
    }

    /// How many failures there were since the last success.
    #[must_use]
    pub fn n_failures(&self) -> u32 {
        self.n_failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_start_again_after_a_success() {
        let mut backoff = Backoff::new(100, 1_000);
        let waits: Vec<u64> = (0..6).map(|_| backoff.fail(None, 1.0)).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.fail(None, 0.0), MIN_WAIT_MILLIS);
        backoff.succeed();
        assert_eq!(backoff.fail(None, 0.5), 50);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for_in_full() {
        let mut backoff = Backoff::new(100, 1_000);
        assert!(backoff.fail(Some(7_000), 0.0) >= 7_000);
        assert!((0..100).all(|_| backoff.fail(None, 1.0) <= 1_000));
    }
}
