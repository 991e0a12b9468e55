//! What a filter's chip shows: the common shapes of a condition, told apart from all others.

use model::Value;

use crate::expr::{BinaryOp, Expr, Method, UnaryOp};
use crate::pattern::Pattern;

/// A condition in the shape a control edits.
///
/// [`Condition::of`] and [`Condition::to_expr`] are each other's inverse, as long as a range has a bound and the values are
/// ones [`Expr::literal`] takes as scalars.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `row["x"] >= 1 && row["x"] < 2`, or one side of it.
    Range {
        /// The column.
        column: String,
        /// From where.
        min: Option<Bound>,
        /// To where.
        max: Option<Bound>,
    },
    /// `row["x"] == 1` for one value, `row["x"].in([1, 2])` for none or several.
    OneOf {
        /// The column.
        column: String,
        /// The values; null among them finds nulls.
        values: Vec<Value>,
    },
    /// `row["x"].contains("text")`
    Contains {
        /// The column.
        column: String,
        /// What to find.
        text: String,
    },
    /// `row["x"].startsWith("text")`
    StartsWith {
        /// The column.
        column: String,
        /// What to start with.
        text: String,
    },
    /// `row["x"].matches("pattern")`
    Matches {
        /// The column.
        column: String,
        /// What to find.
        pattern: Pattern,
    },
    /// `row["x"].isNull()`, or `!row["x"].isNull()`.
    IsNull {
        /// The column.
        column: String,
        /// Whether the nulls are left out instead.
        negated: bool,
    },
    /// Any other expression.
    Other(Expr),
}

/// An end of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The end.
    pub value: Value,
    /// Whether the end itself is in.
    pub inclusive: bool,
}

impl Condition {
    /// Finds the shape of an expression.
    #[must_use]
    pub fn of(expr: &Expr) -> Self {
        Self::known(expr).unwrap_or_else(|| Condition::Other(expr.clone()))
    }

    /// The expression that means this. A range without a bound is `true`.
    #[must_use]
    pub fn to_expr(&self) -> Expr {
        let text = |text: &str| vec![Expr::Literal(Value::Text(text.to_owned()))];
        match self {
            Condition::Range { column, min, max } => {
                let side = |bound: &Bound, open, closed| {
                    let op = if bound.inclusive { closed } else { open };
                    Expr::binary(op, Expr::column(column), Expr::Literal(bound.value.clone()))
                };
                let min = min.as_ref().map(|min| side(min, BinaryOp::Greater, BinaryOp::GreaterOrEqual));
                let max = max.as_ref().map(|max| side(max, BinaryOp::Less, BinaryOp::LessOrEqual));
                match (min, max) {
                    (Some(min), Some(max)) => Expr::binary(BinaryOp::And, min, max),
                    (Some(side), None) | (None, Some(side)) => side,
                    (None, None) => Expr::Literal(Value::Bool(true)),
                }
            }
            Condition::OneOf { column, values } => match &values[..] {
                [value] => Expr::binary(BinaryOp::Equal, Expr::column(column), Expr::Literal(value.clone())),
                values => {
                    let items = values.iter().cloned().map(Expr::Literal).collect();
                    Expr::column(column).call(Method::In, vec![Expr::List(items)])
                }
            },
            Condition::Contains { column, text: part } => Expr::column(column).call(Method::Contains, text(part)),
            Condition::StartsWith { column, text: part } => Expr::column(column).call(Method::StartsWith, text(part)),
            Condition::Matches { column, pattern } => Expr::column(column).matches(pattern.clone()),
            Condition::IsNull { column, negated } => {
                let is_null = Expr::column(column).call(Method::IsNull, Vec::new());
                if *negated { is_null.negated() } else { is_null }
            }
            Condition::Other(expr) => expr.clone(),
        }
    }

    /// The column a chip is about; `None` where there is none or several.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Condition::Range { column, .. }
            | Condition::OneOf { column, .. }
            | Condition::Contains { column, .. }
            | Condition::StartsWith { column, .. }
            | Condition::Matches { column, .. }
            | Condition::IsNull { column, .. } => Some(column),
            Condition::Other(expr) => match expr.columns()[..] {
                [column] => Some(column),
                _ => None,
            },
        }
    }

    fn known(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Binary(BinaryOp::And, left, right) => match (Self::known(left)?, Self::known(right)?) {
                (
                    Condition::Range { column, min: Some(min), max: None },
                    Condition::Range { column: same, min: None, max: Some(max) },
                ) if column == same => Some(Condition::Range { column, min: Some(min), max: Some(max) }),
                _ => None,
            },
            Expr::Binary(op, left, right) => {
                let (Expr::Column(column), Expr::Literal(value)) = (&**left, &**right) else { return None };
                let bound = |inclusive| Some(Bound { value: value.clone(), inclusive });
                let (min, max) = match op {
                    BinaryOp::Equal => {
                        return Some(Condition::OneOf { column: column.clone(), values: vec![value.clone()] });
                    }
                    BinaryOp::Greater => (bound(false), None),
                    BinaryOp::GreaterOrEqual => (bound(true), None),
                    BinaryOp::Less => (None, bound(false)),
                    BinaryOp::LessOrEqual => (None, bound(true)),
                    _ => return None,
                };
                Some(Condition::Range { column: column.clone(), min, max })
            }
            Expr::Unary(UnaryOp::Not, of) => match Self::known(of)? {
                Condition::IsNull { column, negated: false } => Some(Condition::IsNull { column, negated: true }),
                _ => None,
            },
            Expr::Matches { on, pattern } => match &**on {
                Expr::Column(column) => Some(Condition::Matches { column: column.clone(), pattern: pattern.clone() }),
                _ => None,
            },
            Expr::Call { method, on, args } => {
                let Expr::Column(column) = &**on else { return None };
                let column = column.clone();
                match (method, &args[..]) {
                    (Method::Contains, [Expr::Literal(Value::Text(text))]) => {
                        Some(Condition::Contains { column, text: text.clone() })
                    }
                    (Method::StartsWith, [Expr::Literal(Value::Text(text))]) => {
                        Some(Condition::StartsWith { column, text: text.clone() })
                    }
                    (Method::IsNull, []) => Some(Condition::IsNull { column, negated: false }),
                    (Method::In, [Expr::List(items)]) if items.len() != 1 => {
                        let value = |item: &Expr| match item {
                            Expr::Literal(value) => Some(value.clone()),
                            _ => None,
                        };
                        let values = items.iter().map(value).collect::<Option<_>>()?;
                        Some(Condition::OneOf { column, values })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
