//! The tree of a whole query: a table and the operations on its rows, in order.

use model::TableName;

use crate::aggregate::Aggregate;
use crate::expr::Expr;
use crate::locale::Locale;
use crate::span::Last;

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
    /// `.last("5m")`: keeps the rows whose time is less than that ago.
    Last(Last),
    /// `.with_columns(row => {"name": …})`: adds columns, or puts them in the place of those of the same names. Each is computed
    /// from the row before.
    WithColumns(Vec<NamedExpr>),
    /// `.map(row => {"name": …})`: the same, and keeps no other columns.
    Map(Vec<NamedExpr>),
    /// `.sort(row => …, "desc nulls first")`: orders by the first key, then the next; equals in the order they had.
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
    /// Whether the greatest comes first. Where nulls stand is not changed by it.
    pub descending: bool,
    /// Whether nulls come first, and not last.
    pub nulls_first: bool,
    /// The language whose alphabet orders texts; `None` orders them by code point. Texts within lists and objects are
    /// ordered by code point always.
    pub locale: Option<Locale>,
}

impl SortKey {
    /// Orders by the values of an expression: nulls last, texts by code point.
    #[must_use]
    pub fn new(expr: Expr, descending: bool) -> Self {
        Self { expr, descending, nulls_first: false, locale: None }
    }

    /// Orders by a column, as [`SortKey::new`].
    #[must_use]
    pub fn column(name: impl Into<String>, descending: bool) -> Self {
        Self::new(Expr::column(name), descending)
    }
}
