//! Which small frames become a large one, and how.
//!
//! Frames are joined when together they have 64 times the size of the largest of them, or all that a frame may have. So a row
//! is written again three times at most, however small the frames are that it comes in, and a table has some hundred small
//! frames however long it is.

use std::ops::Range;

use bytes::Bytes;
use model::{Offset, StoredBatch};

use super::{Frame, Joiner, JournalError, MAX_FRAME_ROWS, decode};

/// Frames are joined that together have so many times the size of the largest of them.
const MIN_GROWTH: u64 = 64;
/// A frame of this size stays as it is.
const FULL_SIZE: u64 = MAX_FRAME_ROWS / 2;
/// The size of a frame is its number of rows, or of so many bytes if these are more: 64k rows stand for 2 MiB, which is read,
/// and written while appends wait, in some milliseconds.
const BYTES_A_ROW: u64 = 32;
/// The most frames that are joined at a time.
const MAX_FRAMES: usize = 1024;

/// A stored frame, but for its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first_offset: Offset,
    pub(super) n_rows: u64,
    pub(super) n_bytes: u64,
    /// When the newest row was received, in microseconds.
    pub(super) received_micros: i64,
}

impl Span {
    fn size(&self) -> u64 {
        self.n_rows.max(self.n_bytes / BYTES_A_ROW)
    }

    /// Whether it will never be joined with another.
    pub(super) fn is_full(&self) -> bool {
        self.size() >= FULL_SIZE
    }
}

/// The first frames, of consecutive ones, that should be joined now. Runs of the smallest are looked for first, so that a
/// large one does not make those beside it wait.
pub(super) fn plan(spans: &[Span]) -> Option<Range<usize>> {
    let limits = (1..=MAX_FRAME_ROWS.ilog2()).map(|log| 1 << log);
    limits.into_iter().find_map(|limit: u64| {
        let is_small = |span: &Span| span.size() < limit && !span.is_full();
        let mut start = 0;
        while start < spans.len() {
            let (mut size, mut largest) = (0, 0);
            let mut end = start;
            while let Some(span) = spans.get(end).filter(|span| is_small(span))
                && size + span.size() <= MAX_FRAME_ROWS
                && end - start < MAX_FRAMES
            {
                size += span.size();
                largest = largest.max(span.size());
                end += 1;
            }
            // What ends the run is too much for one frame with what comes before.
            let is_filled = spans.get(end).is_some_and(|span| is_small(span) && size + span.size() > MAX_FRAME_ROWS);
            if end - start > 1 && (size >= MIN_GROWTH * largest || is_filled) {
                return Some(start..end);
            }
            start = end.max(start + 1);
        }
        None
    })
}

/// Joins the first of some consecutive frames, as many as make one: says how many. One alone cannot be joined with the next.
///
/// # Errors
/// [`JournalError::Damaged`] when one of them cannot be read.
pub(super) fn join(frames: &[Frame]) -> Result<(Frame, usize), JournalError> {
    let stored: Vec<StoredBatch> = frames.iter().map(decode).collect::<Result<_, _>>()?;
    let mut joiner = Joiner::default();
    let mut n_joined = 0;
    for stored in &stored {
        if !joiner.fits(&stored.batch, stored.batch.n_rows()) {
            break;
        }
        joiner.push(&stored.batch, 0..stored.batch.n_rows());
        n_joined += 1;
    }
    let first_offset = frames.first().map_or(0, |frame| frame.first_offset);
    let batch = joiner.finish();
    let bytes = Bytes::from(wire::arrow::encode_frame(first_offset, &batch));
    Ok((Frame { first_offset, n_rows: batch.n_rows() as u64, bytes }, n_joined))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(first_offset: Offset, n_rows: u64, n_bytes: u64) -> Span {
        Span { first_offset, n_rows, n_bytes, received_micros: 0 }
    }

    /// Adds a frame and joins what should be joined; says how many rows were written again.
    fn add(spans: &mut Vec<Span>, n_rows: u64, row_bytes: u64) -> u64 {
        let next = spans.last().map_or(0, |span| span.first_offset + span.n_rows);
        spans.push(span(next, n_rows, n_rows * row_bytes));
        let mut n_written = 0;
        while let Some(range) = plan(spans) {
            assert!(range.len() > 1, "joining one frame changes nothing");
            let n_rows: u64 = spans[range.clone()].iter().map(|span| span.n_rows).sum();
            let n_bytes = spans[range.clone()].iter().map(|span| span.n_bytes).sum();
            assert!(n_rows <= MAX_FRAME_ROWS);
            n_written += n_rows;
            let joined = span(spans[range.start].first_offset, n_rows, n_bytes);
            spans.splice(range, [joined]);
        }
        n_written
    }

    fn check(sizes: impl Iterator<Item = u64>, row_bytes: u64) {
        let (mut spans, mut n_rows, mut n_written) = (Vec::new(), 0, 0);
        for size in sizes {
            n_rows += size;
            n_written += add(&mut spans, size, row_bytes);
        }
        let n_small = spans.iter().filter(|span| !span.is_full()).count();
        assert!(n_small < 200, "{n_small} small frames are left");
        assert!(n_written <= 3 * n_rows, "{n_written} rows were written again, of {n_rows}");
        let mut next = 0;
        for span in spans {
            assert_eq!(span.first_offset, next, "none is lost");
            next += span.n_rows;
        }
        assert_eq!(next, n_rows);
    }

    #[test]
    fn rows_are_written_again_three_times_at_most() {
        check((0..20_000).map(|_| 1), 100);
        check((0..1000).map(|_| 1000), 100);
        check((0..3000).map(|n| n % 50 + 1), 100);
        check((0..500).map(|_| 1), 100 << 10);
        check((0..100).map(|n| n * 1000 % 70_000 + 1), 100);
    }

    #[test]
    fn thousands_become_sixty_four_thousands() {
        let mut spans = Vec::new();
        let n_written: u64 = (0..640).map(|_| add(&mut spans, 1000, 20)).sum();
        assert_eq!(n_written, 640_000, "each row once");
        assert!(spans.iter().all(|span| span.n_rows >= 64_000), "{spans:?}");
    }

    proptest! {
        #[test]
        fn a_plan_is_of_frames_that_fit(spans in prop::collection::vec((1_u64..70_000, 0_u64..9_000_000), 0..200)) {
            let mut next = 0;
            let spans: Vec<Span> = spans.into_iter().map(|(n_rows, n_bytes)| {
                next += n_rows;
                span(next - n_rows, n_rows, n_bytes)
            }).collect();
            if let Some(range) = plan(&spans) {
                prop_assert!(range.len() > 1 && range.len() <= MAX_FRAMES);
                prop_assert!(spans[range.clone()].iter().map(Span::size).sum::<u64>() <= MAX_FRAME_ROWS);
                prop_assert!(!spans[range].iter().any(Span::is_full));
            }
        }
    }
}
