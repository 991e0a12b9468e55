//! The first rows of an order, found by one look at every row: what is shown while the others are not in order yet.

use std::ops::Range;

use super::{Order, TOP_ROWS};
use crate::cell::Cell;
use crate::column::{Cells, Chunk};
use crate::kernel::{Comparison, float_bits, int_bits};
use crate::segment::SEGMENT_ROWS;
use crate::table::Table;
use crate::way::Way;

/// The last row that is among the first so far: no row after it is wanted.
struct Bound<'a> {
    prefix: u64,
    /// Whether a row of this prefix that has a greater number stands after it.
    is_decided: bool,
    cell: Cell<'a>,
}

impl Order {
    /// Finds the first of the rows that wait; false where their keys must be computed, which is done once for all.
    pub(super) fn find_top(&mut self, table: &Table) -> bool {
        if self.keys.iter().any(|key| key.computed.is_some()) {
            return false;
        }
        if self.top.is_empty() {
            self.find_keys(table, &[]);
            self.top = self.first_rows(table);
        }
        true
    }

    fn first_rows(&self, table: &Table) -> Vec<u32> {
        let key = &self.keys[0];
        let mut best: Vec<u32> = Vec::with_capacity(2 * TOP_ROWS);
        let keep_first = |best: &mut Vec<u32>| {
            let sorted = self.sorted(table, std::mem::take(best));
            best.extend(sorted.iter().take(TOP_ROWS).map(|(_, row)| row));
        };
        let mut bound: Option<Bound<'_>> = None;
        let (first_row, words) = self.waiting.words();
        for (segment_idx, words) in (first_row / SEGMENT_ROWS..).zip(words.chunks(SEGMENT_ROWS / 64)) {
            let chunk = table.chunk(key.source, segment_idx);
            for (place, word) in (0..).step_by(64).zip(words) {
                let mut left = *word;
                if let (Some(chunk), Some(bound)) = (chunk, &bound) {
                    let end = chunk.len().min(place + 64);
                    left &= if place < end { not_after(chunk, place..end, bound.cell, key.way) } else { 0 };
                }
                while left != 0 {
                    let row = (segment_idx * SEGMENT_ROWS + place + left.trailing_zeros() as usize) as u32;
                    left &= left - 1;
                    let prefix = key.prefix(table, row, 0);
                    let is_after =
                        |bound: &Bound<'_>| prefix > bound.prefix || prefix == bound.prefix && bound.is_decided;
                    if bound.as_ref().is_some_and(is_after) {
                        continue;
                    }
                    best.push(row);
                    if best.len() == 2 * TOP_ROWS {
                        keep_first(&mut best);
                        let row = best[TOP_ROWS - 1];
                        let prefix = key.prefix(table, row, 0);
                        let is_decided = self.keys.len() == 1 && key.kind.decides(prefix, key.way);
                        bound = Some(Bound { prefix, is_decided, cell: key.cell(table, row) });
                    }
                }
            }
        }
        keep_first(&mut best);
        best
    }
}

/// A bit for each of up to 64 places, set at least where the cell does not stand after the bound. Chunks that are not
/// compared quickly have all bits set.
fn not_after(chunk: &Chunk, places: Range<usize>, bound: Cell<'_>, way: Way) -> u64 {
    // Descending, what does not stand after the bound is what is not less, NaN with it: it is the greatest number.
    let (comparison, flip) = if way.descending { (Comparison::Less, u64::MAX) } else { (Comparison::LessOrEqual, 0) };
    // What stands in the place of a null says nothing of it.
    let nulls = match &chunk.validity {
        Some(validity) if way.nulls_first => !validity.words()[places.start / 64],
        _ => 0,
    };
    let bits = match (&chunk.cells, bound) {
        (Cells::Float(cells), Cell::Float(bound)) if !bound.is_nan() => {
            float_bits(&cells[places], comparison, bound) ^ flip
        }
        (Cells::Int(cells), Cell::Int(bound)) | (Cells::Time(cells), Cell::Time(bound)) => {
            int_bits(&cells[places], comparison, bound) ^ flip
        }
        _ => u64::MAX,
    };
    bits | nulls
}
