//! Which of the new rows pass: each condition leaves fewer candidates for the next.

use std::cmp::Ordering;
use std::ops::Range;

use expr::{BinaryOp, Expr, Method, Pattern, RowSource, is_true};
use memchr::memmem::Finder;
use model::{Strings, Value};

use crate::cell::Cell;
use crate::column::{Cells, Chunk, Zone};
use crate::kernel::{Comparison, FETCHED_CELLS, bits, fetch, float_bits, int_bits};
use crate::passed::Passed;
use crate::segment::SEGMENT_ROWS;
use crate::table::{Source, Table, TableRow};
use crate::text::TextCells;

/// All conditions of a view.
pub(crate) struct Filter {
    tests: Vec<Test>,
}

/// One condition, in the shape in which it is evaluated fastest.
enum Test {
    /// A column's cell, compared with scalars that are not null, as the bounds of a range are. Read once for all of them.
    Compare { column: String, bounds: Vec<(BinaryOp, Value)> },
    /// Whether a column's text holds another.
    Contains { column: String, expr: Expr, finder: Box<Finder<'static>> },
    /// Whether a pattern is found in a column's text.
    Matches { column: String, pattern: Pattern },
    /// Any other condition on one column alone: evaluated once for each distinct text.
    OneColumn { column: String, expr: Expr },
    /// Anything else: evaluated row by row.
    Rows(Expr),
}

impl Filter {
    pub(crate) fn new(filters: &[Expr]) -> Self {
        let mut tests: Vec<Test> = Vec::new();
        for test in filters.iter().flat_map(Expr::conjuncts).map(Test::new) {
            match (tests.last_mut(), test) {
                (Some(Test::Compare { column, bounds }), Test::Compare { column: same, bounds: more })
                    if *column == same =>
                {
                    bounds.extend(more);
                }
                (_, test) => tests.push(test),
            }
        }
        Self { tests }
    }

    /// Hands on the rows from `start` on that pass, segment by segment.
    pub(crate) fn run(&self, table: &Table, start: u32, mut see: impl FnMut(usize, &Passed)) {
        let end_row = table.row_numbers().end as usize;
        for segment_idx in start as usize / SEGMENT_ROWS..end_row.div_ceil(SEGMENT_ROWS) {
            let first = segment_idx * SEGMENT_ROWS;
            let end = SEGMENT_ROWS.min(end_row - first);
            let mut passed = Passed::range((start as usize).saturating_sub(first)..end);
            self.keep_passed(table, segment_idx, &mut passed);
            if !passed.is_empty() {
                see(segment_idx, &passed);
            }
        }
    }

    /// Of some rows of a segment, keeps those that pass.
    pub(crate) fn keep_passed(&self, table: &Table, segment_idx: usize, passed: &mut Passed) {
        for test in &self.tests {
            if !passed.is_empty() {
                test.run(table, segment_idx, passed);
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
                return Test::Compare { column: column.clone(), bounds: vec![(op, literal.clone())] };
            }
        }
        if let Expr::Call { method: Method::Contains, on, args } = expr
            && let (Expr::Column(column), [Expr::Literal(Value::Text(part))]) = (&**on, &args[..])
        {
            let finder = Box::new(Finder::new(part.as_bytes()).into_owned());
            return Test::Contains { column: column.clone(), expr: expr.clone(), finder };
        }
        if let Expr::Matches { on, pattern } = expr
            && let Expr::Column(column) = &**on
        {
            return Test::Matches { column: column.clone(), pattern: pattern.clone() };
        }
        match expr.columns()[..] {
            [column] => Test::OneColumn { column: column.to_owned(), expr: expr.clone() },
            _ => Test::Rows(expr.clone()),
        }
    }

    fn run(&self, table: &Table, segment_idx: usize, passed: &mut Passed) {
        let (column, expr) = match self {
            Test::Compare { column, .. } | Test::Matches { column, .. } => (column, None),
            Test::Contains { column, expr, .. } | Test::OneColumn { column, expr } => (column, Some(expr)),
            Test::Rows(expr) => return by_row(expr, table, segment_idx, passed),
        };
        let source = table.source(column);
        if source == Source::Offset {
            return by_row(&self.to_expr(), table, segment_idx, passed);
        }
        let chunk = table.chunk(source, segment_idx);
        let pass = |cell: Cell<'_>| match self {
            Test::Compare { bounds, .. } => {
                bounds.iter().all(|(op, literal)| holds(*op, cell.compare(Cell::from(literal))))
            }
            Test::Matches { pattern, .. } => matches!(cell, Cell::Text(text) if pattern.is_found_in(text)),
            _ => expr.is_some_and(|expr| is_true(&expr.eval(&OneCell(cell.to_value())))),
        };
        // Evaluated at most once, and only where there is a null.
        let null_passes = pass(Cell::Null);
        let Some(chunk) = chunk.filter(|chunk| !matches!(chunk.cells, Cells::Null(_))) else {
            if !null_passes {
                passed.clear();
            }
            return;
        };
        match (self, &chunk.cells) {
            // Once for each distinct text, unless few rows are asked about.
            (_, Cells::Text(TextCells::Coded { codes, dictionary })) if dictionary.texts.len() <= passed.len() => {
                // Cells without a value have a code even where there is no text.
                let passes = dictionary.texts.iter().map(|text| pass(Cell::Text(text))).chain([false]);
                let passes: Vec<bool> = passes.collect();
                keep(chunk, passed, null_passes, |at| bits(&codes[at], |code| passes[code as usize]));
            }
            (Test::Compare { bounds, .. }, _) => compare(chunk, bounds, null_passes, passed),
            (Test::Contains { finder, .. }, Cells::Text(TextCells::Plain(texts))) => {
                passed.keep_nulls(chunk.validity.as_ref(), false);
                keep_containing(texts, finder, passed);
            }
            _ => passed.keep(|idx| if chunk.is_null(idx) { null_passes } else { pass(chunk.cell(idx)) }),
        }
    }

    fn to_expr(&self) -> Expr {
        match self {
            Test::Compare { column, bounds } => {
                let bound = |(op, literal): &(BinaryOp, Value)| {
                    Expr::binary(*op, Expr::column(column), Expr::Literal(literal.clone()))
                };
                let all = bounds.iter().map(bound).reduce(|all, bound| Expr::binary(BinaryOp::And, all, bound));
                all.unwrap_or(Expr::Literal(Value::Bool(true)))
            }
            Test::Matches { column, pattern } => Expr::column(column).matches(pattern.clone()),
            Test::Contains { expr, .. } | Test::OneColumn { expr, .. } | Test::Rows(expr) => expr.clone(),
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

fn by_row(expr: &Expr, table: &Table, segment_idx: usize, passed: &mut Passed) {
    let sources: Vec<(&str, Source)> = expr.columns().into_iter().map(|name| (name, table.source(name))).collect();
    let first = segment_idx * SEGMENT_ROWS;
    passed.keep(|idx| is_true(&expr.eval(&TableRow { table, sources: &sources, row: (first + idx) as u32 })));
}

/// Keeps the rows whose text holds what the finder looks for: one search through all texts, end to end.
fn keep_containing(texts: &Strings, finder: &Finder<'_>, passed: &mut Passed) {
    let (first, words) = passed.words();
    if finder.needle().is_empty() || words.is_empty() {
        return;
    }
    let n_rows = texts.len().min(first + words.len() * 64);
    let ends = &texts.ends()[..n_rows];
    let bytes = &texts.bytes()[..ends.last().map_or(0, |end| *end as usize)];
    let mut found = vec![0_u64; words.len()];
    let mut row = first;
    let mut at = if first == 0 { 0 } else { ends[first - 1] as usize };
    while let Some(hit) = finder.find(&bytes[at..]) {
        let start = at + hit;
        row += ends[row..].partition_point(|end| *end as usize <= start);
        let end = ends[row] as usize;
        if start + finder.needle().len() <= end {
            found[(row - first) / 64] |= 1 << (row % 64);
            at = end;
            row += 1;
        } else {
            // It reaches into the next text, and is none.
            at = start + 1;
        }
    }
    passed.keep_bits(n_rows, None, false, |at| found[(at.start - first) / 64]);
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

fn keep(chunk: &Chunk, passed: &mut Passed, null_passes: bool, bits: impl Fn(Range<usize>) -> u64) {
    passed.keep_bits(chunk.len(), chunk.validity.as_ref(), null_passes, bits);
}

fn compare(chunk: &Chunk, bounds: &[(BinaryOp, Value)], null_passes: bool, passed: &mut Passed) {
    let mut undecided = Vec::new();
    for (op, literal) in bounds {
        match by_zone(chunk, *op, literal) {
            Some(true) => {}
            Some(false) if null_passes => return passed.keep_nulls(chunk.validity.as_ref(), true),
            Some(false) => return passed.clear(),
            None => undecided.push((*op, literal)),
        }
    }
    if undecided.is_empty() {
        if !null_passes {
            passed.keep_nulls(chunk.validity.as_ref().filter(|_| chunk.n_nulls > 0), false);
        }
        return;
    }
    match &chunk.cells {
        Cells::Float(cells) => {
            // NaN is greater than every number: what is not less or equal.
            let number = |literal: &Value| if let Value::Float(number) = literal { Some(*number) } else { None };
            if let Some(bounds) = comparisons(&undecided, |literal| number(literal).filter(|number| !number.is_nan())) {
                return keep_within((chunk, cells), &bounds, null_passes, passed, float_bits, f64::to_bits);
            }
        }
        Cells::Int(cells) => {
            let number = |literal: &Value| if let Value::Int(number) = literal { Some(*number) } else { None };
            if let Some(bounds) = comparisons(&undecided, number) {
                return keep_within((chunk, cells), &bounds, null_passes, passed, int_bits, i64::cast_unsigned);
            }
        }
        Cells::Time(cells) => {
            let number = |literal: &Value| if let Value::Time(time) = literal { Some(time.0) } else { None };
            if let Some(bounds) = comparisons(&undecided, number) {
                return keep_within((chunk, cells), &bounds, null_passes, passed, int_bits, i64::cast_unsigned);
            }
        }
        _ => {}
    }
    let pass = |idx: usize| {
        let cell = chunk.cell(idx);
        undecided.iter().all(|(op, literal)| holds(*op, cell.compare(Cell::from(*literal))))
    };
    passed.keep(|idx| if chunk.is_null(idx) { null_passes } else { pass(idx) });
}

/// The bounds as comparisons of numbers, each with what turns its bits into those that the bound asks for; `None` where a
/// literal is no such number.
fn comparisons<T>(
    bounds: &[(BinaryOp, &Value)],
    number: impl Fn(&Value) -> Option<T>,
) -> Option<Vec<(Comparison, T, u64)>> {
    let bound = |(op, literal): &(BinaryOp, &Value)| {
        let (comparison, flip) = comparison(*op);
        Some((comparison, number(literal)?, flip))
    };
    bounds.iter().map(bound).collect()
}

/// Keeps the rows that are within all bounds, which each have their bits in `bits`.
fn keep_within<T: Copy>(
    (chunk, cells): (&Chunk, &[T]),
    bounds: &[(Comparison, T, u64)],
    null_passes: bool,
    passed: &mut Passed,
    bits: impl Fn(&[T], Comparison, T) -> u64,
    cell_bits: impl Fn(T) -> u64,
) {
    keep(chunk, passed, null_passes, |at| {
        if at.start.is_multiple_of(FETCHED_CELLS) {
            fetch(&cells[at.start..cells.len().min(at.start + FETCHED_CELLS)], &cell_bits);
        }
        let within =
            |(comparison, number, flip): &(Comparison, T, u64)| bits(&cells[at.clone()], *comparison, *number) ^ flip;
        bounds.iter().map(within).fold(u64::MAX, |all, bits| all & bits)
    });
}

/// The comparison that an operator is, or is the opposite of, and what turns the bits of the one into those of the other.
fn comparison(op: BinaryOp) -> (Comparison, u64) {
    match op {
        BinaryOp::Less => (Comparison::Less, 0),
        BinaryOp::LessOrEqual => (Comparison::LessOrEqual, 0),
        BinaryOp::Greater => (Comparison::LessOrEqual, u64::MAX),
        BinaryOp::GreaterOrEqual => (Comparison::Less, u64::MAX),
        BinaryOp::Equal => (Comparison::Equal, 0),
        _ => (Comparison::Equal, u64::MAX),
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
