//! The type of what an expression comes to, told before any row is looked at.

use model::ColumnType;

use crate::expr::{BinaryOp, Expr, Method, UnaryOp};

impl Expr {
    /// The type of a column of the expression's values: every value that is not null is of it, given that the cells of
    /// columns are of the types that `type_of` tells. [`ColumnType::Float`] where whole numbers may be among others, and
    /// [`ColumnType::Mixed`] where nothing is known, as of the parts of nested values.
    #[must_use]
    pub fn column_type(&self, type_of: &dyn Fn(&str) -> ColumnType) -> ColumnType {
        match self {
            Expr::Literal(value) => value.column_type(),
            Expr::Column(name) => type_of(name),
            Expr::Get(..) => ColumnType::Mixed,
            Expr::Unary(UnaryOp::Negate, _) => ColumnType::Float,
            Expr::Unary(UnaryOp::Not, _) | Expr::Matches { .. } => ColumnType::Bool,
            Expr::List(_) => ColumnType::Nested,
            Expr::Choice(parts) => parts[1].column_type(type_of).merge(parts[2].column_type(type_of)),
            Expr::Call { method, on, .. } => of_method(*method, || on.column_type(type_of)),
            Expr::Binary(op, left, right) => {
                let sides = || (left.column_type(type_of), right.column_type(type_of));
                match op {
                    BinaryOp::Coalesce => {
                        let (left, right) = sides();
                        left.merge(right)
                    }
                    // It joins texts too; with one side a text, the other is one as well or nothing comes of it.
                    BinaryOp::Add => match sides() {
                        (ColumnType::Text, _) | (_, ColumnType::Text) => ColumnType::Text,
                        (ColumnType::Mixed, ColumnType::Mixed) => ColumnType::Mixed,
                        (ColumnType::Mixed, ColumnType::Null) | (ColumnType::Null, ColumnType::Mixed) => {
                            ColumnType::Mixed
                        }
                        (ColumnType::Null, ColumnType::Null) => ColumnType::Null,
                        _ => ColumnType::Float,
                    },
                    BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => {
                        ColumnType::Float
                    }
                    BinaryOp::Or
                    | BinaryOp::And
                    | BinaryOp::Equal
                    | BinaryOp::NotEqual
                    | BinaryOp::Less
                    | BinaryOp::LessOrEqual
                    | BinaryOp::Greater
                    | BinaryOp::GreaterOrEqual => ColumnType::Bool,
                }
            }
        }
    }
}

fn of_method(method: Method, on: impl Fn() -> ColumnType) -> ColumnType {
    match method {
        Method::Contains | Method::StartsWith | Method::EndsWith | Method::IsNull | Method::In => ColumnType::Bool,
        Method::Lower | Method::Upper | Method::Trim => ColumnType::Text,
        Method::Length | Method::Year | Method::Month | Method::Day | Method::Hour | Method::Minute => ColumnType::Int,
        Method::Floor | Method::Ceil | Method::Round if on() == ColumnType::Int => ColumnType::Int,
        Method::Floor
        | Method::Ceil
        | Method::Round
        | Method::Abs
        | Method::Sqrt
        | Method::Log
        | Method::Exp
        | Method::ToMillis => ColumnType::Float,
    }
}
