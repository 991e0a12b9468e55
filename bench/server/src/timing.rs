//! Ranks of times.

use std::time::Duration;

/// Some times, in order.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Puts times in order.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time at a share of them, in milliseconds; NaN where there are none.
    pub(crate) fn millis(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((share * last as f64).round() as usize).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}
