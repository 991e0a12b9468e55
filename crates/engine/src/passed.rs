//! Rows of one segment, a bit each: what filters leave, and what orders, groups and row sets take in.

use std::ops::Range;

use model::Bitmap;

/// Rows of one segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Passed {
    /// The place in the segment of the first bit: a multiple of 64.
    first: usize,
    words: Vec<u64>,
}

impl Passed {
    /// All rows of a range of places.
    pub(crate) fn range(range: Range<usize>) -> Self {
        if range.is_empty() {
            return Self::default();
        }
        let first_word = range.start / 64;
        let mut words = vec![u64::MAX; range.end.div_ceil(64) - first_word];
        let last = words.len() - 1;
        words[0] &= u64::MAX << (range.start % 64);
        words[last] &= u64::MAX >> ((64 - range.end % 64) % 64);
        Self { first: first_word * 64, words }
    }

    /// Rows by their bits from a place on, a multiple of 64.
    pub(crate) fn of_words(first: usize, words: &[u64]) -> Self {
        Self { first, words: words.to_vec() }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The place of the first bit, a multiple of 64, and the bits.
    pub(crate) fn words(&self) -> (usize, &[u64]) {
        (self.first, &self.words)
    }

    /// Shows the place of each row, in order.
    pub(crate) fn for_each(&self, mut see: impl FnMut(usize)) {
        for (place, word) in (self.first..).step_by(64).zip(&self.words) {
            if *word == u64::MAX {
                (place..place + 64).for_each(&mut see);
            } else {
                let mut left = *word;
                while left != 0 {
                    see(place + left.trailing_zeros() as usize);
                    left &= left - 1;
                }
            }
        }
    }

    /// Shows the places of rows as ranges, in order: where many follow each other, as few ranges. A loop over a slice of a
    /// column is several times faster than one that looks each place up.
    pub(crate) fn for_each_range(&self, mut see: impl FnMut(Range<usize>)) {
        let mut full = self.first..self.first;
        for (place, word) in (self.first..).step_by(64).zip(&self.words) {
            if *word == u64::MAX {
                full.end = place + 64;
                continue;
            }
            if !full.is_empty() {
                see(full);
            }
            full = place + 64..place + 64;
            let mut left = *word;
            while left != 0 {
                let start = left.trailing_zeros();
                let n_ones = (left >> start).trailing_ones();
                see(place + start as usize..place + (start + n_ones) as usize);
                left &= !(u64::MAX >> (64 - n_ones) << start);
            }
        }
        if !full.is_empty() {
            see(full);
        }
    }

    /// Shows the place of each row, in order, until one is what is looked for.
    pub(crate) fn any(&self, mut see: impl FnMut(usize) -> bool) -> bool {
        let places = |(place, word): (usize, &u64)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then_some(left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(place + bit)
            })
        };
        (self.first..).step_by(64).zip(&self.words).flat_map(places).any(&mut see)
    }

    pub(crate) fn clear(&mut self) {
        self.words.clear();
    }

    /// Keeps the rows that pass.
    pub(crate) fn keep(&mut self, mut pass: impl FnMut(usize) -> bool) {
        for (place, word) in (self.first..).step_by(64).zip(&mut self.words) {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                if !pass(place + bit) {
                    *word &= !(1 << bit);
                }
                left &= left - 1;
            }
        }
    }

    /// Keeps the rows that have a value, or those that have none.
    pub(crate) fn keep_nulls(&mut self, validity: Option<&Bitmap>, is_null: bool) {
        let Some(validity) = validity else {
            if is_null {
                self.clear();
            }
            return;
        };
        for (place, word) in (self.first..).step_by(64).zip(&mut self.words) {
            let valid = validity.words()[place / 64];
            *word &= if is_null { !valid } else { valid };
        }
    }

    /// Keeps the rows whose bit is set in `bits(places)`, asked for up to 64 of the `n_cells` places at a time, and of
    /// those without a value all or none. What `bits` says of places without a value is passed over.
    pub(crate) fn keep_bits(
        &mut self,
        n_cells: usize,
        validity: Option<&Bitmap>,
        null_passes: bool,
        bits: impl Fn(Range<usize>) -> u64,
    ) {
        for (place, word) in (self.first..).step_by(64).zip(&mut self.words) {
            if *word == 0 {
                continue;
            }
            let passed = bits(place..n_cells.min(place + 64));
            *word &= match validity.map(|validity| validity.words()[place / 64]) {
                None => passed,
                Some(valid) => passed & valid | if null_passes { !valid } else { 0 },
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn places(passed: &Passed) -> Vec<usize> {
        let mut places = Vec::new();
        passed.for_each(|place| places.push(place));
        let mut ranges = Vec::new();
        passed.for_each_range(|range| ranges.push(range));
        assert!(ranges.iter().all(|range| !range.is_empty()), "{ranges:?}");
        assert_eq!(ranges.into_iter().flatten().collect::<Vec<_>>(), places);
        places
    }

    proptest! {
        #[test]
        fn bits_are_the_rows_of_a_plain_list(
            start in 0_usize..200,
            n in 0_usize..300,
            cells in prop::collection::vec((0_u8..4, any::<bool>()), 500),
            null_passes in any::<bool>(),
        ) {
            let range = start..start + n;
            let validity: Bitmap = cells.iter().map(|(_, valid)| *valid).collect();
            let expect = |pass: &dyn Fn(usize) -> bool| range.clone().filter(|at| pass(*at)).collect::<Vec<_>>();
            let all = Passed::range(range.clone());
            prop_assert_eq!(places(&all), expect(&|_| true));
            let mut seen = Vec::new();
            let is_found = all.any(|at| {
                seen.push(at);
                cells[at].0 == 3
            });
            let n_seen = expect(&|_| true).iter().position(|at| cells[*at].0 == 3).map_or(n, |idx| idx + 1);
            prop_assert_eq!((is_found, &seen[..]), (seen.last().is_some_and(|at| cells[*at].0 == 3), &places(&all)[..n_seen]));

            let mut kept = all.clone();
            kept.keep(|at| cells[at].0 > 1);
            prop_assert_eq!(places(&kept), expect(&|at| cells[at].0 > 1));
            prop_assert_eq!((kept.len(), kept.is_empty()), (places(&kept).len(), places(&kept).is_empty()));

            kept.keep_bits(cells.len(), Some(&validity), null_passes, |places| {
                places.enumerate().fold(0, |bits, (idx, at)| bits | u64::from(cells[at].0 == 2) << idx)
            });
            let passes = |at: usize| cells[at].0 > 1 && if cells[at].1 { cells[at].0 == 2 } else { null_passes };
            prop_assert_eq!(places(&kept), expect(&passes));

            for is_null in [false, true] {
                let mut kept = all.clone();
                kept.keep_nulls(Some(&validity), is_null);
                prop_assert_eq!(places(&kept), expect(&|at| cells[at].1 != is_null));
            }
        }
    }
}
