//! Trees to text: the one canonical way to write each.

use std::fmt::{self, Display, Formatter};

use model::Value;

use crate::aggregate::{Aggregate, AggregateOp, Share};
use crate::expr::{Expr, MATCHES, Step, UnaryOp};
use crate::query::{NamedExpr, Op, Query, SortKey};
use crate::span::TIMESTAMP;

/// A choice binds least, then the operators between two operands from 1 on.
const CHOICE: u8 = 0;
const UNARY: u8 = 8;
const POSTFIX: u8 = 9;

/// The text that parses to an equal tree, without `row =>`.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Over { row: "row", expr: self, at_least: 0 }.fmt(f)
    }
}

/// The text that parses to an equal tree.
impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "table({})", Quoted(&self.table.to_string()))?;
        self.ops.iter().try_for_each(|op| op.fmt(f))
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Op::Rows => f.write_str(".rows()"),
            Op::Last(last) if last.column == TIMESTAMP => write!(f, ".last(\"{}\")", last.span),
            Op::Last(last) => write!(f, ".last(\"{}\", row => row[{}])", last.span, Quoted(&last.column)),
            Op::Filter(expr) => write!(f, ".filter(row => {expr})"),
            Op::Sort(keys) => match &keys[..] {
                // A key that is itself a list would read as a list of keys.
                [key] if !matches!(key.expr, Expr::List(_)) => {
                    write!(f, ".sort(row => {}, {})", key.expr, Way(key))
                }
                keys => {
                    write!(f, ".sort(row => [{}]", Listed(keys.iter().map(|key| &key.expr)))?;
                    write!(f, ", [{}])", Listed(keys.iter().map(Way)))
                }
            },
            Op::WithColumns(columns) => write!(f, ".with_columns(row => {{{}}})", Listed(columns.iter())),
            Op::Map(columns) => write!(f, ".map(row => {{{}}})", Listed(columns.iter())),
            Op::GroupBy { keys, aggregates } => {
                write!(f, ".groupby(row => [{}]", Listed(keys.iter()))?;
                if *aggregates != [Aggregate::count()] {
                    write!(f, ", rows => [{}]", Listed(aggregates.iter()))?;
                }
                f.write_str(")")
            }
        }
    }
}

impl Display for NamedExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Quoted(&self.name), self.expr)
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.column {
            None => f.write_str("rows")?,
            Some(column) => Over { row: "rows", expr: column, at_least: POSTFIX }.fmt(f)?,
        }
        match self.op {
            AggregateOp::Quantile(share) if share != Share::HALF => write!(f, ".{}({})", self.op.name(), share.get()),
            op => write!(f, ".{}()", op.name()),
        }
    }
}

/// The way in which a key orders, in quotes.
struct Way<'a>(&'a SortKey);

impl Display for Way<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.descending { "\"desc" } else { "\"asc" })?;
        f.write_str(if self.0.nulls_first { " nulls first" } else { "" })?;
        if let Some(locale) = self.0.locale {
            f.write_str(" locale")?;
            locale.tag().map_or(Ok(()), |tag| write!(f, " {tag}"))?;
        }
        f.write_str("\"")
    }
}

/// An expression over a row of that name, in parentheses if it binds less than what stands around it.
struct Over<'a> {
    row: &'a str,
    expr: &'a Expr,
    at_least: u8,
}

impl Display for Over<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let over = |expr, at_least| Over { row: self.row, expr, at_least };
        if precedence(self.expr) < self.at_least {
            return write!(f, "({})", over(self.expr, 0));
        }
        match self.expr {
            Expr::Literal(value) => write_literal(value, f),
            Expr::Column(name) => write!(f, "{}[{}]", self.row, Quoted(name)),
            Expr::Get(of, Step::Key(key)) => write!(f, "{}[{}]", over(of, POSTFIX), Quoted(key)),
            Expr::Get(of, Step::Item(idx)) => write!(f, "{}[{idx}]", over(of, POSTFIX)),
            // `-5` is a literal and `--a` is hard to read.
            Expr::Unary(UnaryOp::Negate, of) if is_number(of) || matches!(**of, Expr::Unary(UnaryOp::Negate, _)) => {
                write!(f, "-({})", over(of, 0))
            }
            Expr::Unary(op, of) => write!(f, "{}{}", op.symbol(), over(of, UNARY)),
            Expr::Binary(op, left, right) => {
                let level = op.precedence();
                write!(f, "{} {} {}", over(left, level), op.symbol(), over(right, level + 1))
            }
            Expr::Choice(parts) => {
                let [condition, yes, no] = &**parts;
                write!(f, "{} ? {} : {}", over(condition, CHOICE + 1), over(yes, CHOICE), over(no, CHOICE))
            }
            Expr::List(items) => write!(f, "[{}]", Listed(items.iter().map(|item| over(item, 0)))),
            Expr::Matches { on, pattern } => {
                write!(f, "{}.{MATCHES}({})", over(on, POSTFIX), Quoted(pattern.text()))
            }
            Expr::Call { method, on, args } => {
                let args = Listed(args.iter().map(|arg| over(arg, 0)));
                write!(f, "{}.{}({args})", over(on, POSTFIX), method.name())
            }
        }
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(Value::Int(_) | Value::Float(_)))
}

fn precedence(expr: &Expr) -> u8 {
    match expr {
        Expr::Choice(_) => CHOICE,
        Expr::Binary(op, ..) => op.precedence(),
        Expr::Unary(..) => UNARY,
        Expr::Literal(Value::Int(number)) if *number < 0 => UNARY,
        Expr::Literal(Value::Float(number)) if number.is_sign_negative() && !number.is_nan() => UNARY,
        _ => POSTFIX,
    }
}

fn write_literal(value: &Value, f: &mut Formatter<'_>) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Int(number) => write!(f, "{number}n"),
        Value::Float(number) if number.is_nan() => f.write_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            f.write_str(if *number < 0.0 { "-Infinity" } else { "Infinity" })
        }
        Value::Float(number) => {
            // The shortest digits that read back, with an exponent where it is far from 1.
            let text = format!("{number:?}");
            f.write_str(text.strip_suffix(".0").unwrap_or(&text))
        }
        Value::Text(text) => Quoted(text).fmt(f),
        Value::Time(time) => write!(f, "date(\"{time}\")"),
        Value::Bytes(bytes) => {
            f.write_str("bytes(\"")?;
            bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            f.write_str("\")")
        }
        Value::List(items) => {
            f.write_str("[")?;
            for (idx, item) in items.iter().enumerate() {
                f.write_str(if idx == 0 { "" } else { ", " })?;
                write_literal(item, f)?;
            }
            f.write_str("]")
        }
        // No text of the language makes these; they are written for people to read.
        Value::Media(media) => write!(f, "media({}, {} bytes)", Quoted(&media.mime), media.bytes.len()),
        Value::Object(fields) => {
            f.write_str("{")?;
            for (idx, (key, value)) in fields.iter().enumerate() {
                write!(f, "{}{}: ", if idx == 0 { "" } else { ", " }, Quoted(key))?;
                write_literal(value, f)?;
            }
            f.write_str("}")
        }
    }
}

/// A text in double quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", c as u32)?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// Items with commas between them.
struct Listed<I>(I);

impl<I: Iterator<Item: Display> + Clone> Display for Listed<I> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (idx, item) in self.0.clone().enumerate() {
            write!(f, "{}{item}", if idx == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
