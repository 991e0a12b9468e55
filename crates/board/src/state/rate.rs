//! How many rows a second come: a mean over the last few seconds.

use std::collections::VecDeque;

/// Over how long the mean is taken, in milliseconds.
const SPAN_MILLIS: f64 = 4000.0;
/// Rows that come within this time are counted together, in milliseconds.
const SLOT_MILLIS: f64 = 100.0;

/// Counts rows as they come.
#[derive(Debug, Default)]
pub struct Rate {
    /// When a slot began, and how many rows came in it.
    slots: VecDeque<(f64, u64)>,
}

impl Rate {
    /// Takes in that rows came at `now`, in milliseconds.
    pub fn add(&mut self, now: f64, n_rows: u64) {
        while self.slots.front().is_some_and(|(start, _)| now - start > SPAN_MILLIS) {
            self.slots.pop_front();
        }
        match self.slots.back_mut() {
            Some((start, n)) if now - *start < SLOT_MILLIS => *n += n_rows,
            _ => self.slots.push_back((now, n_rows)),
        }
    }

    /// Rows a second at `now`: over the time since the first of them, at least one second.
    #[must_use]
    pub fn per_second(&self, now: f64) -> f64 {
        let recent = self.slots.iter().filter(|(start, _)| now - start <= SPAN_MILLIS);
        let n_rows: u64 = recent.clone().map(|(_, n)| n).sum();
        let Some((first, _)) = recent.clone().next() else { return 0.0 };
        n_rows as f64 * 1000.0 / (now - first).clamp(1000.0, SPAN_MILLIS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_rises_holds_and_dies_down() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(0.0), 0.0);
        for step in 0..100 {
            rate.add(f64::from(step) * 50.0, 100);
        }
        let steady = rate.per_second(4950.0);
        assert!((1900.0..2200.0).contains(&steady), "{steady}");
        assert!(rate.per_second(7500.0) < steady);
        assert_eq!(rate.per_second(10_000.0), 0.0);
        assert!(rate.slots.len() < 60);
    }
}
