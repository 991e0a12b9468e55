//! Rows on their way, as numbers: which wait, in which chunks they are kept, and how large they are.
//!
//! The rows themselves stay where they are kept (the page's memory and IndexedDB, or a file): nothing here needs to see
//! them.

use std::collections::VecDeque;

use model::Seq;

/// Rows that were taken in together and are kept under one name, the number of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    /// The number of its first row, which may have been dealt with.
    kept_seq: Seq,
    /// The rows that wait.
    waiting: Span,
}

/// Rows that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of the first.
    pub first_seq: Seq,
    /// How many there are; never 0.
    pub n_rows: u64,
    /// Their size, line ends included. Of a part of a chunk it is a guess from the chunk's size.
    pub n_bytes: u64,
}

impl Span {
    /// The number of the last.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.first_seq + self.n_rows - 1
    }

    /// Its first rows, of which there are more than `n_rows`.
    fn head(&self, n_rows: u64) -> Self {
        Self { n_rows, n_bytes: self.n_bytes / self.n_rows * n_rows, ..*self }
    }

    /// What is left without the first rows, of which there are more than `n_rows`.
    fn tail(&self, n_rows: u64) -> Self {
        let n_bytes = self.n_bytes - self.head(n_rows).n_bytes;
        Self { first_seq: self.first_seq + n_rows, n_rows: self.n_rows - n_rows, n_bytes }
    }
}

/// The rows of one writer for one table.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    chunks: VecDeque<Chunk>,
    n_rows: u64,
    n_bytes: u64,
    /// The number of the newest row ever taken in.
    last_seq: Seq,
}

impl Outbox {
    /// Takes in a chunk. Its numbers are above all that were taken in before; there may be a gap between.
    pub fn push(&mut self, chunk: Span) {
        if chunk.n_rows == 0 || chunk.first_seq <= self.last_seq {
            return;
        }
        self.n_rows += chunk.n_rows;
        self.n_bytes += chunk.n_bytes;
        self.last_seq = chunk.last_seq();
        self.chunks.push_back(Chunk { kept_seq: chunk.first_seq, waiting: chunk });
    }

    /// The oldest rows, as many as follow each other and fit; at least one where there is any.
    #[must_use]
    pub fn oldest(&self, max_rows: u64, max_bytes: u64) -> Option<Span> {
        let max_rows = max_rows.max(1);
        let mut chunks = self.chunks.iter().map(|chunk| chunk.waiting);
        let mut all = fitting(chunks.next()?, max_rows, max_bytes);
        if all.n_rows == 0 {
            all = self.chunks.front()?.waiting;
            return Some(if all.n_rows > 1 { all.head(1) } else { all });
        }
        let mut is_whole = self.chunks.front()?.waiting.n_rows == all.n_rows;
        for next in chunks {
            if !is_whole || next.first_seq != all.last_seq() + 1 {
                break;
            }
            let part = fitting(next, max_rows - all.n_rows, max_bytes - all.n_bytes);
            is_whole = part.n_rows == next.n_rows;
            all.n_rows += part.n_rows;
            all.n_bytes += part.n_bytes;
        }
        Some(all)
    }

    /// Lets go of every row up to and including `seq`; says how many there were.
    pub fn remove_through(&mut self, seq: Seq) -> u64 {
        let n_before = self.n_rows;
        while let Some(chunk) = self.chunks.front_mut() {
            let waiting = chunk.waiting;
            if waiting.first_seq > seq {
                break;
            }
            if waiting.last_seq() > seq {
                chunk.waiting = waiting.tail(seq + 1 - waiting.first_seq);
                self.n_rows -= waiting.n_rows - chunk.waiting.n_rows;
                self.n_bytes -= waiting.n_bytes - chunk.waiting.n_bytes;
                break;
            }
            self.n_rows -= waiting.n_rows;
            self.n_bytes -= waiting.n_bytes;
            self.chunks.pop_front();
        }
        n_before - self.n_rows
    }

    /// Lets go of the oldest `n_rows` rows above `seq`, which leaves a gap; says how many there were.
    pub fn remove_above(&mut self, seq: Seq, n_rows: u64) -> u64 {
        let mut idx = self.chunks.partition_point(|chunk| chunk.waiting.last_seq() <= seq);
        if let Some(&Chunk { kept_seq, waiting }) = self.chunks.get(idx)
            && waiting.first_seq <= seq
        {
            let n_kept = seq + 1 - waiting.first_seq;
            self.chunks[idx].waiting = waiting.head(n_kept);
            idx += 1;
            self.chunks.insert(idx, Chunk { kept_seq, waiting: waiting.tail(n_kept) });
        }
        let mut n_left = n_rows;
        while let Some(chunk) = self.chunks.get_mut(idx)
            && n_left > 0
        {
            let waiting = chunk.waiting;
            let n_removed = waiting.n_rows.min(n_left);
            if n_removed < waiting.n_rows {
                chunk.waiting = waiting.tail(n_removed);
                self.n_bytes -= waiting.n_bytes - chunk.waiting.n_bytes;
            } else {
                self.n_bytes -= waiting.n_bytes;
                self.chunks.remove(idx);
            }
            self.n_rows -= n_removed;
            n_left -= n_removed;
        }
        n_rows - n_left
    }

    /// The number of the oldest row above `seq` that waits.
    #[must_use]
    pub fn oldest_above(&self, seq: Seq) -> Option<Seq> {
        let idx = self.chunks.partition_point(|chunk| chunk.waiting.last_seq() <= seq);
        self.chunks.get(idx).map(|chunk| chunk.waiting.first_seq.max(seq + 1))
    }

    /// How many rows wait.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Their size in bytes, line ends included.
    #[must_use]
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// The number of the newest row ever taken in; 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// The number up to which every row was dealt with.
    #[must_use]
    pub fn settled_seq(&self) -> Seq {
        self.chunks.front().map_or(self.last_seq, |chunk| chunk.waiting.first_seq - 1)
    }

    /// The number from which on chunks are still needed: those that start before it can be deleted.
    #[must_use]
    pub fn kept_seq(&self) -> Seq {
        self.chunks.front().map_or(self.last_seq + 1, |chunk| chunk.kept_seq)
    }
}

/// The first rows of a span that fit, which may be none.
fn fitting(span: Span, max_rows: u64, max_bytes: u64) -> Span {
    if span.n_rows <= max_rows && span.n_bytes <= max_bytes {
        return span;
    }
    let n_bytes_a_row = (span.n_bytes / span.n_rows).max(1);
    let n_rows = max_rows.min(max_bytes / n_bytes_a_row).min(span.n_rows - 1);
    Span { n_rows, n_bytes: n_bytes_a_row * n_rows, ..span }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outbox(chunks: &[(Seq, u64, u64)]) -> Outbox {
        let mut outbox = Outbox::default();
        for &(first_seq, n_rows, n_bytes) in chunks {
            outbox.push(Span { first_seq, n_rows, n_bytes });
        }
        outbox
    }

    fn oldest(outbox: &Outbox, max_rows: u64, max_bytes: u64) -> (Seq, u64) {
        outbox.oldest(max_rows, max_bytes).map_or((0, 0), |span| (span.first_seq, span.n_rows))
    }

    #[test]
    fn rows_leave_in_order_and_their_chunks_after_them() {
        let mut outbox = outbox(&[(1, 2, 20), (3, 3, 30)]);
        assert_eq!((outbox.n_rows(), outbox.n_bytes(), outbox.settled_seq(), outbox.kept_seq()), (5, 50, 0, 1));
        assert_eq!(oldest(&outbox, 100, 1_000), (1, 5));
        assert_eq!(oldest(&outbox, 1, 1_000), (1, 1));
        assert_eq!(outbox.remove_through(1), 1);
        assert_eq!((outbox.settled_seq(), outbox.kept_seq(), outbox.n_bytes()), (1, 1, 40));
        assert_eq!(oldest(&outbox, 100, 25), (2, 2));
        assert_eq!(outbox.remove_through(4), 3);
        assert_eq!((outbox.settled_seq(), outbox.kept_seq()), (4, 3));
        assert_eq!(outbox.remove_through(99), 1);
        assert_eq!((outbox.settled_seq(), outbox.kept_seq(), outbox.n_bytes(), outbox.n_rows()), (5, 6, 0, 0));
        assert_eq!(outbox.oldest(1, 1), None);
    }

    #[test]
    fn rows_in_the_middle_can_be_let_go_of() {
        let mut outbox = outbox(&[(1, 4, 40), (5, 2, 20), (7, 1, 10)]);
        assert_eq!((outbox.oldest_above(0), outbox.oldest_above(2)), (Some(1), Some(3)));
        assert_eq!(outbox.remove_above(2, 3), 3, "3, 4 and 5");
        assert_eq!((outbox.n_rows(), outbox.n_bytes(), outbox.oldest_above(2)), (4, 40, Some(6)));
        assert_eq!((oldest(&outbox, 9, 99), outbox.kept_seq()), ((1, 2), 1));
        assert_eq!(outbox.remove_through(2), 2);
        assert_eq!((oldest(&outbox, 9, 99), outbox.settled_seq(), outbox.kept_seq()), ((6, 2), 5, 5));
        assert_eq!((outbox.remove_above(6, 9), outbox.remove_above(6, 9), outbox.oldest_above(6)), (1, 0, None));
        assert_eq!((outbox.remove_through(6), outbox.n_bytes(), outbox.kept_seq()), (1, 0, 8));
    }

    #[test]
    fn a_row_larger_than_a_request_goes_alone() {
        assert_eq!(oldest(&outbox(&[(1, 1, 50), (2, 1, 3)]), 100, 10), (1, 1));
        assert_eq!(oldest(&outbox(&[(1, 4, 400)]), 100, 10), (1, 1));
        assert_eq!(oldest(&outbox(&[(1, 1, 5), (2, 1, 500), (3, 1, 1)]), 100, 10), (1, 1));
    }

    #[test]
    fn a_span_ends_at_a_gap_and_old_numbers_are_not_taken_again() {
        let mut outbox = outbox(&[(1, 2, 2), (5, 2, 2), (4, 9, 9), (6, 1, 1)]);
        assert_eq!((outbox.n_rows(), oldest(&outbox, 9, 9)), (4, (1, 2)));
        outbox.remove_through(3);
        assert_eq!((oldest(&outbox, 9, 9), outbox.settled_seq(), outbox.kept_seq()), ((5, 2), 4, 5));
    }

    proptest! {
        /// Against a plain list of numbers: the same rows in the same order, within the bounds given.
        #[test]
        fn it_is_a_numbered_queue(
            steps in prop::collection::vec((0_u8..4, 0_u64..20, 0_u64..200), 0..80),
        ) {
            let (mut outbox, mut model, mut next): (Outbox, Vec<Seq>, Seq) = (Outbox::default(), vec![], 1);
            for (kind, n, size) in steps {
                match kind {
                    0 => {
                        next += size % 3;
                        outbox.push(Span { first_seq: next, n_rows: n, n_bytes: n * size });
                        model.extend(next..next + n);
                        next += n;
                    }
                    1 => match outbox.oldest(n, size) {
                        Some(span) => {
                            let rows: Vec<Seq> = (span.first_seq..=span.last_seq()).collect();
                            prop_assert!(model.starts_with(&rows));
                            prop_assert!(span.n_rows <= n.max(1));
                            prop_assert!(span.n_bytes <= size || span.n_rows == 1);
                        }
                        None => prop_assert!(model.is_empty()),
                    },
                    2 => {
                        let seq = model.first().copied().unwrap_or(next) + size % 10;
                        let mut n_left = n;
                        let n_before = model.len();
                        model.retain(|row| {
                            let goes = *row > seq && n_left > 0;
                            n_left -= u64::from(goes);
                            !goes
                        });
                        prop_assert_eq!(outbox.remove_above(seq, n), (n_before - model.len()) as u64);
                        prop_assert_eq!(outbox.oldest_above(seq), model.iter().copied().find(|row| *row > seq));
                    }
                    _ => {
                        let n_before = model.len();
                        let seq = (model.first().copied().unwrap_or(next) + n).saturating_sub(1);
                        model.retain(|row| *row > seq);
                        prop_assert_eq!(outbox.remove_through(seq), (n_before - model.len()) as u64);
                    }
                }
                prop_assert_eq!(outbox.n_rows(), model.len() as u64);
                prop_assert_eq!(outbox.n_rows() == 0, outbox.kept_seq() == outbox.last_seq() + 1);
                prop_assert!(model.first().is_none_or(|row| *row == outbox.settled_seq() + 1));
            }
        }
    }
}
