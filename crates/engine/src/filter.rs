//! Which of the new rows pass: each condition leaves fewer candidates for the next.

use std::cmp::Ordering;
use std::ops::Range;

use expr::{BinaryOp, Expr, RowSource, is_true};
use model::Value;

use crate::cell::Cell;
use crate::column::{Cells, Chunk, Zone};
use crate::segment::SEGMENT_ROWS;
use crate::table::{Source, Table, TableRow};
use crate::text::TextCells;

/// All conditions of a view.
pub(crate) struct Filter {
    tests: Vec<Test>,
}

/// One condition, in the shape in which it is evaluated fastest.
enum Test {
    /// A column's cell, compared with a scalar that is not null.
    Compare { column: String, op: BinaryOp, literal: Value },
    /// Any other condition on one column alone: evaluated once for each distinct text.
    OneColumn { column: String, expr: Expr },
    /// Anything else: evaluated row by row.
    Rows(Expr),
}

/// Rows of one segment, by their place in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Candidates {
    Range(Range<u32>),
    List(Vec<u32>),
}

impl Candidates {
    pub(crate) fn len(&self) -> usize {
        match self {
            Candidates::Range(range) => range.len(),
            Candidates::List(rows) => rows.len(),
        }
    }

    pub(crate) fn for_each(&self, mut see: impl FnMut(usize)) {
        match self {
            Candidates::Range(range) => range.clone().for_each(|row| see(row as usize)),
            Candidates::List(rows) => rows.iter().for_each(|row| see(*row as usize)),
        }
    }

    fn clear(&mut self) {
        *self = Candidates::Range(0..0);
    }

    /// Keeps the rows that pass. Written so that no branch depends on the outcome.
    fn keep(&mut self, pass: impl Fn(usize) -> bool) {
        let mut n_kept = 0;
        let mut kept = match self {
            Candidates::Range(range) => {
                let mut kept = vec![0; range.len()];
                for row in range {
                    kept[n_kept] = row;
                    n_kept += usize::from(pass(row as usize));
                }
                kept
            }
            Candidates::List(rows) => {
                let mut kept = std::mem::take(rows);
                for idx in 0..kept.len() {
                    let row = kept[idx];
                    kept[n_kept] = row;
                    n_kept += usize::from(pass(row as usize));
                }
                kept
            }
        };
        kept.truncate(n_kept);
        *self = Candidates::List(kept);
    }
}

impl Filter {
    pub(crate) fn new(filters: &[Expr]) -> Self {
        Self { tests: filters.iter().flat_map(Expr::conjuncts).map(Test::new).collect() }
    }

    /// Hands on the rows from `start` on that pass, segment by segment.
    pub(crate) fn run(&self, table: &Table, start: u32, mut see: impl FnMut(usize, Candidates)) {
        for segment_idx in start as usize / SEGMENT_ROWS..table.segments().len() {
            let first = (segment_idx * SEGMENT_ROWS) as u32;
            let end = table.segments()[segment_idx].n_rows() as u32;
            let mut candidates = Candidates::Range(start.saturating_sub(first)..end);
            for test in &self.tests {
                if candidates.len() > 0 {
                    test.run(table, segment_idx, &mut candidates);
                }
            }
            if candidates.len() > 0 {
                see(segment_idx, candidates);
            }
        }
    }
}

impl Test {
    fn new(expr: &Expr) -> Self {
        if let Expr::Binary(op, left, right) = expr {
            let sides = match (&**left, &**right) {
                (Expr::Column(column), Expr::Literal(literal)) => op.swapped().map(|_| (column, *op, literal)),
                (Expr::Literal(literal), Expr::Column(column)) => op.swapped().map(|op| (column, op, literal)),
                _ => None,
            };
            if let Some((column, op, literal)) = sides.filter(|(.., literal)| !literal.is_null()) {
                return Test::Compare { column: column.clone(), op, literal: literal.clone() };
            }
        }
        match expr.columns()[..] {
            [column] => Test::OneColumn { column: column.to_owned(), expr: expr.clone() },
            _ => Test::Rows(expr.clone()),
        }
    }

    fn run(&self, table: &Table, segment_idx: usize, candidates: &mut Candidates) {
        let (column, expr) = match self {
            Test::Compare { column, .. } => (column, None),
            Test::OneColumn { column, expr } => (column, Some(expr)),
            Test::Rows(expr) => return by_row(expr, table, segment_idx, candidates),
        };
        let source = table.source(column);
        let chunk = match source {
            Source::Column(idx) => table.segments()[segment_idx].chunk(idx),
            Source::Offset => return by_row(&self.to_expr(), table, segment_idx, candidates),
            Source::Missing => None,
        };
        let pass = |cell: Cell<'_>| match self {
            Test::Compare { op, literal, .. } => holds(*op, cell.compare(Cell::from(literal))),
            _ => expr.is_some_and(|expr| is_true(&expr.eval(&OneCell(cell.to_value())))),
        };
        // Evaluated at most once, and only where there is a null.
        let null_passes = pass(Cell::Null);
        let Some(chunk) = chunk.filter(|chunk| !matches!(chunk.cells, Cells::Null(_))) else {
            if !null_passes {
                candidates.clear();
            }
            return;
        };
        match (self, &chunk.cells) {
            // Once for each distinct text, unless few rows are asked about.
            (_, Cells::Text(TextCells::Coded { codes, dictionary })) if dictionary.texts.len() <= candidates.len() => {
                let passes: Vec<bool> = dictionary.texts.iter().map(|text| pass(Cell::Text(text))).collect();
                keep_values(chunk, candidates, null_passes, |idx| passes[codes[idx] as usize]);
            }
            (Test::Compare { op, literal, .. }, _) => {
                compare(chunk, *op, literal, null_passes, candidates);
            }
            _ => candidates.keep(|idx| if chunk.is_null(idx) { null_passes } else { pass(chunk.cell(idx)) }),
        }
    }

    fn to_expr(&self) -> Expr {
        match self {
            Test::Compare { column, op, literal } => {
                Expr::binary(*op, Expr::column(column), Expr::Literal(literal.clone()))
            }
            Test::OneColumn { expr, .. } | Test::Rows(expr) => expr.clone(),
        }
    }
}

/// A row of which one cell is read.
struct OneCell(Value);

impl RowSource for OneCell {
    fn get(&self, _column: &str) -> Value {
        self.0.clone()
    }
}

fn by_row(expr: &Expr, table: &Table, segment_idx: usize, candidates: &mut Candidates) {
    let sources: Vec<(&str, Source)> = expr.columns().into_iter().map(|name| (name, table.source(name))).collect();
    let first = segment_idx * SEGMENT_ROWS;
    candidates.keep(|idx| is_true(&expr.eval(&TableRow { table, sources: &sources, row: (first + idx) as u32 })));
}

/// Whether a comparison holds, given how its sides compare; `None` between kinds.
fn holds(op: BinaryOp, order: Option<Ordering>) -> bool {
    match op {
        BinaryOp::Equal => order == Some(Ordering::Equal),
        BinaryOp::NotEqual => order != Some(Ordering::Equal),
        BinaryOp::Less => order == Some(Ordering::Less),
        BinaryOp::LessOrEqual => order.is_some_and(Ordering::is_le),
        BinaryOp::Greater => order == Some(Ordering::Greater),
        BinaryOp::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        _ => false,
    }
}

fn keep_values(chunk: &Chunk, candidates: &mut Candidates, null_passes: bool, pass: impl Fn(usize) -> bool) {
    match &chunk.validity {
        None => candidates.keep(pass),
        Some(validity) => candidates.keep(|idx| if validity.get(idx) { pass(idx) } else { null_passes }),
    }
}

fn compare(chunk: &Chunk, op: BinaryOp, literal: &Value, null_passes: bool, candidates: &mut Candidates) {
    if let Some(all) = by_zone(chunk, op, literal) {
        match (all, null_passes || chunk.n_nulls == 0) {
            (true, true) => {}
            (true, false) => candidates.keep(|idx| !chunk.is_null(idx)),
            (false, _) if null_passes => candidates.keep(|idx| chunk.is_null(idx)),
            (false, _) => candidates.clear(),
        }
        return;
    }
    match (&chunk.cells, literal) {
        (Cells::Float(cells), Value::Float(literal)) if !literal.is_nan() => {
            compare_floats(chunk, cells, op, *literal, null_passes, candidates);
        }
        (Cells::Int(cells), Value::Int(literal)) => {
            let pass = |idx: usize| holds(op, Some(cells[idx].cmp(literal)));
            keep_values(chunk, candidates, null_passes, pass);
        }
        (Cells::Time(cells), Value::Time(literal)) => {
            let pass = |idx: usize| holds(op, Some(cells[idx].cmp(&literal.0)));
            keep_values(chunk, candidates, null_passes, pass);
        }
        _ => {
            let literal = Cell::from(literal);
            let pass = |idx: usize| holds(op, chunk.cell(idx).compare(literal));
            keep_values(chunk, candidates, null_passes, pass);
        }
    }
}

/// NaN is greater than every number, so that `>` is the opposite of `<=`, which NaN fails in IEEE 754 too.
fn compare_floats(
    chunk: &Chunk,
    cells: &[f64],
    op: BinaryOp,
    literal: f64,
    null_passes: bool,
    candidates: &mut Candidates,
) {
    match op {
        BinaryOp::Less => keep_values(chunk, candidates, null_passes, |idx| cells[idx] < literal),
        BinaryOp::LessOrEqual => keep_values(chunk, candidates, null_passes, |idx| cells[idx] <= literal),
        BinaryOp::Greater => {
            keep_values(chunk, candidates, null_passes, |idx| cells[idx] > literal || cells[idx].is_nan());
        }
        BinaryOp::GreaterOrEqual => {
            keep_values(chunk, candidates, null_passes, |idx| cells[idx] >= literal || cells[idx].is_nan());
        }
        BinaryOp::Equal => keep_values(chunk, candidates, null_passes, |idx| cells[idx] == literal),
        _ => keep_values(chunk, candidates, null_passes, |idx| cells[idx] != literal),
    }
}

/// Whether all values of a chunk pass, or none; `None` where the zone does not tell.
fn by_zone(chunk: &Chunk, op: BinaryOp, literal: &Value) -> Option<bool> {
    let (least, greatest) = match (chunk.zone, &chunk.cells) {
        (Zone::Int { min, max }, Cells::Time(_)) => (Cell::Time(min), Cell::Time(max)),
        (Zone::Int { min, max }, _) => (Cell::Int(min), Cell::Int(max)),
        (Zone::Float { min, max, has_nan }, _) => {
            let is_all_nan = min > max;
            let least = if is_all_nan { f64::NAN } else { min };
            (Cell::Float(least), Cell::Float(if has_nan { f64::NAN } else { max }))
        }
        (Zone::Unknown, _) => return None,
    };
    let literal = Cell::from(literal);
    let at = |cell: Cell<'_>| holds(op, cell.compare(literal));
    match op {
        BinaryOp::Less | BinaryOp::LessOrEqual if at(greatest) => Some(true),
        BinaryOp::Less | BinaryOp::LessOrEqual if !at(least) => Some(false),
        BinaryOp::Greater | BinaryOp::GreaterOrEqual if at(least) => Some(true),
        BinaryOp::Greater | BinaryOp::GreaterOrEqual if !at(greatest) => Some(false),
        BinaryOp::Equal | BinaryOp::NotEqual => {
            let is_outside = match (least.compare(literal), greatest.compare(literal)) {
                (Some(least), Some(greatest)) => least.is_gt() || greatest.is_lt(),
                _ => true,
            };
            is_outside.then_some(op == BinaryOp::NotEqual)
        }
        _ => None,
    }
}
