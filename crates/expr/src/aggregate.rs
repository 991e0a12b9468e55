//! What is told of a group of rows.

use crate::expr::Expr;

/// A figure over the rows of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// Which figure.
    pub op: AggregateOp,
    /// Of what; `None` only for [`AggregateOp::Count`], which then counts rows. With a column it counts the values.
    pub column: Option<Expr>,
}

/// Which figure over values. Nulls are left out of all of them; where no value is left the figure is null, a count 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    /// How many there are.
    Count,
    /// The sum of the numbers: whole and exact where all are whole numbers and 64 bits hold it.
    Sum,
    /// The mean of the numbers.
    Mean,
    /// The least value, in the total order of values.
    Min,
    /// The greatest value, in the total order of values: `NaN`, where there is one.
    Max,
    /// The standard deviation of the numbers as a sample: null of fewer than two.
    StdDev,
    /// The number below which that share of the numbers stands; the median at a half.
    Quantile(Share),
    /// How many different values there are.
    CountDistinct,
    /// The value of the first row that has one.
    First,
    /// The value of the last row that has one.
    Last,
}

/// A share of a whole, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// A half.
    pub const HALF: Share = Share(500_000);
    const WHOLE: u32 = 1_000_000;

    /// The share; `None` of what is not from 0 to 1 or has more than six digits after the point.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        let parts = (share * f64::from(Self::WHOLE)).round();
        let fits = (0.0..=f64::from(Self::WHOLE)).contains(&parts);
        let share_of = Share(parts as u32);
        (fits && share_of.get() == share).then_some(share_of)
    }

    /// From 0 to 1.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE)
    }
}

impl AggregateOp {
    /// Every figure with its name in the language, quantiles by that of the median. Any other quantile is `quantile(0.9)`.
    pub const ALL: [(AggregateOp, &'static str); 10] = [
        (AggregateOp::Count, "count"),
        (AggregateOp::Sum, "sum"),
        (AggregateOp::Mean, "avg"),
        (AggregateOp::Min, "min"),
        (AggregateOp::Max, "max"),
        (AggregateOp::StdDev, "stddev"),
        (AggregateOp::Quantile(Share::HALF), "median"),
        (AggregateOp::CountDistinct, "countDistinct"),
        (AggregateOp::First, "first"),
        (AggregateOp::Last, "last"),
    ];
    pub(crate) const QUANTILE: &'static str = "quantile";

    /// The name in the language, without an argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(op, _)| *op == self).map_or(Self::QUANTILE, |(_, name)| name)
    }

    /// Whether it is one of numbers alone: other values are passed over.
    #[must_use]
    pub fn needs_numbers(self) -> bool {
        matches!(self, AggregateOp::Sum | AggregateOp::Mean | AggregateOp::StdDev | AggregateOp::Quantile(_))
    }

    /// The figure of that name; a quantile at a half until its share is known.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let name = match name {
            "mean" => "avg",
            Self::QUANTILE => "median",
            name => name,
        };
        Self::ALL.iter().find(|(_, text)| *text == name).map(|(op, _)| *op)
    }
}

impl Aggregate {
    /// How many rows the group has.
    #[must_use]
    pub fn count() -> Self {
        Self { op: AggregateOp::Count, column: None }
    }

    /// A figure over a column.
    #[must_use]
    pub fn of(op: AggregateOp, column: impl Into<String>) -> Self {
        Self { op, column: Some(Expr::column(column)) }
    }

    /// The heading of the figure's column: `count`, `avg(price)`, `p95(latency)`.
    #[must_use]
    pub fn name(&self) -> String {
        let figure = match self.op {
            AggregateOp::Quantile(share) if share != Share::HALF => format!("p{}", f64::from(share.0) / 10_000.0),
            op => op.name().to_owned(),
        };
        match &self.column {
            None => figure,
            Some(column) => format!("{figure}({})", column.name()),
        }
    }
}
