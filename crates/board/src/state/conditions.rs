//! Filters as chips show them and editors make them, and the way from a group to its rows.

use expr::{BinaryOp, Bound, Condition, Expr, Last, Method, Query};
use model::{Timestamp, Value};

use super::text;

/// How many values of a list a chip names.
const NAMED_VALUES: usize = 2;

/// What a filter's chip says: `Sales ≥ 100`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The column, where there is one.
    pub column: String,
    /// The relation, such as `is` or `contains`.
    pub relation: &'static str,
    /// What it is compared with.
    pub value: String,
}

/// The chip of a filter.
#[must_use]
pub fn label(filter: &Expr) -> Label {
    let condition = Condition::of(filter);
    let column = condition.column().unwrap_or_default().to_owned();
    let (relation, value) = match &condition {
        Condition::Range { min: Some(min), max: Some(max), .. } => {
            let open = |bound: &Bound, sign| if bound.inclusive { "" } else { sign };
            let (min_text, max_text) = (plain(&min.value), plain(&max.value));
            ("", format!("{}{min_text} – {}{max_text}", open(min, "> "), open(max, "< ")))
        }
        Condition::Range { min: Some(bound), max: None, .. } => {
            (if bound.inclusive { "≥" } else { ">" }, plain(&bound.value))
        }
        Condition::Range { min: None, max: Some(bound), .. } => {
            (if bound.inclusive { "≤" } else { "<" }, plain(&bound.value))
        }
        Condition::OneOf { values, .. } if values.is_empty() => ("is", "none of the values".to_owned()),
        Condition::OneOf { values, .. } => {
            let named: Vec<String> = values.iter().take(NAMED_VALUES).map(plain).collect();
            let n_more = values.len() - named.len();
            let more = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
            ("is", format!("{}{more}", named.join(" or ")))
        }
        Condition::Contains { text, .. } => ("contains", format!("“{text}”")),
        Condition::StartsWith { text, .. } => ("starts with", format!("“{text}”")),
        Condition::Matches { pattern, .. } => ("matches", format!("/{}/", pattern.text())),
        Condition::IsNull { negated: false, .. } => ("is empty", String::new()),
        Condition::IsNull { negated: true, .. } => ("has a value", String::new()),
        Condition::Range { min: None, max: None, .. } | Condition::Other(_) => {
            return Label { column: String::new(), relation: "", value: filter.to_string() };
        }
    };
    Label { column, relation, value }
}

/// The chip of a moving window: `time in the last 5 minutes`.
#[must_use]
pub fn last_label(last: &Last) -> Label {
    Label { column: last.column.clone(), relation: "in the last", value: last.span.words() }
}

/// A value in a chip or in a list of values.
#[must_use]
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Text(text) if text.is_empty() => "“”".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Float(number) => text::number(*number),
        Value::Time(time) => time.to_string().trim_end_matches(".000000Z").replace('T', " "),
        other => Expr::literal(other.clone()).map_or_else(|| "…".to_owned(), |literal| literal.to_string()),
    }
}

/// The value that somebody typed into the field of a bound; `None` where it is empty or no number or time.
#[must_use]
pub fn typed_bound(text: &str, is_time: bool) -> Option<Value> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if is_time {
        return expr::parse_timestamp(text).map(|Timestamp(micros)| Value::Time(Timestamp(micros)));
    }
    let number: f64 = text.replace(',', "").parse().ok()?;
    (!number.is_nan()).then_some(Value::Float(number))
}

/// The query of the rows behind a group, whose keys have these values; `None` where a value cannot be asked for.
#[must_use]
pub fn drill(query: &Query, key_values: &[Option<Value>]) -> Option<Query> {
    let (keys, _) = query.group_by()?;
    let mut filters = Vec::new();
    for (key, value) in keys.iter().zip(key_values) {
        filters.push(match value.clone()? {
            Value::Null => key.clone().call(Method::IsNull, Vec::new()),
            value => Expr::binary(BinaryOp::Equal, key.clone(), Expr::literal(value)?),
        });
    }
    let mut rows = query.clone();
    rows.set_sort(Vec::new());
    rows.set_group_by(&[]);
    rows.ops.retain(|op| !matches!(op, expr::Op::GroupBy { .. }));
    filters.into_iter().for_each(|filter| rows.add_filter(filter));
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(filter: &str, column: &str, rest: &str) {
        let label = label(&expr::parse_expr(filter).unwrap());
        let shown = format!("{} {}", label.relation, label.value);
        assert_eq!((label.column.as_str(), shown.trim()), (column, rest), "{filter}");
    }

    #[test]
    fn chips_read_well() {
        check("row.x >= 1", "x", "≥ 1");
        check("row.x < 0.25", "x", "< 0.25");
        check("row.x.matches(\"^a.*b$\")", "x", "matches /^a.*b$/");
        check("row.x >= 1 && row.x <= 2", "x", "1 – 2");
        check("row.x > 1 && row.x <= 2", "x", "> 1 – 2");
        check("row.cat == \"a b\"", "cat", "is a b");
        check("row.cat.in([\"a\", \"b\", \"c\", null])", "cat", "is a or b and 2 more");
        check("row.cat.contains(\"x\")", "cat", "contains “x”");
        check("row.cat.isNull()", "cat", "is empty");
        check("!row.cat.isNull()", "cat", "has a value");
        check("row.a < row.b", "", "row[\"a\"] < row[\"b\"]");
    }

    #[test]
    fn the_chip_of_a_window_reads_well() {
        let last = |span| last_label(&Last { span: expr::Span::parse(span).unwrap(), column: "ts".to_owned() });
        assert_eq!(
            last("5m"),
            Label { column: "ts".to_owned(), relation: "in the last", value: "5 minutes".to_owned() }
        );
        assert_eq!(last("1h").value, "hour");
    }

    #[test]
    fn bounds_are_typed() {
        assert_eq!(typed_bound(" 1,234.5 ", false), Some(Value::Float(1234.5)));
        assert_eq!(typed_bound("", false), None);
        assert_eq!(typed_bound("abc", false), None);
        assert_eq!(typed_bound("2024-01-01", true), Some(Value::Time(Timestamp(1_704_067_200_000_000))));
    }

    #[test]
    fn a_group_opens_to_its_rows() {
        let text = "table(\"t\").rows().last('1h').filter(row => row.n > 1).groupby(row => [row.cat, row.ok]).sort(row => row.count)";
        let query = expr::parse_query(text).unwrap();
        let rows = drill(&query, &[Some("a".into()), Some(Value::Null)]).unwrap();
        let table = query.table.clone();
        assert_eq!(
            rows.to_string(),
            format!(
                "table(\"{table}\").rows().last(\"1h\").filter(row => row[\"n\"] > 1).filter(row => row[\"cat\"] == \"a\").filter(row => row[\"ok\"].isNull())"
            )
        );
        assert_eq!(drill(&query, &[None, Some(Value::Null)]), None);
        assert_eq!(drill(&rows, &[]), None);
    }
}
