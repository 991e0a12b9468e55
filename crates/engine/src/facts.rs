//! What a column holds, be it the table's or one that is computed, for those who make filters of it. Each looks at every row.

use std::collections::HashMap;

use expr::Expr;
use model::{Value, system_column};

use crate::cell::Cell;
use crate::cells_of::CellsOf;
use crate::column::{Cells, Chunk, Zone};
use crate::key::push_key;
use crate::segment::SEGMENT_ROWS;
use crate::sort::sort_numbers;
use crate::table::{RowId, Source, Table};
use crate::text::TextCells;

/// How many different values of a column are told apart. More would be no list to choose from, and take much memory.
const MAX_DIFFERENT: usize = 1 << 18;

impl Table {
    /// The values of a column, or of any expression, with how often each stands there, the most frequent first, then by value;
    /// null among them. Reads all rows. Of more than 262,144 different values, those that came after the first so many are left
    /// out.
    #[must_use]
    pub fn distinct(&self, of: &Expr, limit: usize) -> Vec<(Value, u64)> {
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
            match CellsOf::new(of, self, first / SEGMENT_ROWS) {
                // A look-up for each text of the dictionary, not for each cell.
                CellsOf::Chunk(chunk @ Chunk { cells: Cells::Text(TextCells::Coded { codes, dictionary }), .. }) => {
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
                cells => {
                    (0..segment.n_rows()).for_each(|idx| cells.with(idx, |cell| add(cell, first + idx, 1)));
                }
            }
        }
        // A column's cells are read where they stand.
        let computed: Vec<Value> = match of {
            Expr::Column(_) => Vec::new(),
            _ => counts.values().map(|(row, _)| self.value_of(self.base_offset() + RowId::from(*row), of)).collect(),
        };
        let source = if let Expr::Column(name) = of { self.source(name) } else { Source::Missing };
        let cell = |(idx, (row, n)): (usize, (u32, u64))| {
            (computed.get(idx).map_or_else(|| self.cell(source, row), Cell::from), n)
        };
        let counts: Vec<(Cell<'_>, u64)> = counts.values().copied().enumerate().map(cell).collect();
        let mut order: Vec<u32> = (0..counts.len() as u32).collect();
        sort_numbers(&mut order, &|a, b| {
            let ((a, n_a), (b, n_b)) = (counts[a as usize], counts[b as usize]);
            n_b.cmp(&n_a).then_with(|| a.total_cmp(b))
        });
        order.truncate(limit);
        order.into_iter().map(|idx| counts[idx as usize]).map(|(cell, n)| (cell.to_value(), n)).collect()
    }

    /// The least and the greatest finite number of a column or an expression, or time in microseconds; `None` where it has none.
    #[must_use]
    pub fn range(&self, of: &Expr) -> Option<(f64, f64)> {
        if matches!(of, Expr::Column(name) if name == system_column::OFFSET) {
            let has_rows = self.n_rows() > 0;
            return has_rows.then(|| (self.first_offset() as f64, (self.next_offset() - 1) as f64));
        }
        let mut range = None;
        let mut add = |x: (f64, f64)| range = Some(range.map_or(x, |range| union(range, x)));
        for (first, segment) in self.segments() {
            match CellsOf::new(of, self, first / SEGMENT_ROWS) {
                CellsOf::Chunk(Chunk { zone: Zone::Int { min, max }, .. }) => add((*min as f64, *max as f64)),
                CellsOf::Chunk(Chunk { zone: Zone::Float { min, max, .. }, .. })
                    if min.is_finite() && max.is_finite() =>
                {
                    add((*min, *max));
                }
                cells => each_finite(&cells, segment.n_rows(), |x| add((x, x))),
            }
        }
        range
    }

    /// How many of the finite numbers of a column or an expression, or times in microseconds, fall into each of `n_bins` equal
    /// parts of a range. A part has its lesser end, the last one both; what is outside the range is not counted.
    #[must_use]
    pub fn histogram(&self, of: &Expr, range: (f64, f64), n_bins: usize) -> Vec<u64> {
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
        for (first, segment) in self.segments() {
            match CellsOf::new(of, self, first / SEGMENT_ROWS) {
                CellsOf::Chunk(Chunk { cells: Cells::Float(cells), validity: None, .. }) => {
                    cells.iter().for_each(|x| add(*x));
                }
                CellsOf::Chunk(Chunk { cells: Cells::Int(cells) | Cells::Time(cells), validity: None, .. }) => {
                    cells.iter().for_each(|x| add(*x as f64));
                }
                cells => each_finite(&cells, segment.n_rows(), &mut add),
            }
        }
        counts
    }
}

/// Shows the finite numbers and the times among the first cells; of chunks that cannot have any, none are looked at.
fn each_finite(cells: &CellsOf<'_>, n_rows: usize, mut see: impl FnMut(f64)) {
    let n_cells = match cells {
        CellsOf::Chunk(Chunk {
            cells: Cells::Float(_) | Cells::Int(_) | Cells::Time(_) | Cells::Values(_), ..
        })
        | CellsOf::Computed { .. } => n_rows,
        CellsOf::Chunk(_) | CellsOf::Null => 0,
    };
    for idx in 0..n_cells {
        cells.with(idx, |cell| match cell {
            Cell::Int(x) | Cell::Time(x) => see(x as f64),
            Cell::Float(x) if x.is_finite() => see(x),
            _ => {}
        });
    }
}

fn union(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
}
