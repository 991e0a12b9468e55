//! What an expression comes to for one row.
//!
//! | of | rule |
//! | --- | --- |
//! | `==` `!=` | values of one kind are equal as [`Value::total_cmp`] says: `1n == 1`, `NaN == NaN`, `-0 == 0`. Values of different kinds differ. Null equals null alone. `!=` is always the opposite of `==` |
//! | `<` `<=` `>` `>=` | by [`Value::total_cmp`] within one kind, so that `NaN` is greater than every number; false between kinds and with null |
//! | `&&` <code>\|\|</code> `!` | only `true` is true; the outcome is true or false |
//! | `+` `-` `*` `/` `%` | of numbers a number: whole for whole numbers unless it does not fit (`/` never is). `+` joins texts; `-` of times gives milliseconds. Anything else is null |
//! | `a["key"]`, `a[0]` | null where there is no such part |
//! | `.contains` `.startsWith` `.endsWith` | of texts; `.contains` also of a list's items; false of anything else |
//! | `.matches("…")` | whether a regular expression is found in a text; false of anything else |
//! | `a ?? b` | `b` where `a` is null |
//! | `a ? b : c` | `b` where `a` is true, else `c` |
//! | `.lower()` `.upper()` `.trim()` `.length()` | of texts; `.lower()` and `.upper()` know Latin, Greek, Cyrillic and Armenian letters, `.length()` counts characters, also a list's items and bytes |
//! | `.abs()` `.floor()` `.ceil()` `.round()` `.sqrt()` `.log()` `.exp()` | of numbers; the first four leave whole numbers whole. `.round()` takes a half away from zero, `.log()` is the natural logarithm |
//! | `.year()` `.month()` `.day()` `.hour()` `.minute()` `.toMillis()` | of times, in UTC. These and the two rows before are null of anything else |
//! | `.in([…])` | whether `==` holds for an item: `.in([null])` finds nulls |

use std::cmp::Ordering;

use model::Value;

use crate::expr::{BinaryOp, Expr, Method, Step, UnaryOp};
use crate::function::function;

/// Where an expression finds the cells of its row.
pub trait RowSource {
    /// The cell in the column of that name; null where there is none.
    fn get(&self, column: &str) -> Value;
}

impl RowSource for model::Row {
    fn get(&self, column: &str) -> Value {
        model::Row::get(self, column).cloned().unwrap_or(Value::Null)
    }
}

/// Compares as `<` does: `None` between kinds, and with null.
#[must_use]
pub fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    let number = |v: &Value| matches!(v, Value::Int(_) | Value::Float(_));
    let same = std::mem::discriminant(a) == std::mem::discriminant(b) || (number(a) && number(b));
    (same && !a.is_null()).then(|| a.total_cmp(b))
}

/// Compares as `==` does.
#[must_use]
pub fn values_equal(a: &Value, b: &Value) -> bool {
    (a.is_null() && b.is_null()) || compare(a, b) == Some(Ordering::Equal)
}

/// Whether a filter keeps the row for which it came to this.
#[must_use]
pub fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true))
}

impl Expr {
    /// What the expression comes to for a row. See the module's table for the rules.
    #[must_use]
    pub fn eval(&self, row: &dyn RowSource) -> Value {
        match self {
            Expr::Literal(value) => value.clone(),
            Expr::Column(name) => row.get(name),
            Expr::Get(of, step) => part(of.eval(row), step),
            Expr::Unary(UnaryOp::Not, of) => Value::Bool(!is_true(&of.eval(row))),
            Expr::Unary(UnaryOp::Negate, of) => match of.eval(row) {
                Value::Int(number) => number.checked_neg().map_or(Value::Float(-(number as f64)), Value::Int),
                Value::Float(number) => Value::Float(-number),
                _ => Value::Null,
            },
            Expr::Binary(BinaryOp::And, left, right) => {
                Value::Bool(is_true(&left.eval(row)) && is_true(&right.eval(row)))
            }
            Expr::Binary(BinaryOp::Or, left, right) => {
                Value::Bool(is_true(&left.eval(row)) || is_true(&right.eval(row)))
            }
            Expr::Binary(BinaryOp::Coalesce, left, right) => match left.eval(row) {
                Value::Null => right.eval(row),
                value => value,
            },
            Expr::Choice(parts) => parts[if is_true(&parts[0].eval(row)) { 1 } else { 2 }].eval(row),
            Expr::Binary(op, left, right) => binary(*op, &left.eval(row), &right.eval(row)),
            Expr::List(items) => Value::List(items.iter().map(|item| item.eval(row)).collect()),
            Expr::Matches { on, pattern } => {
                Value::Bool(matches!(on.eval(row), Value::Text(text) if pattern.is_found_in(&text)))
            }
            Expr::Call { method, on, args } => {
                let arg = args.first().map_or(Value::Null, |arg| arg.eval(row));
                call(*method, on.eval(row), &arg)
            }
        }
    }
}

fn part(value: Value, step: &Step) -> Value {
    match (value, step) {
        (Value::Object(fields), Step::Key(key)) => {
            fields.into_iter().find(|(name, _)| name == key).map_or(Value::Null, |(_, value)| value)
        }
        (Value::List(items), Step::Item(idx)) => items.into_iter().nth(*idx as usize).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn call(method: Method, on: Value, arg: &Value) -> Value {
    match method {
        Method::Contains | Method::StartsWith | Method::EndsWith | Method::IsNull | Method::In => {
            Value::Bool(holds(method, &on, arg))
        }
        _ => function(method, on),
    }
}

fn holds(method: Method, on: &Value, arg: &Value) -> bool {
    match (method, on, arg) {
        (Method::IsNull, value, _) => value.is_null(),
        (Method::In, value, Value::List(items)) | (Method::Contains, Value::List(items), value) => {
            items.iter().any(|item| values_equal(item, value))
        }
        (Method::Contains, Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
        (Method::StartsWith, Value::Text(text), Value::Text(part)) => text.starts_with(part.as_str()),
        (Method::EndsWith, Value::Text(text), Value::Text(part)) => text.ends_with(part.as_str()),
        _ => false,
    }
}

fn binary(op: BinaryOp, left: &Value, right: &Value) -> Value {
    let ordered = |holds: fn(Ordering) -> bool| Value::Bool(compare(left, right).is_some_and(holds));
    match op {
        BinaryOp::Equal => Value::Bool(values_equal(left, right)),
        BinaryOp::NotEqual => Value::Bool(!values_equal(left, right)),
        BinaryOp::Less => ordered(Ordering::is_lt),
        BinaryOp::LessOrEqual => ordered(Ordering::is_le),
        BinaryOp::Greater => ordered(Ordering::is_gt),
        BinaryOp::GreaterOrEqual => ordered(Ordering::is_ge),
        BinaryOp::And => Value::Bool(is_true(left) && is_true(right)),
        BinaryOp::Or => Value::Bool(is_true(left) || is_true(right)),
        BinaryOp::Coalesce => {
            if left.is_null() {
                right.clone()
            } else {
                left.clone()
            }
        }
        BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => {
            arithmetic(op, left, right)
        }
    }
}

fn arithmetic(op: BinaryOp, left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => {
            let whole = match op {
                BinaryOp::Add => a.checked_add(*b),
                BinaryOp::Subtract => a.checked_sub(*b),
                BinaryOp::Multiply => a.checked_mul(*b),
                BinaryOp::Remainder => a.checked_rem(*b),
                _ => None,
            };
            whole.map_or_else(|| Value::Float(of_floats(op, *a as f64, *b as f64)), Value::Int)
        }
        (Value::Time(a), Value::Time(b)) if op == BinaryOp::Subtract => {
            Value::Float((i128::from(a.0) - i128::from(b.0)) as f64 / 1000.0)
        }
        (Value::Text(a), Value::Text(b)) if op == BinaryOp::Add => Value::Text(format!("{a}{b}")),
        _ => match (left.as_f64(), right.as_f64()) {
            (Some(a), Some(b)) => Value::Float(of_floats(op, a, b)),
            _ => Value::Null,
        },
    }
}

fn of_floats(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide => a / b,
        _ => a % b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_expr;

    fn check(text: &str, expect: impl Into<Value>) {
        let nested = Value::Object(vec![("c".into(), Value::List(vec![Value::Int(7), Value::Null]))]);
        let mut row = model::Row::new();
        row.set("x", 1.5);
        row.set("i", 3_i64);
        row.set("t", "Paris");
        row.set("b", nested);
        row.set("when", Value::Time(model::Timestamp(1_000_000)));
        row.set("b.c", "dotted");
        assert_eq!(parse_expr(text).unwrap().eval(&row), expect.into(), "{text}");
    }

    #[test]
    fn comparisons() {
        check("row.x < 2 && row.x >= 1.5", true);
        check("1n == 1", true);
        check("NaN == NaN && NaN > Infinity && -0 == 0", true);
        check("9007199254740993n > 9007199254740992", true);
        check(r#"row.t == "Paris""#, true);
        check(r#"row.t < 5 || row.t == 5"#, false);
        check("row.t != 5", true);
        check("row.when > date(\"1970-01-01T00:00:00.5Z\")", true);
    }

    #[test]
    fn null_equals_null_alone_and_is_not_ordered() {
        check("row.none == null && row.none.isNull()", true);
        check("row.none < 1 || row.none >= 1 || row.none <= null", false);
        check("row.none != 1", true);
        check("row.none.in([1, null])", true);
        check("row.none.contains(\"\")", false);
        check("!row.none", true);
        check("row.none + 1", Value::Null);
    }

    #[test]
    fn parts_by_path() {
        check("row.b.c[0]", 7_i64);
        check(r#"row["b"]["c"][1]"#, Value::Null);
        check("row.b.c[9]", Value::Null);
        check("row.b[0]", Value::Null);
        check(r#"row["b.c"]"#, "dotted");
    }

    #[test]
    fn arithmetic_keeps_whole_numbers_whole() {
        check("1n + 2n * 3n", 7_i64);
        check("7n / 2n", 3.5);
        check("7n % 2n", 1_i64);
        check("9223372036854775807n + 1n", 9_223_372_036_854_775_808.0);
        check("row.i + 0.5", 3.5);
        check("-row.x", -1.5);
        check(r#"row.t + "!""#, "Paris!");
        check("row.when - date(\"1970-01-01\")", 1000.0);
        check("row.t * 2", Value::Null);
    }

    #[test]
    fn methods() {
        check(r#"row.t.matches("^P.ris$") && !row.t.matches("^ris") && row.t.matches("(?i)PARIS")"#, true);
        check(r#"row.none.matches("")"#, false);
        check(r#"row.t.contains("ari") && row.t.startsWith("Pa") && row.t.endsWith("is")"#, true);
        check(r#"row.t.contains("x")"#, false);
        check("row.b.c.contains(7)", true);
        check(r#"row.t.in(["London", "Paris"])"#, true);
        check("row.x.in([1, 2])", false);
    }

    #[test]
    fn choices() {
        check("row.x > 1 ? \"much\" : \"little\"", "much");
        check("row.none ? 1 : row.none == null ? 2 : 3", 2.0);
        check("row.none ?? row.none ?? row.t", "Paris");
        check("row.none ?? 1 < 2", true);
        check("false ?? true", false);
        check("row.none || true ?? 1", true);
    }
}
