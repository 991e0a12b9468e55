//! The tree of an expression over one row.

use model::Value;

use crate::pattern::Pattern;

/// How deep a tree may be. The parser refuses deeper ones, so that no walk of a tree can exhaust the stack.
pub const MAX_EXPR_DEPTH: usize = 128;

/// The method that takes a pattern, as it is written.
pub(crate) const MATCHES: &str = "matches";

/// An expression over the cells of a row.
///
/// Not every tree has a text: see [`Expr::literal`] for the values that have one. Every tree the parser gives prints as a text
/// that parses to an equal tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A value written out.
    Literal(Value),
    /// The cell of the column of that name: `row["loss"]`.
    Column(String),
    /// A part of a nested value: `row["b"]["c"]`, `row["b"][0]`.
    Get(Box<Expr>, Step),
    /// `-a`, `!a`.
    Unary(UnaryOp, Box<Expr>),
    /// `a < b`, `a && b`, `a + b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `a.contains("x")`.
    Call {
        /// What is called.
        method: Method,
        /// The value it is called on.
        on: Box<Expr>,
        /// As many arguments as [`Method::n_args`] says.
        args: Vec<Expr>,
    },
    /// `a.matches("^x+$")`
    Matches {
        /// What is searched.
        on: Box<Expr>,
        /// What is looked for.
        pattern: Pattern,
    },
    /// `a ? b : c`: the condition, what it comes to where that is true, and where it is not.
    Choice(Box<[Expr; 3]>),
}

/// One step into a nested value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The field of an object.
    Key(String),
    /// The item of a list, from 0.
    Item(u32),
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `!`
    Not,
}

/// An operator between its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `??`
    Coalesce,
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// A method of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Whether a text holds another, or a list an item.
    Contains,
    /// Whether a text starts with another.
    StartsWith,
    /// Whether a text ends with another.
    EndsWith,
    /// Whether there is no value.
    IsNull,
    /// Whether the value equals an item of a list.
    In,
    /// A text in small letters.
    Lower,
    /// A text in capitals.
    Upper,
    /// A text without the space around it.
    Trim,
    /// How many characters a text has, items a list, or bytes.
    Length,
    /// A number without its sign.
    Abs,
    /// The greatest whole number that is not greater.
    Floor,
    /// The least whole number that is not less.
    Ceil,
    /// The nearest whole number; a half goes away from zero.
    Round,
    /// The square root of a number.
    Sqrt,
    /// The natural logarithm of a number.
    Log,
    /// The power of e to a number.
    Exp,
    /// The year of a time, in UTC as are its other parts.
    Year,
    /// The month of a time, from 1.
    Month,
    /// The day of a time's month, from 1.
    Day,
    /// The hour of a time, from 0.
    Hour,
    /// The minute of a time, from 0.
    Minute,
    /// The milliseconds from 1970 to a time.
    ToMillis,
}

impl UnaryOp {
    /// The operator as it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Negate => "-",
            UnaryOp::Not => "!",
        }
    }
}

impl BinaryOp {
    const ALL: [(BinaryOp, &'static str, u8); 14] = [
        (BinaryOp::Coalesce, "??", 1),
        (BinaryOp::Or, "||", 2),
        (BinaryOp::And, "&&", 3),
        (BinaryOp::Equal, "==", 4),
        (BinaryOp::NotEqual, "!=", 4),
        (BinaryOp::Less, "<", 5),
        (BinaryOp::LessOrEqual, "<=", 5),
        (BinaryOp::Greater, ">", 5),
        (BinaryOp::GreaterOrEqual, ">=", 5),
        (BinaryOp::Add, "+", 6),
        (BinaryOp::Subtract, "-", 6),
        (BinaryOp::Multiply, "*", 7),
        (BinaryOp::Divide, "/", 7),
        (BinaryOp::Remainder, "%", 7),
    ];

    /// The operator as it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// How strongly it binds, as in JavaScript, which has no opinion of `??` beside `||`; from 1, all to the left.
    pub(crate) fn precedence(self) -> u8 {
        Self::ALL[self as usize].2
    }

    pub(crate) fn from_symbol(symbol: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, text, _)| *text == symbol).map(|(op, ..)| *op)
    }

    /// The comparison that holds with its sides swapped; `None` for what is no comparison.
    #[must_use]
    pub fn swapped(self) -> Option<Self> {
        Some(match self {
            BinaryOp::Equal | BinaryOp::NotEqual => self,
            BinaryOp::Less => BinaryOp::Greater,
            BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
            BinaryOp::Greater => BinaryOp::Less,
            BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
            _ => return None,
        })
    }
}

impl Method {
    /// Every method with its name and number of arguments.
    pub const ALL: [(Method, &'static str, usize); 22] = [
        (Method::Contains, "contains", 1),
        (Method::StartsWith, "startsWith", 1),
        (Method::EndsWith, "endsWith", 1),
        (Method::IsNull, "isNull", 0),
        (Method::In, "in", 1),
        (Method::Lower, "lower", 0),
        (Method::Upper, "upper", 0),
        (Method::Trim, "trim", 0),
        (Method::Length, "length", 0),
        (Method::Abs, "abs", 0),
        (Method::Floor, "floor", 0),
        (Method::Ceil, "ceil", 0),
        (Method::Round, "round", 0),
        (Method::Sqrt, "sqrt", 0),
        (Method::Log, "log", 0),
        (Method::Exp, "exp", 0),
        (Method::Year, "year", 0),
        (Method::Month, "month", 0),
        (Method::Day, "day", 0),
        (Method::Hour, "hour", 0),
        (Method::Minute, "minute", 0),
        (Method::ToMillis, "toMillis", 0),
    ];

    /// The method as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// How many arguments it takes.
    #[must_use]
    pub fn n_args(self) -> usize {
        Self::ALL[self as usize].2
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, text, _)| *text == name).map(|(method, ..)| *method)
    }
}

impl Expr {
    /// The column of that name.
    #[must_use]
    pub fn column(name: impl Into<String>) -> Self {
        Expr::Column(name.into())
    }

    /// A value written out: any scalar but media, or a list of such; `None` for media and objects, which have no text yet.
    #[must_use]
    pub fn literal(value: Value) -> Option<Self> {
        match value {
            Value::Media(_) | Value::Object(_) => None,
            Value::List(items) => items.into_iter().map(Expr::literal).collect::<Option<_>>().map(Expr::List),
            scalar => Some(Expr::Literal(scalar)),
        }
    }

    /// Joins two expressions by an operator.
    #[must_use]
    pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Self {
        Expr::Binary(op, Box::new(left), Box::new(right))
    }

    /// One expression where a condition is true, another where it is not.
    #[must_use]
    pub fn choice(condition: Expr, yes: Expr, no: Expr) -> Self {
        Expr::Choice(Box::new([condition, yes, no]))
    }

    /// Calls a method on the expression.
    #[must_use]
    pub fn call(self, method: Method, args: Vec<Expr>) -> Self {
        Expr::Call { method, on: Box::new(self), args }
    }

    /// Whether a pattern is found in the expression's text.
    #[must_use]
    pub fn matches(self, pattern: Pattern) -> Self {
        Expr::Matches { on: Box::new(self), pattern }
    }

    /// The expression's opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        Expr::Unary(UnaryOp::Not, Box::new(self))
    }

    /// The names of the columns it reads, each once, in the order of the text.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.visit(&mut |expr| match expr {
            Expr::Column(name) if !columns.contains(&name.as_str()) => columns.push(name),
            _ => {}
        });
        columns
    }

    /// The heading of the expression's values: the column's name, the dotted path into it, or its text.
    #[must_use]
    pub fn name(&self) -> String {
        self.path_name().unwrap_or_else(|| self.to_string())
    }

    fn path_name(&self) -> Option<String> {
        match self {
            Expr::Column(name) => Some(name.clone()),
            Expr::Get(of, Step::Key(key)) => Some(format!("{}.{key}", of.path_name()?)),
            Expr::Get(of, Step::Item(idx)) => Some(format!("{}.{idx}", of.path_name()?)),
            _ => None,
        }
    }

    /// Splits `a && b && c` into its parts, in order.
    #[must_use]
    pub fn conjuncts(&self) -> Vec<&Expr> {
        match self {
            Expr::Binary(BinaryOp::And, left, right) => {
                let mut parts = left.conjuncts();
                parts.extend(right.conjuncts());
                parts
            }
            other => vec![other],
        }
    }

    pub(crate) fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Expr)) {
        see(self);
        match self {
            Expr::Literal(_) | Expr::Column(_) => {}
            Expr::Get(of, _) | Expr::Unary(_, of) | Expr::Matches { on: of, .. } => of.visit(see),
            Expr::Binary(_, left, right) => {
                left.visit(see);
                right.visit(see);
            }
            Expr::List(items) => items.iter().for_each(|item| item.visit(see)),
            Expr::Choice(parts) => parts.iter().for_each(|part| part.visit(see)),
            Expr::Call { on, args, .. } => {
                on.visit(see);
                args.iter().for_each(|arg| arg.visit(see));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_stand_in_the_order_of_their_variants() {
        for (idx, (op, symbol, _)) in BinaryOp::ALL.iter().enumerate() {
            assert_eq!((*op as usize, BinaryOp::from_symbol(symbol)), (idx, Some(*op)));
        }
        for (idx, (method, name, _)) in Method::ALL.iter().enumerate() {
            assert_eq!((*method as usize, Method::from_name(name)), (idx, Some(*method)));
        }
    }

    #[test]
    fn names_and_columns() {
        let expr = crate::parse_expr(r#"row.b.c[0] + row["a"] * row["b"]"#).unwrap();
        assert_eq!(expr.columns(), ["b", "a"]);
        assert_eq!(crate::parse_expr("row.b.c[0]").unwrap().name(), "b.c.0");
        assert_eq!(crate::parse_expr("row.a+1").unwrap().name(), r#"row["a"] + 1"#);
    }
}
