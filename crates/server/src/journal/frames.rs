//! Joining and cutting frames.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;
use model::{Batch, BatchBuilder, Offset, StoredBatch};

use super::{Frame, JournalError};

/// The most rows that are joined to one frame.
pub const MAX_FRAME_ROWS: u64 = 65_536;
/// The most cells, nulls included, that are joined to one frame. Rows that share no columns would otherwise make a
/// frame that grows with their number squared.
pub const MAX_BATCH_CELLS: usize = 4 << 20;
/// A stored frame this large is sent as it is rather than joined with its neighbours.
const LARGE_FRAME_BYTES: usize = 256 << 10;

/// How many rows of a large frame are its head: more than a screen shows.
const HEAD_ROWS: usize = 512;

/// Gathers batches until they are enough for a frame.
#[derive(Default)]
pub struct Joiner<'a> {
    parts: Vec<(&'a Batch, Range<usize>)>,
    names: HashSet<&'a str>,
    n_rows: usize,
}

impl<'a> Joiner<'a> {
    /// How many rows were gathered.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Whether `n_rows` rows of `batch` may join what is gathered.
    #[must_use]
    pub fn fits(&self, batch: &Batch, n_rows: usize) -> bool {
        let n_new = batch.columns().iter().filter(|column| !self.names.contains(column.name())).count();
        let n_rows = self.n_rows + n_rows;
        self.n_rows == 0
            || (n_rows as u64 <= MAX_FRAME_ROWS && n_rows.saturating_mul(self.names.len() + n_new) <= MAX_BATCH_CELLS)
    }

    /// Adds some rows of a batch.
    pub fn push(&mut self, batch: &'a Batch, range: Range<usize>) {
        self.names.extend(batch.columns().iter().map(model::Column::name));
        self.n_rows += range.len();
        self.parts.push((batch, range));
    }

    /// The gathered rows as one batch.
    #[must_use]
    pub fn finish(self) -> Batch {
        if let [(batch, range)] = &self.parts[..]
            && range.len() == batch.n_rows()
        {
            return (*batch).clone();
        }
        let mut builder = BatchBuilder::default();
        for (batch, range) in self.parts {
            builder.push_batch(batch, range);
        }
        builder.finish()
    }
}

/// Reads a frame of the journal.
///
/// # Errors
/// [`JournalError::Damaged`] when it is none, or not the one that belongs there.
pub fn decode(frame: &Frame) -> Result<StoredBatch, JournalError> {
    let damaged = |reason: String| JournalError::Damaged { offset: frame.first_offset, reason };
    let stored = wire::arrow::decode_frame(&frame.bytes).map_err(|error| damaged(error.to_string()))?;
    if (stored.first_offset, stored.batch.n_rows() as u64) != (frame.first_offset, frame.n_rows) {
        return Err(damaged("its rows are not those of its place".to_owned()));
    }
    Ok(stored)
}

/// Joins consecutive frames to fewer, larger ones, starting exactly at `from`.
///
/// # Errors
/// [`JournalError::Damaged`] when frames do not follow each other from `from` on, or cannot be read.
pub fn coalesce(frames: Vec<Frame>, from: Offset) -> Result<Vec<Frame>, JournalError> {
    let mut out = Vec::new();
    let mut gathered: Vec<StoredBatch> = Vec::new();
    let mut next = from;
    let n_frames = frames.len();
    for frame in frames {
        if frame.first_offset > next || frame.end_offset() <= next {
            return Err(JournalError::Damaged { offset: next, reason: "rows are missing".to_owned() });
        }
        let whole = frame.first_offset == next;
        next = frame.end_offset();
        if whole && (n_frames == 1 || frame.bytes.len() >= LARGE_FRAME_BYTES) {
            join(&gathered, from, &mut out);
            gathered.clear();
            out.push(frame);
        } else {
            gathered.push(decode(&frame)?);
        }
    }
    join(&gathered, from, &mut out);
    Ok(out)
}

/// The first rows of a large frame, as one of their own. Whoever has seen nothing yet can show them while the others are
/// read and on their way. A smaller frame stays whole.
///
/// # Errors
/// [`JournalError::Damaged`] when it cannot be read.
pub fn head(frame: Frame) -> Result<Frame, JournalError> {
    if frame.bytes.len() < LARGE_FRAME_BYTES || frame.n_rows <= HEAD_ROWS as u64 {
        return Ok(frame);
    }
    let stored = decode(&frame)?;
    let mut joiner = Joiner::default();
    joiner.push(&stored.batch, 0..HEAD_ROWS);
    Ok(encode(frame.first_offset, joiner))
}

fn join(batches: &[StoredBatch], from: Offset, out: &mut Vec<Frame>) {
    let mut joiner = Joiner::default();
    let mut first_offset = from;
    for stored in batches {
        let skip = from.saturating_sub(stored.first_offset) as usize;
        let range = skip..stored.batch.n_rows();
        if !joiner.fits(&stored.batch, range.len()) {
            out.push(encode(first_offset, std::mem::take(&mut joiner)));
        }
        if joiner.n_rows() == 0 {
            first_offset = stored.first_offset + skip as Offset;
        }
        joiner.push(&stored.batch, range);
    }
    if joiner.n_rows() > 0 {
        out.push(encode(first_offset, joiner));
    }
}

fn encode(first_offset: Offset, joiner: Joiner<'_>) -> Frame {
    let batch = joiner.finish();
    let bytes = Bytes::from(wire::arrow::encode_frame(first_offset, &batch));
    Frame { first_offset, n_rows: batch.n_rows() as u64, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Row, Value};
    use proptest::prelude::*;

    fn frame(first_offset: Offset, n_rows: usize) -> Frame {
        let row = |idx| [("x", Value::Int(first_offset as i64 + idx as i64))].into_iter().collect::<Row>();
        let batch: Batch = (0..n_rows).map(row).collect();
        let bytes = Bytes::from(wire::arrow::encode_frame(first_offset, &batch));
        Frame { first_offset, n_rows: n_rows as u64, bytes }
    }

    proptest! {
        #[test]
        fn joined_frames_hold_the_rows_from_the_asked_one(
            sizes in prop::collection::vec(1_usize..40, 1..12),
            start in 0_u64..1000,
            skip in any::<prop::sample::Index>(),
        ) {
            let mut frames = Vec::new();
            let mut next = start;
            for n_rows in &sizes {
                frames.push(frame(next, *n_rows));
                next += *n_rows as u64;
            }
            let from = start + skip.index(sizes[0]) as u64;
            let joined = coalesce(frames, from).unwrap();
            let mut expect = from;
            for frame in &joined {
                let stored = decode(frame).unwrap();
                prop_assert_eq!(stored.first_offset, expect);
                for idx in 0..stored.batch.n_rows() {
                    prop_assert_eq!(stored.batch.value(idx, "x"), Value::Int(expect as i64));
                    expect += 1;
                }
            }
            prop_assert_eq!(expect, next);
            prop_assert_eq!(joined.len(), 1);
        }
    }

    #[test]
    fn the_head_of_a_large_frame_is_its_first_rows() {
        let large = frame(7, 100_000);
        let first = head(large.clone()).unwrap();
        assert_eq!((first.first_offset, first.n_rows), (7, 512));
        let rest = coalesce(vec![large], 7 + 512).unwrap();
        assert_eq!((rest[0].first_offset, rest[0].n_rows), (7 + 512, 100_000 - 512), "and the others follow");
        let batch = decode(&first).unwrap().batch;
        assert!((0..512).all(|idx| batch.value(idx, "x") == Value::Int(7 + idx as i64)));
        assert_eq!(head(frame(7, 9_000)).unwrap().n_rows, 9_000, "few bytes");
    }

    #[test]
    fn a_hole_is_damage() {
        let error = coalesce(vec![frame(0, 2), frame(3, 2)], 0).unwrap_err();
        assert_eq!(error.code(), "journal_damaged");
        assert_eq!(coalesce(vec![frame(3, 2)], 2).unwrap_err().code(), "journal_damaged");
    }

    #[test]
    fn rows_without_common_columns_are_not_joined_without_end() {
        let batch = |n: usize| -> Batch {
            (0..1000).map(|i| [(format!("c{n}_{i}"), Value::Bool(true))].into_iter().collect::<Row>()).collect()
        };
        let batches: Vec<Batch> = (0..4).map(batch).collect();
        let mut joiner = Joiner::default();
        let mut n_joined = 0;
        while n_joined < batches.len() && joiner.fits(&batches[n_joined], 1000) {
            joiner.push(&batches[n_joined], 0..1000);
            n_joined += 1;
        }
        assert_eq!(n_joined, 2, "2,000 rows of 2,000 columns are 4M cells");
    }
}
