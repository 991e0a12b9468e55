//! Methods that make a value of another: of texts, numbers and times. Of anything else they give null.

use model::Value;

use crate::expr::Method;
use crate::letters::{capital, small};

const MICROS_PER_MINUTE: i64 = 60_000_000;

pub(crate) fn function(method: Method, on: Value) -> Value {
    match on {
        Value::Text(text) => of_text(method, &text),
        Value::Int(number) => of_int(method, number),
        Value::Float(number) => of_float(method, number).map_or(Value::Null, Value::Float),
        Value::Time(time) => {
            let (year, month, day, micros) = time.civil();
            let minutes = micros / MICROS_PER_MINUTE;
            Value::Int(match method {
                Method::Year => year,
                Method::Month => i64::from(month),
                Method::Day => i64::from(day),
                Method::Hour => minutes / 60,
                Method::Minute => minutes % 60,
                Method::ToMillis => return Value::Float(time.0 as f64 / 1000.0),
                _ => return Value::Null,
            })
        }
        Value::List(items) if method == Method::Length => Value::Int(items.len() as i64),
        Value::Bytes(bytes) if method == Method::Length => Value::Int(bytes.len() as i64),
        _ => Value::Null,
    }
}

fn of_text(method: Method, text: &str) -> Value {
    Value::Text(match method {
        Method::Lower => text.chars().map(small).collect(),
        Method::Upper => text.chars().map(capital).collect(),
        Method::Trim => text.trim().to_owned(),
        Method::Length => return Value::Int(text.chars().count() as i64),
        _ => return Value::Null,
    })
}

fn of_int(method: Method, number: i64) -> Value {
    match method {
        Method::Floor | Method::Ceil | Method::Round => Value::Int(number),
        Method::Abs if number != i64::MIN => Value::Int(number.abs()),
        _ => of_float(method, number as f64).map_or(Value::Null, Value::Float),
    }
}

fn of_float(method: Method, number: f64) -> Option<f64> {
    Some(match method {
        Method::Abs => number.abs(),
        Method::Floor => number.floor(),
        Method::Ceil => number.ceil(),
        Method::Round => number.round(),
        Method::Sqrt => number.sqrt(),
        Method::Log => number.ln(),
        Method::Exp => number.exp(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_expr;

    fn check(text: &str, expect: impl Into<Value>) {
        let value = parse_expr(text).unwrap().eval(&model::Row::new());
        assert_eq!(value, expect.into(), "{text}");
    }

    #[test]
    fn of_texts() {
        check("\" É b \".lower()", " é b ");
        check("\"straße ёά\".upper()", "STRAßE ЁΆ");
        check("\"\\t a b \".trim()", "a b");
        check("\"é😀\".length()", 2_i64);
        check("[1, null].length() + bytes(\"0aff00\").length()", 5_i64);
        check("\"x\".trim().isNull()", false);
    }

    #[test]
    fn of_numbers() {
        check("-1.5.abs()", -1.5);
        check("(-1.5).abs()", 1.5);
        check("(-3n).abs()", 3_i64);
        check("(-9223372036854775808n).abs()", 9_223_372_036_854_775_808.0);
        check("(-1.5).floor()", -2.0);
        check("(-1.5).ceil()", -1.0);
        check("2.5.round()", 3.0);
        check("(-2.5).round()", -3.0);
        check("7n.round()", 7_i64);
        check("16n.sqrt()", 4.0);
        check("(-1).sqrt()", f64::NAN);
        check("0.log()", f64::NEG_INFINITY);
        check("1.exp().log()", 1.0);
    }

    #[test]
    fn of_times() {
        let time = "date(\"2024-02-29T23:59:58.5Z\")";
        let parts = ["year", "month", "day", "hour", "minute"].map(|part| format!("{time}.{part}()"));
        check(&format!("[{}]", parts.join(", ")), Value::List([2024, 2, 29, 23, 59].map(Value::Int).into()));
        check(&format!("{time}.toMillis()"), 1_709_251_198_500.0);
        check("date(\"1969-12-31T23:00:00Z\").hour()", 23_i64);
        check("date(\"1969-12-31T23:00:00Z\").year()", 1969_i64);
    }

    #[test]
    fn of_nothing_and_of_what_does_not_fit_they_are_null() {
        for (method, name, n_args) in Method::ALL {
            let gives_bool = matches!(
                method,
                Method::Contains | Method::StartsWith | Method::EndsWith | Method::IsNull | Method::In
            );
            if !gives_bool {
                assert_eq!(n_args, 0, "{name}");
                for on in ["null", "true", "row.none"] {
                    check(&format!("{on}.{name}()"), Value::Null);
                }
            }
        }
        check("\"a\".abs()", Value::Null);
        check("1.lower()", Value::Null);
        check("1.year()", Value::Null);
        check("date(\"2024-01-01\").length()", Value::Null);
    }
}
