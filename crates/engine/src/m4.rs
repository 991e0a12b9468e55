//! What a chart needs of many points: of those that share a column of pixels, the first, the last, the lowest and the highest.
//! A line through them covers the same pixels as a line through all.
//!
//! Source: U. Jugel, Z. Jerzak, G. Hackenbroich, V. Markl, "M4: a visualization-oriented time series data aggregation",
//! VLDB 2014.

use expr::Expr;

use crate::cell::Cell;
use crate::cells_of::CellsOf;
use crate::column::{Cells, Chunk};
use crate::passed::Passed;
use crate::segment::SEGMENT_ROWS;
use crate::table::{Source, Table};

/// Points of a chart, in the order of `xs`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Numbers, or times in microseconds since 1970.
    pub xs: Vec<f64>,
    /// As many.
    pub ys: Vec<f64>,
}

/// A point, and the number of its row, which decides between points of one x or one y.
#[derive(Clone, Copy, PartialEq)]
struct Point {
    x: f64,
    y: f64,
    row: usize,
}

/// The points of a column of pixels that matter.
#[derive(Clone, Copy)]
struct Part {
    first: Point,
    last: Point,
    lowest: Point,
    highest: Point,
}

impl Part {
    fn of(point: Point) -> Self {
        Self { first: point, last: point, lowest: point, highest: point }
    }

    /// Rows come in order.
    fn add(&mut self, point: Point) {
        if point.x < self.first.x {
            self.first = point;
        }
        if point.x >= self.last.x {
            self.last = point;
        }
        if point.y < self.lowest.y {
            self.lowest = point;
        }
        if point.y > self.highest.y {
            self.highest = point;
        }
    }
}

/// Reduces the points of some rows, given by segment, to at most four for each of `n_parts` equal parts of a range of `x`.
/// A row is no point where `x` or `y` is not a finite number or a time, or `x` is outside the range.
pub(crate) fn reduce(
    table: &Table,
    rows: impl Iterator<Item = (usize, Passed)>,
    (x, y): (&Expr, &Expr),
    (least, greatest): (f64, f64),
    n_parts: usize,
) -> Points {
    let mut parts: Vec<Option<Part>> = vec![None; n_parts];
    let scale = n_parts as f64 / (greatest - least);
    for (segment_idx, rows) in rows {
        let first = segment_idx * SEGMENT_ROWS;
        let (xs, ys) = (Numbers::of(table, x, segment_idx), Numbers::of(table, y, segment_idx));
        rows.for_each(|idx| {
            let (x, y) = (xs.get(idx), ys.get(idx));
            if !(least <= x && x <= greatest && y.is_finite()) {
                return;
            }
            let point = Point { x, y, row: first + idx };
            // Of a range of one number, which has no scale, all are in the first part.
            let place = (((x - least) * scale) as usize).min(n_parts - 1);
            match &mut parts[place] {
                Some(part) => part.add(point),
                empty => *empty = Some(Part::of(point)),
            }
        });
    }
    let mut points = Points::default();
    for part in parts.into_iter().flatten() {
        let mut four = [part.first, part.lowest, part.highest, part.last];
        four.sort_unstable_by(|a, b| a.x.total_cmp(&b.x).then(a.row.cmp(&b.row)));
        let mut before = None;
        for point in four {
            if before != Some(point) {
                points.xs.push(point.x);
                points.ys.push(point.y);
            }
            before = Some(point);
        }
    }
    points
}

/// A column's numbers in a segment.
enum Numbers<'a> {
    /// No cell is null.
    Floats(&'a [f64]),
    /// Whole numbers or times; no cell is null.
    Ints(&'a [i64]),
    Offsets {
        first: u64,
    },
    Cells(CellsOf<'a>),
}

impl<'a> Numbers<'a> {
    fn of(table: &'a Table, expr: &'a Expr, segment_idx: usize) -> Self {
        if matches!(expr, Expr::Column(name) if table.source(name) == Source::Offset) {
            return Numbers::Offsets { first: table.base_offset() + (segment_idx * SEGMENT_ROWS) as u64 };
        }
        match CellsOf::new(expr, table, segment_idx) {
            CellsOf::Chunk(Chunk { cells: Cells::Float(cells), validity: None, .. }) => Numbers::Floats(cells),
            CellsOf::Chunk(Chunk { cells: Cells::Int(cells) | Cells::Time(cells), validity: None, .. }) => {
                Numbers::Ints(cells)
            }
            cells => Numbers::Cells(cells),
        }
    }

    /// NaN where there is no number.
    fn get(&self, idx: usize) -> f64 {
        match self {
            Numbers::Floats(cells) => cells[idx],
            Numbers::Ints(cells) => cells[idx] as f64,
            Numbers::Offsets { first } => (first + idx as u64) as f64,
            Numbers::Cells(cells) => cells.with(idx, |cell| match cell {
                Cell::Int(number) | Cell::Time(number) => number as f64,
                Cell::Float(number) => number,
                _ => f64::NAN,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Row, StoredBatch, Value};
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use crate::{Table, View, ViewSpec};

    fn cell() -> impl Strategy<Value = Value> {
        prop_oneof![
            6 => (-9_i64..9).prop_map(Value::Int),
            3 => (-9.0..9.0_f64).prop_map(Value::Float),
            1 => prop::sample::select(vec![Value::Null, Value::Float(f64::NAN), Value::Float(f64::INFINITY), "t".into()]),
        ]
    }

    proptest! {
        /// What a plain reading of each part gives.
        #[test]
        fn each_part_keeps_its_first_last_lowest_and_highest(
            cells in prop::collection::vec((cell(), cell()), 0..200),
            n_parts in 1_usize..6,
            query in prop::sample::select(vec!["", ".filter(r => r.y > 0)", ".sort(r => r.y)", ".filter(r => r.x < 5).sort(r => r.y, \"desc\")", ".map(r => {y: r.x + 0n, x: r.y}).map(r => {x: r.y, y: r.x}).filter(r => r.y > 0)"]),
        ) {
            let rows: Vec<Row> = cells.iter().map(|(x, y)| [("x", x.clone()), ("y", y.clone())].into_iter().collect()).collect();
            let mut table = Table::new();
            table.append(&StoredBatch { first_offset: 0, batch: rows.into_iter().collect() }).unwrap();
            let spec = ViewSpec::of(&expr::parse_query(&format!("table(\"t\").rows(){query}")).unwrap()).unwrap();
            let view = View::new(&table, spec).unwrap();
            let (least, greatest) = (-6.0, 7.0);
            let points = view.points(&table, "x", "y", (least, greatest), n_parts);

            let passes = |x: f64, y: f64| (!query.contains("r.y > 0") || y > 0.0) && (!query.contains("r.x < 5") || x < 5.0);
            let finite = |value: &Value| value.as_f64().filter(|number| number.is_finite());
            let all: Vec<(f64, f64)> = cells.iter().filter_map(|(x, y)| finite(x).zip(finite(y))).collect();
            let shown = all.into_iter().filter(|(x, y)| passes(*x, *y) && (least..=greatest).contains(x));
            let mut parts = vec![Vec::new(); n_parts];
            for (x, y) in shown {
                let place = (x - least) * (n_parts as f64 / (greatest - least));
                parts[(place as usize).min(n_parts - 1)].push((x, y));
            }
            let mut got = points.xs.iter().copied().zip(points.ys.iter().copied()).peekable();
            prop_assert!(points.xs.is_sorted());
            for part in parts {
                let mut mine = Vec::new();
                while let Some(point) = got.next_if(|point| part.contains(point)) {
                    mine.push(point);
                }
                prop_assert!(mine.len() <= 4 && mine.is_empty() == part.is_empty());
                let ends = |points: &[(f64, f64)]| {
                    let xs = points.iter().map(|(x, _)| *x);
                    let ys = points.iter().map(|(_, y)| *y);
                    [xs.clone().reduce(f64::min), xs.reduce(f64::max), ys.clone().reduce(f64::min), ys.reduce(f64::max)]
                };
                prop_assert_eq!(ends(&mine), ends(&part));
                let first = part.iter().min_by(|a, b| a.0.total_cmp(&b.0));
                let last = part.iter().max_by(|a, b| a.0.total_cmp(&b.0));
                prop_assert_eq!((mine.first(), mine.last()), (first, last));
            }
            prop_assert!(got.next().is_none());
        }
    }
}
