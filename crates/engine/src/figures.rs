//! The figures of a view's groups: each takes in new rows without looking at the old, and is the same however the rows are
//! split into batches.

use expr::{AggregateOp, Share};
use model::{ColumnType, Value};

use crate::cell::Cell;
use crate::cells_of::CellsOf;
use crate::distinct::Distinct;
use crate::group::GroupsOf;
use crate::passed::Passed;
use crate::sketch::Sketch;

/// What the sketch of a group takes at most, and what its different values take, about.
const MAX_SKETCH_BYTES: usize = 64 << 10;
const MAX_DISTINCT_BYTES: usize = 640 << 10;

/// One figure of every group.
pub(crate) enum Figures {
    Count(Vec<u64>),
    Sum(Vec<Sum>),
    Mean(Vec<Sum>),
    Min(Vec<Value>),
    Max(Vec<Value>),
    StdDev(Vec<Moments>),
    Quantile(Share, Vec<Sketch>),
    Distinct(Vec<Distinct>),
    First(Vec<Value>),
    Last(Vec<Value>),
}

/// The numbers of a group, added up: the whole ones exactly.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    ints: i128,
    floats: f64,
    n_ints: u64,
    n_floats: u64,
}

impl Sum {
    fn add(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Int(number) => {
                self.ints += i128::from(number);
                self.n_ints += 1;
            }
            Cell::Float(number) => {
                self.floats += number;
                self.n_floats += 1;
            }
            _ => {}
        }
    }

    fn sum(self) -> Value {
        match (self.n_ints, self.n_floats) {
            (0, 0) => Value::Null,
            (_, 0) => i64::try_from(self.ints).map_or(Value::Float(self.ints as f64), Value::Int),
            (0, _) => Value::Float(self.floats),
            _ => Value::Float(self.ints as f64 + self.floats),
        }
    }

    fn mean(self) -> Value {
        let n = (self.n_ints + self.n_floats) as f64;
        self.sum().as_f64().map_or(Value::Null, |sum| Value::Float(sum / n))
    }
}

/// Mean and sum of squared deviations so far, in Welford's way, which loses no digits to large sums.
///
/// Source: B. P. Welford, "Note on a method for calculating corrected sums of squares and products", 1962.
#[derive(Clone, Copy, Default)]
pub(crate) struct Moments {
    n: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, number: f64) {
        self.n += 1;
        let from_before = number - self.mean;
        self.mean += from_before / self.n as f64;
        self.squares += from_before * (number - self.mean);
    }

    fn std_dev(self) -> Value {
        if self.n < 2 { Value::Null } else { Value::Float((self.squares / (self.n - 1) as f64).sqrt()) }
    }
}

fn number(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Int(number) => Some(number as f64),
        Cell::Float(number) => Some(number),
        _ => None,
    }
}

impl Figures {
    pub(crate) fn new(op: AggregateOp) -> Self {
        match op {
            AggregateOp::Count => Figures::Count(Vec::new()),
            AggregateOp::Sum => Figures::Sum(Vec::new()),
            AggregateOp::Mean => Figures::Mean(Vec::new()),
            AggregateOp::Min => Figures::Min(Vec::new()),
            AggregateOp::Max => Figures::Max(Vec::new()),
            AggregateOp::StdDev => Figures::StdDev(Vec::new()),
            AggregateOp::Quantile(share) => Figures::Quantile(share, Vec::new()),
            AggregateOp::CountDistinct => Figures::Distinct(Vec::new()),
            AggregateOp::First => Figures::First(Vec::new()),
            AggregateOp::Last => Figures::Last(Vec::new()),
        }
    }

    pub(crate) fn resize(&mut self, n_groups: usize) {
        match self {
            Figures::Count(counts) => counts.resize(n_groups, 0),
            Figures::Sum(sums) | Figures::Mean(sums) => sums.resize(n_groups, Sum::default()),
            Figures::Min(values) | Figures::Max(values) | Figures::First(values) | Figures::Last(values) => {
                values.resize(n_groups, Value::Null);
            }
            Figures::StdDev(moments) => moments.resize(n_groups, Moments::default()),
            Figures::Quantile(_, sketches) => sketches.resize_with(n_groups, Sketch::default),
            Figures::Distinct(sets) => sets.resize_with(n_groups, Distinct::default),
        }
    }

    fn add(&mut self, group: u32, cell: Cell<'_>) {
        let group = group as usize;
        match self {
            Figures::Count(counts) => counts[group] += u64::from(!cell.is_null()),
            Figures::Sum(sums) | Figures::Mean(sums) => sums[group].add(cell),
            // Null is last in the total order, so that the first value replaces it as a least but not as a greatest.
            Figures::Min(values) => {
                if cell.total_cmp(Cell::from(&values[group])).is_lt() {
                    values[group] = cell.to_value();
                }
            }
            Figures::Max(values) => {
                let known = Cell::from(&values[group]);
                if !cell.is_null() && (known.is_null() || cell.total_cmp(known).is_gt()) {
                    values[group] = cell.to_value();
                }
            }
            Figures::StdDev(moments) => {
                if let Some(number) = number(cell) {
                    moments[group].add(number);
                }
            }
            Figures::Quantile(_, sketches) => {
                if let Some(number) = number(cell) {
                    sketches[group].add(number);
                }
            }
            Figures::Distinct(sets) => {
                if !cell.is_null() {
                    sets[group].add(cell);
                }
            }
            Figures::First(values) => {
                if values[group].is_null() && !cell.is_null() {
                    values[group] = cell.to_value();
                }
            }
            Figures::Last(values) => {
                if !cell.is_null() {
                    values[group] = cell.to_value();
                }
            }
        }
    }

    /// Takes in rows where no cell is looked at.
    pub(crate) fn add_rows(&mut self, groups: &GroupsOf<'_>, rows: &Passed) {
        let Figures::Count(counts) = self else { return };
        match groups {
            GroupsOf::Coded { by_code, tallies, .. } => {
                for (group, tally) in by_code.iter().zip(tallies).filter(|(_, tally)| tally.n_rows > 0) {
                    counts[*group as usize] += tally.n_rows;
                }
            }
            GroupsOf::Rows(_) => groups.for_each(rows, |_, group| counts[group as usize] += 1),
        }
    }

    /// Whether it adds floats up.
    pub(crate) fn sums_floats(&self) -> bool {
        matches!(self, Figures::Sum(_) | Figures::Mean(_))
    }

    /// The sum of a group's floats so far; 0 of a figure that adds none up.
    pub(crate) fn float_sum(&self, group: usize) -> f64 {
        match self {
            Figures::Sum(sums) | Figures::Mean(sums) => sums.get(group).map_or(0.0, |sum| sum.floats),
            _ => 0.0,
        }
    }

    /// Takes in floats that were added up, in the order of the rows, on top of [`Figures::float_sum`].
    pub(crate) fn add_tallies(&mut self, groups: &GroupsOf<'_>) {
        let (Figures::Sum(sums) | Figures::Mean(sums), GroupsOf::Coded { by_code, tallies, .. }) = (self, groups)
        else {
            return;
        };
        for (group, tally) in by_code.iter().zip(tallies).filter(|(_, tally)| tally.n_rows > 0) {
            let sum = &mut sums[*group as usize];
            sum.floats = tally.sum;
            sum.n_floats += tally.n_rows;
        }
    }

    /// Takes in a cell of each row. Floats are added in the order of the rows.
    pub(crate) fn add_cells(&mut self, groups: &GroupsOf<'_>, rows: &Passed, cells: &CellsOf<'_>) {
        match (self, groups, cells.floats()) {
            (Figures::Sum(sums) | Figures::Mean(sums), groups, Some(floats)) => groups.for_each(rows, |idx, group| {
                let sum = &mut sums[group as usize];
                sum.floats += floats[idx];
                sum.n_floats += 1;
            }),
            (figures, groups, _) => {
                groups.for_each(rows, |idx, group| cells.with(idx, |cell| figures.add(group, cell)));
            }
        }
    }

    pub(crate) fn value(&self, group: usize) -> Value {
        match self {
            Figures::Count(counts) => Value::Int(counts[group] as i64),
            Figures::Sum(sums) => sums[group].sum(),
            Figures::Mean(sums) => sums[group].mean(),
            Figures::Min(values) | Figures::Max(values) | Figures::First(values) | Figures::Last(values) => {
                values[group].clone()
            }
            Figures::StdDev(moments) => moments[group].std_dev(),
            Figures::Quantile(share, sketches) => {
                sketches[group].quantile(share.get()).map_or(Value::Null, Value::Float)
            }
            Figures::Distinct(sets) => Value::Int(sets[group].count() as i64),
        }
    }

    /// How many bytes the figures of so many groups over so many rows take, about.
    pub(crate) fn memory_bytes(&self, n_groups: usize, n_rows: usize) -> usize {
        match self {
            Figures::Count(_) => n_groups * size_of::<u64>(),
            Figures::Sum(_) | Figures::Mean(_) => n_groups * size_of::<Sum>(),
            Figures::Min(_) | Figures::Max(_) | Figures::First(_) | Figures::Last(_) => n_groups * size_of::<Value>(),
            Figures::StdDev(_) => n_groups * size_of::<Moments>(),
            Figures::Quantile(..) => n_groups * size_of::<Sketch>() + (n_rows * 16).min(n_groups * MAX_SKETCH_BYTES),
            Figures::Distinct(_) => n_groups * size_of::<Distinct>() + (n_rows * 64).min(n_groups * MAX_DISTINCT_BYTES),
        }
    }

    /// The type of the figure whatever the values are; `None` where it follows from them.
    pub(crate) fn column_type(&self) -> Option<ColumnType> {
        match self {
            Figures::Count(_) | Figures::Distinct(_) => Some(ColumnType::Int),
            Figures::Mean(_) | Figures::StdDev(_) | Figures::Quantile(..) => Some(ColumnType::Float),
            Figures::Sum(_) | Figures::Min(_) | Figures::Max(_) | Figures::First(_) | Figures::Last(_) => None,
        }
    }

    /// Whether the figure of any group is an estimate.
    pub(crate) fn is_estimate(&self) -> bool {
        match self {
            Figures::Quantile(_, sketches) => sketches.iter().any(Sketch::is_estimate),
            Figures::Distinct(sets) => sets.iter().any(Distinct::is_estimate),
            _ => false,
        }
    }
}
