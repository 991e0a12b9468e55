//! Moving windows: which rows are too old by now. The clock is told from outside.

use expr::{BinaryOp, Expr, Last};
use model::{Timestamp, Value};

use crate::cell::Cell;
use crate::column::{Cells, Zone};
use crate::filter::Filter;
use crate::segment::SEGMENT_ROWS;
use crate::table::Table;

/// Windows move by steps of this many microseconds, or of a tenth of their span where that is less: what is shown does not
/// change with every look, and groups are made anew no more often.
const STEP_MICROS: i64 = 1_000_000;

/// The windows of a view, and how far they have moved.
pub(crate) struct Moving {
    windows: Vec<Window>,
    /// No row before this one is in the windows, or will be.
    first_row: u32,
}

/// The rows after a time.
#[derive(Clone, Debug)]
struct Window {
    column: String,
    span_micros: i64,
    after: i64,
}

impl Window {
    fn after(&self, now: Timestamp) -> i64 {
        let step = STEP_MICROS.min(self.span_micros / 10);
        (now.0.div_euclid(step).saturating_mul(step)).saturating_sub(self.span_micros)
    }

    /// Whether a time is after that.
    fn is_after(&self, op: BinaryOp, time: i64) -> Expr {
        Expr::binary(op, Expr::column(&self.column), Expr::Literal(Value::Time(Timestamp(time))))
    }
}

impl Moving {
    /// Windows that end now. Of those of one column only the shortest counts.
    pub(crate) fn new(lasts: &[Last], now: Timestamp, first_row: u32) -> Self {
        let mut windows: Vec<Window> = Vec::new();
        for last in lasts {
            let span_micros = last.span.micros();
            match windows.iter_mut().find(|window| window.column == last.column) {
                Some(window) => window.span_micros = window.span_micros.min(span_micros),
                None => windows.push(Window { column: last.column.clone(), span_micros, after: 0 }),
            }
        }
        for window in &mut windows {
            window.after = window.after(now);
        }
        Self { windows, first_row }
    }

    /// The row before which no row is in the windows, or will be.
    pub(crate) fn first_row(&self) -> u32 {
        self.first_row
    }

    /// The conditions of rows in the windows, and others besides.
    pub(crate) fn filter(&self, filters: &[Expr]) -> Filter {
        let windows = self.windows.iter().map(|window| window.is_after(BinaryOp::Greater, window.after));
        Filter::new(&windows.chain(filters.iter().cloned()).collect::<Vec<_>>())
    }

    /// Moves the windows. Gives, for each that moved, the conditions of the rows that were in all of them and are in it no
    /// more; `None` where one would have to move back.
    pub(crate) fn advance(&mut self, now: Timestamp, filters: &[Expr]) -> Option<Vec<Filter>> {
        let before = self.windows.clone();
        for window in &mut self.windows {
            window.after = window.after(now);
        }
        if self.windows.iter().zip(&before).any(|(window, before)| window.after < before.after) {
            return None;
        }
        let left = self.windows.iter().enumerate().filter(|(idx, window)| window.after > before[*idx].after);
        let left = left.map(|(idx, window)| {
            // Both ends of the column's time stand next to each other, to be read at once.
            let mut conditions = vec![
                window.is_after(BinaryOp::LessOrEqual, window.after),
                window.is_after(BinaryOp::Greater, before[idx].after),
            ];
            let others = before.iter().enumerate().filter(|(other, _)| *other != idx);
            conditions.extend(others.map(|(_, other)| other.is_after(BinaryOp::Greater, other.after)));
            conditions.extend(filters.iter().cloned());
            Filter::new(&conditions)
        });
        Some(left.collect())
    }

    /// Has a row that was patched looked at: it may be in the windows again.
    pub(crate) fn look_back(&mut self, row: u32) {
        let first_of_segment = row / SEGMENT_ROWS as u32 * SEGMENT_ROWS as u32;
        self.first_row = self.first_row.min(first_of_segment);
    }

    /// Passes over the full segments at the front in which a window has no row any more.
    pub(crate) fn skip_old_segments(&mut self, table: &Table) {
        let numbers = table.row_numbers();
        self.first_row = self.first_row.max(numbers.start);
        loop {
            let segment_idx = self.first_row as usize / SEGMENT_ROWS;
            let end = (segment_idx + 1) * SEGMENT_ROWS;
            let is_over =
                end <= numbers.end as usize && self.windows.iter().any(|window| window.is_over(table, segment_idx));
            if !is_over {
                return;
            }
            self.first_row = end as u32;
        }
    }
}

impl Window {
    /// Whether no cell of a segment is after the window's beginning.
    fn is_over(&self, table: &Table, segment_idx: usize) -> bool {
        let Some(chunk) = table.chunk(table.source(&self.column), segment_idx) else { return true };
        match (&chunk.cells, chunk.zone) {
            (Cells::Time(_), Zone::Int { max, .. }) => max <= self.after,
            (Cells::Time(_) | Cells::Values(_), _) => {
                !(0..chunk.len()).any(|idx| matches!(chunk.cell(idx), Cell::Time(time) if time > self.after))
            }
            _ => true,
        }
    }
}
