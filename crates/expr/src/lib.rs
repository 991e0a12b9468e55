//! The expression language: the state of a panel as one line of text.
//!
//! ```text
//! table("e/p/t").rows().filter(row => row["loss"] < 0.5).sort(row => row["loss"], "desc")
//! ```
//!
//! Text to tree ([`parse_query`], [`parse_expr`]), tree to text (`Display`), evaluation of one row ([`Expr::eval`]), and
//! the edits a panel's controls make ([`Query::toggle_sort`] and its like, [`Condition`]). Nothing here does I/O, knows
//! how rows are stored or how they are shown.

mod aggregate;
mod column_type;
mod condition;
mod edit;
mod edit_columns;
mod error;
mod eval;
mod expr;
mod function;
mod letters;
mod lexer;
mod locale;
mod parse;
mod pattern;
mod print;
mod query;
mod replace;
mod scope;
mod span;
mod time;

pub use aggregate::{Aggregate, AggregateOp, Share};
pub use condition::{Bound, Condition};
pub use error::ParseError;
pub use eval::{RowSource, compare, is_true, values_equal};
pub use expr::{BinaryOp, Expr, MAX_EXPR_DEPTH, Method, Step, UnaryOp};
pub use locale::Locale;
pub use parse::{parse_expr, parse_query};
pub use pattern::Pattern;
pub use query::{NamedExpr, Op, Query, SortKey};
pub use replace::TooLarge;
pub use scope::{RowColumns, Scope};
pub use span::{Last, Span, TIMESTAMP};
pub use time::parse_timestamp;
