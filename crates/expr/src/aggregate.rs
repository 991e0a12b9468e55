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
}

impl AggregateOp {
    /// Every figure with its name in the language.
    pub const ALL: [(AggregateOp, &'static str); 5] = [
        (AggregateOp::Count, "count"),
        (AggregateOp::Sum, "sum"),
        (AggregateOp::Mean, "avg"),
        (AggregateOp::Min, "min"),
        (AggregateOp::Max, "max"),
    ];

    /// The name in the language.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let name = if name == "mean" { "avg" } else { name };
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

    /// The heading of the figure's column: `count`, `avg(price)`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.column {
            None => self.op.name().to_owned(),
            Some(column) => format!("{}({})", self.op.name(), column.name()),
        }
    }
}
