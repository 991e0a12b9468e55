//! What a column holds, for those who make filters of it. Each looks at the whole column.

use std::collections::HashMap;

use model::{Value, system_column};

use crate::cell::Cell;
use crate::column::{Cells, Chunk, Zone};
use crate::key::push_key;
use crate::sort::sort_numbers;
use crate::table::{Source, Table};
use crate::text::TextCells;

/// How many different values of a column are told apart. More would be no list to choose from, and take much memory.
const MAX_DIFFERENT: usize = 1 << 18;

impl Table {
    /// The values of a column with how often each stands there, the most frequent first, then by value; null among them.
    /// Reads the whole column. Of a column with more than 262,144 different values, those that came after the first so many
    /// are left out.
    #[must_use]
    pub fn distinct(&self, column: &str, limit: usize) -> Vec<(Value, u64)> {
        let source = self.source(column);
        let mut counts: HashMap<Vec<u8>, (u32, u64)> = HashMap::new();
        let mut key = Vec::new();
        let mut add = |cell: Cell<'_>, row: usize, n: u64| {
            key.clear();
            push_key(cell, &mut key);
            let is_full = counts.len() >= MAX_DIFFERENT;
            match counts.get_mut(&key) {
                Some((_, count)) => *count += n,
                None if is_full => {}
                None => drop(counts.insert(key.clone(), (row as u32, n))),
            }
        };
        for (first, segment) in self.segments() {
            match segment.chunk_of(source).map(|chunk| (chunk, &chunk.cells)) {
                // A look-up for each text of the dictionary, not for each cell.
                Some((chunk, Cells::Text(TextCells::Coded { codes, dictionary }))) => {
                    let mut seen = vec![(0, 0); dictionary.texts.len().max(1)];
                    let mut nulls = (0, 0);
                    for (idx, &code) in codes.iter().enumerate() {
                        let seen = if chunk.is_null(idx) { &mut nulls } else { &mut seen[code as usize] };
                        *seen = (idx, seen.1 + 1);
                    }
                    for (idx, n) in seen.into_iter().chain([nulls]).filter(|(_, n)| *n > 0) {
                        add(chunk.cell(idx), first + idx, n);
                    }
                }
                _ => (first..first + segment.n_rows()).for_each(|row| add(self.cell(source, row as u32), row, 1)),
            }
        }
        let counts = counts.into_values().map(|(row, n)| (self.cell(source, row), n));
        let counts: Vec<(Cell<'_>, u64)> = counts.collect();
        let mut order: Vec<u32> = (0..counts.len() as u32).collect();
        sort_numbers(&mut order, &|a, b| {
            let ((a, n_a), (b, n_b)) = (counts[a as usize], counts[b as usize]);
            n_b.cmp(&n_a).then_with(|| a.total_cmp(b))
        });
        order.truncate(limit);
        order.into_iter().map(|idx| counts[idx as usize]).map(|(cell, n)| (cell.to_value(), n)).collect()
    }

    /// The least and the greatest finite number of a column, or time in microseconds; `None` where it has none.
    #[must_use]
    pub fn range(&self, column: &str) -> Option<(f64, f64)> {
        let Source::Column(idx) = self.source(column) else {
            let is_offset = column == system_column::OFFSET && self.n_rows() > 0;
            return is_offset.then(|| (self.first_offset() as f64, (self.next_offset() - 1) as f64));
        };
        let ranges =
            self.segments().filter_map(|(_, segment)| segment.chunk(idx)).filter_map(|chunk| match chunk.zone {
                Zone::Int { min, max } => Some((min as f64, max as f64)),
                Zone::Float { min, max, .. } if min.is_finite() && max.is_finite() => Some((min, max)),
                _ => finite_numbers(chunk).map(|x| (x, x)).reduce(union),
            });
        ranges.reduce(union)
    }

    /// How many of a column's finite numbers, or times in microseconds, fall into each of `n_bins` equal parts of a range.
    /// A part has its lesser end, the last one both; what is outside the range is not counted.
    #[must_use]
    pub fn histogram(&self, column: &str, range: (f64, f64), n_bins: usize) -> Vec<u64> {
        let mut counts = vec![0; n_bins];
        let (least, greatest) = range;
        let scale = n_bins as f64 / (greatest - least);
        let mut add = |x: f64| {
            if least <= x && x <= greatest {
                // Of a range of one number, which has no scale, all are in the first part.
                let bin = ((x - least) * scale) as usize;
                counts[bin.min(n_bins - 1)] += 1;
            }
        };
        if n_bins == 0 {
            return counts;
        }
        let source = self.source(column);
        if source == Source::Offset {
            (self.first_offset()..self.next_offset()).for_each(|offset| add(offset as f64));
        }
        for chunk in self.segments().filter_map(|(_, segment)| segment.chunk_of(source)) {
            match (&chunk.cells, &chunk.validity) {
                (Cells::Float(cells), None) => cells.iter().for_each(|x| add(*x)),
                (Cells::Int(cells) | Cells::Time(cells), None) => cells.iter().for_each(|x| add(*x as f64)),
                _ => finite_numbers(chunk).for_each(&mut add),
            }
        }
        counts
    }
}

/// The finite numbers and the times of a chunk; of chunks that cannot have any, none are looked at.
fn finite_numbers(chunk: &Chunk) -> impl Iterator<Item = f64> + '_ {
    let is_numeric = matches!(chunk.cells, Cells::Float(_) | Cells::Int(_) | Cells::Time(_) | Cells::Values(_));
    let n_cells = if is_numeric { chunk.len() } else { 0 };
    (0..n_cells).filter_map(|idx| match chunk.cell(idx) {
        Cell::Int(x) | Cell::Time(x) => Some(x as f64),
        Cell::Float(x) => x.is_finite().then_some(x),
        _ => None,
    })
}

fn union(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
}
