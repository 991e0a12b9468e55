//! Sorts numbers of rows and groups. Each is here once: every sort of another kind makes the board larger by kilobytes.

use std::cmp::Ordering;

/// Orders the numbers of rows by a prefix, rows of one prefix in order.
pub(crate) fn sort_pairs(pairs: &mut [(u64, u32)]) {
    pairs.sort_unstable_by(|a, b| match a.0.cmp(&b.0) {
        Ordering::Equal => a.1.cmp(&b.1),
        unequal => unequal,
    });
}

/// Orders numbers by an order in which no two are equal.
pub(crate) fn sort_numbers(numbers: &mut [u32], compare: &dyn Fn(u32, u32) -> Ordering) {
    numbers.sort_unstable_by(|a, b| compare(*a, *b));
}
