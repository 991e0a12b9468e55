//! What a view shows, by a slow and plain reading of its spec.

use std::cmp::Ordering;

use expr::{Aggregate, AggregateOp, Expr, Locale, RowSource, SortKey, is_true};
use model::{Row, Value};

use crate::ViewSpec;
use crate::collate;
use crate::oracle_tests::COLUMNS;

/// What a view shows, read from rows one by one.
pub(crate) struct Oracle {
    /// Offsets, or numbers of groups.
    pub(crate) ids: Vec<u64>,
    pub(crate) names: Vec<String>,
    /// By rank, then by column.
    pub(crate) cells: Vec<Vec<Value>>,
}

/// A row and the offset the table gives it.
pub(crate) struct OffsetRow<'a>(pub(crate) &'a Row, pub(crate) u64);

impl RowSource for OffsetRow<'_> {
    fn get(&self, column: &str) -> Value {
        if column == "_offset" {
            return Value::Int(self.1 as i64);
        }
        self.0.get(column).cloned().unwrap_or(Value::Null)
    }
}

pub(crate) fn sort_by_keys<R: RowSource>(rows: &mut [(u64, R)], sort: &[SortKey]) {
    rows.sort_by(|(_, a), (_, b)| {
        for key in sort {
            let (a, b) = (key.expr.eval(a), key.expr.eval(b));
            let greatest = if key.nulls_first { Ordering::Less } else { Ordering::Greater };
            let order = match (a.is_null(), b.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) => greatest,
                (false, true) => greatest.reverse(),
                _ if key.descending => compare_values(&b, &a, key.locale),
                _ => compare_values(&a, &b, key.locale),
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    });
}

fn compare_values(a: &Value, b: &Value, locale: Option<Locale>) -> Ordering {
    match (a, b, locale) {
        (Value::Text(a), Value::Text(b), Some(locale)) => collate::compare(a, b, locale),
        _ => a.total_cmp(b),
    }
}

pub(crate) fn figure(aggregate: &Aggregate, rows: &[OffsetRow<'_>]) -> Value {
    let Some(column) = &aggregate.column else { return Value::Int(rows.len() as i64) };
    let values: Vec<Value> = rows.iter().map(|row| column.eval(row)).filter(|value| !value.is_null()).collect();
    let ints = values.iter().filter_map(|v| if let Value::Int(i) = v { Some(i128::from(*i)) } else { None });
    let floats: Vec<f64> =
        values.iter().filter_map(|v| if let Value::Float(f) = v { Some(*f) } else { None }).collect();
    let (n_ints, ints) = (ints.clone().count(), ints.sum::<i128>());
    let numbers: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
    let total = floats.iter().fold(0.0, |sum, x| sum + x);
    let sum = match (n_ints, floats.len()) {
        (0, 0) => Value::Null,
        (_, 0) if i64::try_from(ints).is_ok() => Value::Int(ints as i64),
        (0, _) => Value::Float(total),
        (_, 0) => Value::Float(ints as f64),
        _ => Value::Float(ints as f64 + total),
    };
    match aggregate.op {
        AggregateOp::Count => Value::Int(values.len() as i64),
        AggregateOp::Sum => sum,
        AggregateOp::Mean => sum.as_f64().map_or(Value::Null, |sum| Value::Float(sum / (n_ints + floats.len()) as f64)),
        // The first of equals.
        AggregateOp::Min => values.into_iter().reduce(|a, b| if b.total_cmp(&a).is_lt() { b } else { a }).into(),
        AggregateOp::Max => values.into_iter().reduce(|a, b| if b.total_cmp(&a).is_gt() { b } else { a }).into(),
        AggregateOp::First => values.into_iter().next().into(),
        AggregateOp::Last => values.into_iter().last().into(),
        AggregateOp::CountDistinct => {
            let mut sorted = values;
            sorted.sort_by(Value::total_cmp);
            sorted.dedup_by(|a, b| a.total_cmp(b).is_eq());
            Value::Int(sorted.len() as i64)
        }
        AggregateOp::StdDev => std_dev(&numbers),
        AggregateOp::Quantile(share) => quantile(&numbers, share.get()),
    }
}

/// One number after the other, as the engine must not depend on how they come.
fn std_dev(numbers: &[f64]) -> Value {
    let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for number in numbers {
        n += 1.0;
        let before = number - mean;
        mean += before / n;
        squares += before * (number - mean);
    }
    if n < 2.0 { Value::Null } else { Value::Float((squares / (n - 1.0_f64)).sqrt()) }
}

fn quantile(numbers: &[f64], share: f64) -> Value {
    // Of equal zeros it is the positive one.
    let mut sorted: Vec<f64> = numbers.iter().map(|number| number + 0.0).collect();
    sorted.sort_by(|a, b| Value::Float(*a).total_cmp(&Value::Float(*b)));
    let place = share * sorted.len().saturating_sub(1) as f64;
    let Some((low, high)) = sorted.get(place.floor() as usize).zip(sorted.get(place.ceil() as usize)) else {
        return Value::Null;
    };
    let part = place.fract();
    Value::Float(if part == 0.0 || low == high { *low } else { low + (high - low) * part })
}

/// `rows` stand from an offset on.
pub(crate) fn oracle(rows: &[Row], first_offset: u64, spec: &ViewSpec) -> Oracle {
    let rows = rows.iter().zip(first_offset..).map(|(row, offset)| (offset, OffsetRow(row, offset)));
    let passes = |row: &OffsetRow<'_>| spec.filters.iter().all(|filter| is_true(&filter.eval(row)));
    let mut rows: Vec<(u64, OffsetRow<'_>)> = rows.filter(|(_, row)| passes(row)).collect();
    if spec.group_by.is_empty() && spec.aggregates.is_empty() {
        sort_by_keys(&mut rows, &spec.sort);
        let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).chain(["_offset".to_owned()]).collect();
        return shown(&rows, names);
    }
    let names = spec.group_columns();
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let mut outcome = groups(rows, &spec.group_by, &spec.aggregates, &names);
    sort_by_keys(&mut outcome, &spec.sort);
    shown(&outcome, names)
}

/// The groups of rows, in order of first appearance, as rows with columns of these names.
pub(crate) fn groups(
    rows: Vec<OffsetRow<'_>>,
    keys: &[Expr],
    aggregates: &[Aggregate],
    names: &[String],
) -> Vec<(u64, Row)> {
    let mut groups: Vec<(Vec<Value>, Vec<OffsetRow<'_>>)> = Vec::new();
    for row in rows {
        let key: Vec<Value> = keys.iter().map(|key| key.eval(&row)).collect();
        let same = |known: &[Value]| known.iter().zip(&key).all(|(a, b)| a.total_cmp(b).is_eq());
        match groups.iter_mut().find(|(known, _)| same(known)) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((key, vec![row])),
        }
    }
    let outcome = groups.into_iter().map(|(key, rows)| {
        let figures = aggregates.iter().map(|aggregate| figure(aggregate, &rows));
        names.iter().cloned().zip(key.into_iter().chain(figures)).collect::<Row>()
    });
    (0..).zip(outcome).collect()
}

/// Rows, each with its id, as a view shows these columns of them.
pub(crate) fn shown<R: RowSource>(rows: &[(u64, R)], names: Vec<String>) -> Oracle {
    let cells = rows.iter().map(|(_, row)| names.iter().map(|name| row.get(name)).collect()).collect();
    Oracle { ids: rows.iter().map(|(id, _)| *id).collect(), names, cells }
}
