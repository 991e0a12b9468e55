//! Rows in the order of their numbers: a bit for each row of the table, with what it takes to find a rank.

use crate::passed::Passed;
use crate::segment::SEGMENT_ROWS;

/// How many words share a count.
const BLOCK_WORDS: usize = 8;

/// Some rows of a table.
#[derive(Clone, Default)]
pub(crate) struct RowSet {
    /// The row of the first bit: the first of a segment.
    base: usize,
    words: Vec<u64>,
    /// By block: how many rows stand before it.
    starts: Vec<u32>,
    n_rows: usize,
}

impl RowSet {
    /// Rows that come in any order.
    pub(crate) fn of_rows(rows: impl Iterator<Item = u32> + Clone) -> Self {
        let (Some(first), Some(last)) = (rows.clone().min(), rows.clone().max()) else { return Self::default() };
        let base = first as usize / SEGMENT_ROWS * SEGMENT_ROWS;
        let mut words = vec![0; (last as usize - base) / 64 + 1];
        for row in rows {
            words[(row as usize - base) / 64] |= 1 << (row % 64);
        }
        let mut set = Self::default();
        set.push(base, &words);
        set
    }

    /// The rows by segment.
    pub(crate) fn by_segment(&self) -> impl Iterator<Item = (usize, Passed)> {
        let segments = (self.base / SEGMENT_ROWS..).zip(self.words.chunks(SEGMENT_ROWS / 64));
        segments.map(|(segment_idx, words)| (segment_idx, Passed::of_words(0, words)))
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The row of the first bit, the first of a segment, and a bit for each row from there on.
    pub(crate) fn words(&self) -> (usize, &[u64]) {
        (self.base, &self.words)
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.words.capacity() * 8 + self.starts.capacity() * 4
    }

    /// Takes in rows that are not among them: `words` hold a bit each from row `first` on, a multiple of 64.
    pub(crate) fn push(&mut self, first: usize, words: &[u64]) {
        let base = first / SEGMENT_ROWS * SEGMENT_ROWS;
        if self.words.is_empty() {
            self.base = base;
        } else if base < self.base {
            self.words.splice(..0, std::iter::repeat_n(0, (self.base - base) / 64));
            self.starts.clear();
            self.base = base;
        }
        let first_word = (first - self.base) / 64;
        let end = first_word + words.len();
        if self.words.len() < end {
            self.words.resize(end, 0);
        }
        for (mine, more) in self.words[first_word..].iter_mut().zip(words) {
            *mine |= more;
            self.n_rows += more.count_ones() as usize;
        }
        // What stands before a block that only grew is as it was.
        self.starts.truncate(first_word / BLOCK_WORDS + 1);
        for block in self.starts.len()..self.words.len().div_ceil(BLOCK_WORDS) {
            let before = block.checked_sub(1).map_or(0, |before| {
                self.starts[before] + count(&self.words[before * BLOCK_WORDS..block * BLOCK_WORDS])
            });
            self.starts.push(before);
        }
    }

    /// Lets go of rows.
    pub(crate) fn remove(&mut self, rows: &RowSet) {
        let (base, mut words) = (self.base, std::mem::take(&mut self.words));
        for (row, word) in (base..).step_by(64).zip(&mut words) {
            *word &= !rows.word(row);
        }
        *self = Self::default();
        self.push(base, &words);
    }

    /// The bits of 64 rows from one on, a multiple of 64.
    fn word(&self, row: usize) -> u64 {
        let idx = row.checked_sub(self.base).map(|row| row / 64);
        idx.and_then(|idx| self.words.get(idx)).copied().unwrap_or(0)
    }

    /// Whether a row is among them.
    pub(crate) fn has(&self, row: u32) -> bool {
        self.word(row as usize / 64 * 64) >> (row % 64) & 1 == 1
    }

    /// Lets go of the rows before the first of a segment.
    pub(crate) fn drop_before(&mut self, row: usize) {
        let n_words = (row.saturating_sub(self.base) / 64).min(self.words.len());
        let words = self.words.split_off(n_words);
        let first = self.base + n_words * 64;
        *self = Self::default();
        self.push(first, &words);
    }

    /// The row at a rank.
    pub(crate) fn row_at(&self, rank: usize) -> Option<u32> {
        self.rows_from(rank).next()
    }

    /// The rows from a rank on.
    pub(crate) fn rows_from(&self, rank: usize) -> impl Iterator<Item = u32> + '_ {
        let block = self.starts.partition_point(|start| *start as usize <= rank).saturating_sub(1);
        let mut skip = rank - self.starts.get(block).map_or(0, |start| *start as usize);
        let mut word_idx = block * BLOCK_WORDS;
        let mut left = self.words.get(word_idx).copied().unwrap_or(0);
        while skip >= left.count_ones() as usize && word_idx < self.words.len() {
            skip -= left.count_ones() as usize;
            word_idx += 1;
            left = self.words.get(word_idx).copied().unwrap_or(0);
        }
        for _ in 0..skip {
            left &= left.wrapping_sub(1);
        }
        std::iter::from_fn(move || {
            while left == 0 {
                word_idx += 1;
                left = *self.words.get(word_idx)?;
            }
            let row = self.base + word_idx * 64 + left.trailing_zeros() as usize;
            left &= left - 1;
            Some(row as u32)
        })
    }

    /// The rank of a row; `None` if it is not among them.
    pub(crate) fn rank_of(&self, row: u32) -> Option<usize> {
        let (word_idx, bit) = ((row as usize).checked_sub(self.base)? / 64, row % 64);
        let word = self.words.get(word_idx).filter(|word| *word >> bit & 1 == 1)?;
        let block = word_idx / BLOCK_WORDS;
        let before = count(&self.words[block * BLOCK_WORDS..word_idx]) + (word & !(u64::MAX << bit)).count_ones();
        Some((self.starts[block] + before) as usize)
    }
}

fn count(words: &[u64]) -> u32 {
    words.iter().map(|word| word.count_ones()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    proptest! {
        #[test]
        fn it_finds_what_a_plain_list_finds(
            drops in any::<bool>(),
            others in prop::collection::vec(0_u32..3000, 0..20),
            batches in prop::collection::vec((0_usize..3, prop::collection::vec(prop_oneof![any::<u64>(), Just(0), Just(1 << 63)], 0..20)), 0..8),
        ) {
            let mut set = RowSet::default();
            let mut rows: Vec<u32> = Vec::new();
            let mut first_word = 0;
            for (gap, words) in batches {
                first_word += gap;
                set.push(first_word * 64, &words);
                for (idx, word) in words.iter().enumerate() {
                    rows.extend((0..64).filter(|bit| word >> bit & 1 == 1).map(|bit| ((first_word + idx) * 64 + bit) as u32));
                }
                first_word += words.len();
                if drops {
                    let segment_words = SEGMENT_ROWS / 64;
                    let row = first_word / 2 / segment_words * SEGMENT_ROWS;
                    set.drop_before(row);
                    rows.retain(|known| *known as usize >= row);
                }
                let removed = RowSet::of_rows(others.iter().copied());
                set.remove(&removed);
                rows.retain(|row| !others.contains(row));
                prop_assert!((0..3000).all(|row| removed.has(row) == others.contains(&row)));
                prop_assert_eq!(set.n_rows(), rows.len());
                for rank in 0..rows.len() + 2 {
                    prop_assert_eq!(set.row_at(rank), rows.get(rank).copied());
                    let from: Vec<u32> = set.rows_from(rank).take(100).collect();
                    prop_assert_eq!(&from[..], &rows[rank.min(rows.len())..(rank + from.len()).min(rows.len())]);
                }
                for row in 0..(first_word * 64) as u32 + 3 {
                    prop_assert_eq!(set.rank_of(row), rows.binary_search(&row).ok());
                }
            }
        }
    }
}
