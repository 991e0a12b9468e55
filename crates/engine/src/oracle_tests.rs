//! However the rows are split into batches, a view shows what a slow and plain reading of its spec gives.

use expr::{Aggregate, AggregateOp, Expr, Locale, RowSource, Share, SortKey};
use model::{Batch, Media, Row, StoredBatch, Timestamp, Value};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::oracle::{Oracle, oracle};
use crate::{Table, View, ViewSpec};

pub(crate) const FIRST_OFFSET: u64 = 7;
pub(crate) const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];

/// What a view is to show of rows that stand from an offset on.
pub(crate) type Plain<'a> = &'a dyn Fn(&[Row], u64) -> Oracle;

pub(crate) fn check(view: &mut View, table: &Table, rows: &[Row], plain: Plain<'_>) -> Result<(), TestCaseError> {
    // The table has let go of the first.
    let n_dropped = (table.first_offset() - FIRST_OFFSET) as usize;
    let expect = plain(&rows[n_dropped..], table.first_offset());
    let n_rows = expect.ids.len();
    prop_assert_eq!(view.n_rows(), n_rows);
    // The first rows come before the others are in order.
    let first: Vec<u64> = view.window(table, 0..5, &[]).row_ids.iter().map(|id| *id as u64).collect();
    prop_assert_eq!(&first[..], &expect.ids[..n_rows.min(5)]);
    let ids: Vec<u64> = (0..n_rows + 1).filter_map(|rank| view.row_id_at(table, rank)).collect();
    prop_assert_eq!(&ids, &expect.ids);
    let last_id = FIRST_OFFSET + rows.len() as u64;
    for id in 0..last_id + 2 {
        prop_assert_eq!(view.rank_of(table, id), expect.ids.iter().position(|known| *known == id), "of {}", id);
    }
    let (start, end) = (n_rows / 3, n_rows + 5);
    let window = view.window(table, start..end, &expect.names);
    prop_assert_eq!(window.n_view_rows, n_rows as u64);
    prop_assert_eq!(window.revision, view.revision());
    let ids: Vec<u64> = window.row_ids.iter().map(|id| *id as u64).collect();
    prop_assert_eq!(&ids[..], &expect.ids[start..]);
    prop_assert_eq!(view.row_ids(table, start..end), ids);
    for (id, cells) in expect.ids[start..].iter().zip(&expect.cells[start..]) {
        for (name, cell) in expect.names.iter().zip(cells) {
            prop_assert_eq!(&view.value(table, *id, name), cell);
        }
    }
    for (column_idx, column) in window.columns.iter().enumerate() {
        if let Some(known) = view.columns().iter().find(|known| known.name == column.name) {
            prop_assert_eq!(column.column_type, known.column_type);
        }
        for (idx, cells) in expect.cells[start..].iter().enumerate() {
            let value = &cells[column_idx];
            prop_assert_eq!(column.column_type.merge(value.column_type()), column.column_type, "{}", column.name);
            prop_assert_eq!(column.kinds[idx], value.column_type() as u8, "{:?} of {}", value, column.name);
            let number = match value {
                Value::Bool(b) => f64::from(u8::from(*b)),
                Value::Time(t) => t.0 as f64,
                value => value.as_f64().unwrap_or(0.0),
            };
            prop_assert_eq!(Value::Float(column.numbers[idx]), Value::Float(number));
            match value {
                Value::Text(text) => prop_assert_eq!(column.text_at(idx), text),
                Value::Int(int) => prop_assert_eq!(column.text_at(idx), int.to_string()),
                Value::Null | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {
                    prop_assert_eq!(column.text_at(idx), "");
                }
                _ => prop_assert!(!column.text_at(idx).is_empty() || *value == Value::Bytes(Vec::new())),
            }
        }
    }
    Ok(())
}

pub(crate) fn cell(kind: u8) -> BoxedStrategy<Value> {
    let float = prop_oneof![
        prop::sample::select(vec![0.0, -0.0, 1.0, 2.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e18]),
        -3.0..3.0_f64,
    ]
    .prop_map(Value::Float);
    let int = prop_oneof![
        -3_i64..4,
        prop::sample::select(vec![i64::MIN, i64::MAX, (1 << 60) + 1, 1 << 60, 1_000_000_000_000_000_000]),
    ]
    .prop_map(Value::Int);
    let few_texts = prop::sample::select(vec!["", "x", "y", "yz", "x\0", "X", "é"]).prop_map(Value::from);
    let texts = prop_oneof!["(abcdefg|aBcdéfg){0,3}[abÅ]{0,2}", "\\PC{0,3}"].prop_map(Value::Text);
    let time = (-3_i64..3).prop_map(|t| Value::Time(Timestamp(t)));
    let flag = any::<bool>().prop_map(Value::Bool);
    let bytes = prop::collection::vec(0_u8..3, 0..2).prop_map(Value::Bytes);
    let media = (0_u8..2).prop_map(|byte| Value::Media(Media { mime: "image/png".into(), bytes: vec![byte] }));
    let object = (0_i64..3).prop_map(|k| Value::Object(vec![("k".into(), Value::Int(k))]));
    let list = prop::collection::vec((0_i64..3).prop_map(Value::Int), 0..3).prop_map(Value::List);
    match kind {
        0 => float.boxed(),
        1 => int.boxed(),
        2 => prop_oneof![float, int].boxed(),
        3 => few_texts.boxed(),
        4 => texts.boxed(),
        5 => time.boxed(),
        6 => flag.boxed(),
        7 => bytes.boxed(),
        8 => media.boxed(),
        9 => prop_oneof![object, list].boxed(),
        10 => prop_oneof![few_texts, Just(Value::Null)].boxed(),
        _ => prop_oneof![float, int, few_texts, texts, time, flag, bytes, media, object, list].boxed(),
    }
}

/// Rows whose columns each have a kind of value, some nulls, and start late or end early.
pub(crate) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let column = (0_u8..13, 0_usize..40, 60_usize..200, 0_u32..4);
    let column = column.prop_flat_map(|(kind, start, end, null_weight)| {
        let value = prop_oneof![null_weight => Just(Value::Null), 4 => cell(kind)];
        prop::collection::vec(value, 0..200).prop_map(move |mut cells| {
            cells.iter_mut().take(start / 2).for_each(|cell| *cell = Value::Null);
            cells.truncate(end);
            cells
        })
    });
    prop::collection::vec(column, COLUMNS.len()).prop_map(|columns| {
        let n_rows = columns.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |idx: usize| {
            let cells = COLUMNS.iter().zip(&columns);
            cells.filter_map(move |(name, cells)| Some((*name, cells.get(idx)?.clone())))
        };
        // A null that is written and one that is not are the same.
        let row = |idx: usize| cells(idx).filter(|(_, value)| !value.is_null() || idx.is_multiple_of(2)).collect();
        (0..n_rows).map(row).collect()
    })
}

fn column() -> impl Strategy<Value = Expr> {
    prop_oneof![
        8 => prop::sample::select(COLUMNS.to_vec()).prop_map(Expr::column),
        1 => Just(Expr::column("_offset")),
        1 => Just(Expr::column("none")),
        1 => Just(expr::parse_expr("row.a.k").unwrap()),
        1 => Just(expr::parse_expr("row.a + row.b").unwrap()),
    ]
}

pub(crate) fn filter() -> impl Strategy<Value = Expr> {
    let op = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let literal = prop_oneof![
        (0_u8..8).prop_flat_map(cell).prop_map(|value| Expr::Literal(value).to_string()),
        Just("null".to_owned()),
        Just("[0n]".to_owned()),
    ];
    let part = prop_oneof![
        5 => (column(), op.clone(), literal.clone()).prop_map(|(column, op, literal)| format!("{column} {op} {literal}")),
        1 => (column(), op.clone(), literal.clone()).prop_map(|(column, op, literal)| format!("{literal} {op} ({column})")),
        1 => (column(), literal.clone(), literal).prop_map(|(column, a, b)| format!("({column}).in([{a}, {b}])")),
        1 => (column(), "[xyab]{0,1}").prop_map(|(column, text)| format!("({column}).contains(\"{text}\")")),
        1 => column().prop_map(|column| format!("!({column}).startsWith(\"abcd\")")),
        1 => (column(), "\\^?[xyab.]{0,2}\\$?").prop_map(|(column, text)| format!("({column}).matches(\"{text}\")")),
        1 => column().prop_map(|column| format!("({column}).isNull()")),
        1 => (column(), op, column()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
    ];
    let joined = prop::collection::vec(part, 1..3);
    (joined, any::<bool>()).prop_map(|(parts, and)| {
        let text = parts.join(if and { " && " } else { " || " });
        expr::parse_expr(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    })
}

pub(crate) fn spec() -> impl Strategy<Value = ViewSpec> {
    let locale = || prop::sample::select(vec![None, None, Some(Locale::Root), Some(Locale::Danish)]);
    let key =
        || {
            (column(), any::<bool>(), any::<bool>(), locale())
                .prop_map(|(expr, descending, nulls_first, locale)| SortKey { expr, descending, nulls_first, locale })
        };
    let quantile = Share::new(0.9).map(AggregateOp::Quantile).expect("it is a share");
    let ops: Vec<AggregateOp> = AggregateOp::ALL.iter().map(|(op, _)| *op).chain([quantile]).collect();
    let aggregate =
        (prop::sample::select(ops), column()).prop_map(|(op, column)| Aggregate { op, column: Some(column) });
    let aggregate = prop_oneof![4 => aggregate, 1 => Just(Aggregate::count())];
    let filters = || prop::collection::vec(filter(), 0..3);
    let ungrouped = (filters(), prop::collection::vec(key(), 0..4));
    let grouped = (
        filters(),
        prop::collection::vec(column(), 0..3),
        prop::collection::vec(aggregate, 0..4),
        prop::collection::vec((key(), 0_usize..4), 0..3),
    );
    prop_oneof![
        ungrouped.prop_map(|(filters, sort)| ViewSpec { filters, sort, ..ViewSpec::default() }),
        grouped.prop_map(|(filters, group_by, aggregates, sort)| {
            let mut spec = ViewSpec { filters, group_by, aggregates, ..ViewSpec::default() };
            let names = spec.group_columns();
            let key = |(key, idx): (SortKey, usize)| match names.get(idx) {
                Some(name) => SortKey { expr: Expr::column(name), ..key },
                None => key,
            };
            spec.sort = sort.into_iter().map(key).collect();
            spec
        }),
    ]
}

/// `ENGINE_CASES` asks for more cases than the suite runs.
pub(crate) fn n_cases() -> u32 {
    std::env::var("ENGINE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(if cfg!(target_arch = "wasm32") {
        250
    } else {
        500
    })
}

/// A cell to set: its row, its column, and its value or the row to take that from.
pub(crate) type Patch = (usize, usize, Result<Value, usize>);

/// What is patched after each batch.
pub(crate) fn patches() -> impl Strategy<Value = Vec<Vec<Patch>>> {
    let value = prop_oneof![
        4 => (0_usize..200).prop_map(Err),
        1 => Just(Ok(Value::Null)),
        1 => (0_u8..13).prop_flat_map(cell).prop_map(Ok),
    ];
    let patch = (0_usize..200, 0..COLUMNS.len(), value);
    let after_batch = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec(patch, 0..16)];
    prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(after_batch, 7)]
}

/// Patches rows that a table has had from an offset on, and the plain list of them.
pub(crate) fn patch(table: &mut Table, first_offset: u64, rows: &mut [Row], patches: &[Patch]) {
    let mut given = Vec::new();
    let n_rows = rows.len();
    for (row, column, value) in patches.iter().filter(|(row, ..)| *row < n_rows) {
        let column = COLUMNS[*column];
        let value = match value {
            Ok(value) => value.clone(),
            Err(from) => RowSource::get(&rows[*from % n_rows], column),
        };
        rows[*row].set(column, value.clone());
        given.push((first_offset + *row as u64, [(column, value)].into_iter().collect()));
    }
    table.patch(&given).unwrap();
}

/// Appends rows by the batches that `splits` tells (where one ends, and how many of its rows come again) to a table that keeps
/// `n_kept` of them, patches some after each, and compares a view with the oracle.
pub(crate) fn check_splits(
    rows: &[Row],
    spec: &ViewSpec,
    plain: Plain<'_>,
    splits: Vec<(usize, usize)>,
    n_kept: usize,
    patches: &[Vec<Patch>],
) -> Result<(), TestCaseError> {
    let mut rows = rows.to_vec();
    let mut bounds: Vec<(usize, usize)> = splits.into_iter().map(|(at, again)| (at.min(rows.len()), again)).collect();
    bounds.push((rows.len(), 0));
    bounds.sort_unstable();
    let mut table = Table::starting_at(FIRST_OFFSET);
    let mut view = View::new(&table, spec.clone()).unwrap();
    check(&mut view, &table, &[], plain)?;
    let mut start = 0;
    let mut patches = patches.iter();
    for (end, n_again) in bounds {
        // Some rows come again, as after a reconnection.
        let from = start - n_again.min(start);
        let batch: Batch = rows[from..end].iter().cloned().collect();
        let stored = StoredBatch { first_offset: FIRST_OFFSET + from as u64, batch };
        let new = table.append(&stored).unwrap();
        prop_assert_eq!(new, FIRST_OFFSET + start as u64..FIRST_OFFSET + end as u64);
        let n_before = table.n_rows();
        let n_dropped = table.drop_before(FIRST_OFFSET + end.saturating_sub(n_kept) as u64);
        prop_assert_eq!(table.n_rows(), n_before - n_dropped);
        let n_wanted = table.first_offset() + crate::SEGMENT_ROWS as u64;
        prop_assert!(n_wanted > FIRST_OFFSET + end.saturating_sub(n_kept) as u64, "a segment stayed");
        patch(&mut table, FIRST_OFFSET, &mut rows[..end], patches.next().map_or(&[], Vec::as_slice));
        let (revision, n_rows, columns) = (view.revision(), view.n_rows(), view.columns().to_vec());
        let changed = view.apply(&table);
        prop_assert_eq!(view.revision(), revision + u64::from(changed));
        prop_assert!(changed || (view.n_rows() == n_rows && view.columns() == columns));
        prop_assert!(!view.apply(&table));
        check(&mut view, &table, &rows[..end], plain)?;
        start = end;
    }
    for (row, offset) in rows.iter().zip(FIRST_OFFSET..) {
        for name in COLUMNS {
            let is_there = offset >= table.first_offset();
            let row = if is_there { row } else { &Row::default() };
            let expect = row.get(name).cloned().unwrap_or(Value::Null);
            prop_assert_eq!(table.value(offset, name), expect, "{} of row {}", name, offset);
        }
    }
    let mut from_scratch = View::new(&table, spec.clone()).unwrap();
    check(&mut from_scratch, &table, &rows, plain)?;
    prop_assert_eq!(from_scratch.columns(), view.columns());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(n_cases()))]

    #[test]
    fn a_view_shows_what_its_spec_says_for_every_split(
        rows in rows(),
        spec in spec(),
        splits in prop::collection::vec((0_usize..200, 0_usize..4), 0..6),
        n_kept in prop_oneof![Just(usize::MAX), 0_usize..150],
        patches in patches(),
    ) {
        check_splits(&rows, &spec, &|rows, first| oracle(rows, first, &spec), splits, n_kept, &patches)?;
    }

    /// What most tables are grouped by, and add up.
    #[test]
    fn groups_of_few_texts_add_up_floats(
        cells in prop::collection::vec((0_usize..5, -1.0..1.0_f64, any::<bool>()), 0..200),
        n_texts in prop::collection::vec(1_usize..5, 5),
        filter in prop::option::of(filter()),
        splits in prop::collection::vec((0_usize..200, 0_usize..4), 0..6),
        n_kept in prop_oneof![Just(usize::MAX), 0_usize..150],
        has_null in any::<bool>(),
        patches in patches(),
    ) {
        // Which texts there are changes along the way, so that one is met again after it was away.
        let row = |(idx, (text, number, flag)): (usize, &(usize, f64, bool))| {
            let text = ["x", "y", "yz", "", "z"][(text % n_texts[idx / 40] + idx / 80) % 5];
            let text = if has_null && *flag && text == "y" { Value::Null } else { Value::from(text) };
            [("a", text), ("b", Value::Float(*number)), ("c", Value::Bool(*flag))].into_iter().collect::<Row>()
        };
        let rows: Vec<Row> = cells.iter().enumerate().map(row).collect();
        let figure = |op, column| Aggregate { op, column: Some(Expr::column(column)) };
        let aggregates = vec![
            figure(AggregateOp::Count, "b"),
            figure(AggregateOp::Sum, "b"),
            Aggregate::count(),
            figure(AggregateOp::Mean, "b"),
        ];
        let (filters, group_by) = (filter.into_iter().collect(), vec![Expr::column("a")]);
        let spec = ViewSpec { filters, group_by, aggregates, ..ViewSpec::default() };
        check_splits(&rows, &spec, &|rows, first| oracle(rows, first, &spec), splits, n_kept, &patches)?;
    }
}
