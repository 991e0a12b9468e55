//! The tree of a whole query: a table and the operations on its rows, in order.

use model::TableName;

use crate::aggregate::Aggregate;
use crate::expr::Expr;

/// What a panel shows: a table and what is done to its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The table.
    pub table: TableName,
    /// The operations, each on the outcome of the one before.
    pub ops: Vec<Op>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// `.rows()`: the rows of the table. Without it a panel shows the table's name only.
    Rows,
    /// `.filter(row => …)`: keeps the rows for which the expression is true.
    Filter(Expr),
    /// `.with_columns(row => {"name": …})`: adds columns, or puts them in the place of those of the same names. Each is computed
    /// from the row before.
    WithColumns(Vec<NamedExpr>),
    /// `.map(row => {"name": …})`: the same, and keeps no other columns.
    Map(Vec<NamedExpr>),
    /// `.sort(row => …, "desc")`: orders by the first key, then the next; nulls last, equals in the order they had.
    Sort(Vec<SortKey>),
    /// `.groupby(row => […], rows => […])`: a row for each combination of the keys, with figures over its rows.
    GroupBy {
        /// What makes rows one group.
        keys: Vec<Expr>,
        /// What is told of each group. A row of the outcome has the keys, then these, by [`Expr::name`] and
        /// [`Aggregate::name`].
        aggregates: Vec<Aggregate>,
    },
}

/// A column that is computed.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedExpr {
    /// The column's name.
    pub name: String,
    /// What it comes to for a row.
    pub expr: Expr,
}

/// What to order by.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// The value rows are ordered by.
    pub expr: Expr,
    /// Whether the greatest comes first. Nulls come last either way.
    pub descending: bool,
}

impl SortKey {
    /// Orders by a column.
    #[must_use]
    pub fn column(name: impl Into<String>, descending: bool) -> Self {
        Self { expr: Expr::column(name), descending }
    }
}
