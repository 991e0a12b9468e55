//! How many rows a second came to each table over the last ten seconds.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::TableName;

const WINDOW_SECONDS: usize = 10;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Counts of rows by second, for each table.
#[derive(Debug, Default)]
pub struct Rates {
    tables: Mutex<HashMap<TableName, Rate>>,
}

/// The seconds counted, by their number modulo the window.
#[derive(Debug, Default)]
struct Rate {
    counts: [(i64, u64); WINDOW_SECONDS],
}

impl Rates {
    /// Counts rows that came now.
    pub fn add(&self, table: &TableName, n_rows: u64, now_micros: i64) {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if !tables.contains_key(table) {
            tables.insert(table.clone(), Rate::default());
        }
        if let Some(rate) = tables.get_mut(table) {
            rate.add(n_rows, now_micros / MICROS_PER_SECOND);
        }
    }

    /// Forgets a table that was deleted.
    pub fn forget(&self, table: &TableName) {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner).remove(table);
    }

    /// Rows a second over the ten seconds that end with the current one.
    #[must_use]
    pub fn rows_per_second(&self, table: &TableName, now_micros: i64) -> f64 {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        tables.get(table).map_or(0.0, |rate| rate.rows_per_second(now_micros / MICROS_PER_SECOND))
    }
}

impl Rate {
    fn add(&mut self, n_rows: u64, second: i64) {
        let slot = &mut self.counts[second.rem_euclid(WINDOW_SECONDS as i64) as usize];
        if slot.0 != second {
            *slot = (second, 0);
        }
        slot.1 += n_rows;
    }

    fn rows_per_second(&self, second: i64) -> f64 {
        let recent = |(at, _): &&(i64, u64)| *at > second - WINDOW_SECONDS as i64 && *at <= second;
        let n_rows: u64 = self.counts.iter().filter(recent).map(|(_, n_rows)| n_rows).sum();
        n_rows as f64 / WINDOW_SECONDS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_ten_seconds_count() {
        let (rates, table) = (Rates::default(), TableName::parse("t").unwrap());
        let second = |s: i64| s * MICROS_PER_SECOND;
        for s in 100..120 {
            rates.add(&table, 50, second(s));
        }
        assert_eq!(rates.rows_per_second(&table, second(119)), 50.0);
        assert_eq!(rates.rows_per_second(&table, second(124)), 25.0);
        assert_eq!(rates.rows_per_second(&table, second(129)), 0.0);
        assert_eq!(rates.rows_per_second(&TableName::parse("u").unwrap(), second(119)), 0.0);
    }
}
