//! A view of a query with computed columns shows what its operations give, done one after the other on plain rows.

use expr::{Aggregate, AggregateOp, Expr, NamedExpr, Op, Query, SortKey, is_true, parse_expr};
use model::{Row, TableName};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::ViewSpec;
use crate::oracle::{OffsetRow, Oracle, groups, shown, sort_by_keys};
use crate::oracle_tests::{COLUMNS, check_splits, filter, n_cases, patches, rows};

/// Columns of the table, computed ones, and one that is never there.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "s", "t", "none"];

/// What the operations give, one after the other.
fn plain(rows: &[Row], first_offset: u64, ops: &[Op]) -> Oracle {
    let mut rows: Vec<(u64, Row)> = (first_offset..).zip(rows.iter().cloned()).collect();
    let mut names: Vec<String> = COLUMNS.map(str::to_owned).into();
    let mut is_grouped = false;
    for op in ops {
        match op {
            // Windows have tests of their own.
            Op::Rows | Op::Last(_) => {}
            Op::Filter(filter) => rows.retain(|(id, row)| is_true(&filter.eval(&OffsetRow(row, *id)))),
            Op::Sort(keys) if is_grouped => sort_by_keys(&mut rows, keys),
            Op::Sort(keys) => {
                let mut sorted: Vec<(u64, OffsetRow<'_>)> =
                    rows.iter().map(|(id, row)| (*id, OffsetRow(row, *id))).collect();
                sort_by_keys(&mut sorted, keys);
                let sorted = sorted.into_iter().map(|(id, row)| (id, row.0.clone())).collect();
                rows = sorted;
            }
            Op::WithColumns(columns) | Op::Map(columns) => {
                let is_map = matches!(op, Op::Map(_));
                if is_map {
                    names.clear();
                }
                for (id, row) in &mut rows {
                    let mut new = if is_map { Row::new() } else { row.clone() };
                    for column in columns {
                        new.set(column.name.as_str(), column.expr.eval(&OffsetRow(row, *id)));
                    }
                    *row = new;
                }
                let added = columns.iter().map(|column| column.name.clone());
                let added: Vec<String> = added.filter(|name| !names.contains(name)).collect();
                names.extend(added);
            }
            Op::GroupBy { keys, aggregates } => {
                rows.sort_by_key(|(id, _)| *id);
                let wanted = keys.iter().map(Expr::name).chain(aggregates.iter().map(Aggregate::name));
                // No two of them have one name here.
                names = wanted.collect();
                let old = rows.iter().map(|(id, row)| OffsetRow(row, *id)).collect();
                rows = groups(old, keys, aggregates, &names);
                is_grouped = true;
            }
        }
    }
    if is_grouped {
        return shown(&rows, names);
    }
    names.push("_offset".to_owned());
    let rows: Vec<(u64, OffsetRow<'_>)> = rows.iter().map(|(id, row)| (*id, OffsetRow(row, *id))).collect();
    shown(&rows, names)
}

fn computed() -> impl Strategy<Value = Expr> {
    let name = || prop::sample::select(NAMES.to_vec());
    let text = prop::sample::select(vec![
        "row.X",
        "row.X + row.Y",
        "row.X - row.Y",
        "row.X / row.Y",
        "row.X % row.Y",
        "-row.X",
        "row.X ?? row.Y",
        "row.X == null ? row.Y : row.X",
        "row.X < row.Y ? 1 : 2n",
        "row.X > row.Y && !row.X.isNull()",
        "row.X.lower()",
        "row.X.length()",
        "row.X.floor()",
        "row.X.abs()",
        "row.X.year()",
        "row.X.toMillis()",
        "row.X.k",
        "[row.X]",
        "row._offset * 2n",
        "\"t\" + row.X",
        "null",
        "1.5",
        "row.X.matches(\"y\")",
        "row.X.round() + row.Y.sqrt()",
    ]);
    (text, name(), name()).prop_map(|(text, x, y)| {
        parse_expr(&text.replace('X', x).replace('Y', y)).unwrap_or_else(|error| panic!("{error}: {text}"))
    })
}

fn columns() -> impl Strategy<Value = Vec<NamedExpr>> {
    let columns = prop::collection::hash_map(prop::sample::select(NAMES[..6].to_vec()), computed(), 1..4);
    let column = |(name, expr): (&str, Expr)| NamedExpr { name: name.to_owned(), expr };
    columns.prop_map(move |columns| columns.into_iter().map(column).collect())
}

/// As the filters of other tests, of computed columns as well.
fn any_filter() -> impl Strategy<Value = Expr> {
    (filter(), prop::sample::select(NAMES.to_vec())).prop_map(|(filter, name)| {
        parse_expr(&filter.to_string().replace("row[\"b\"]", &format!("row[\"{name}\"]"))).unwrap()
    })
}

fn keys() -> impl Strategy<Value = Vec<SortKey>> {
    let key = (prop::sample::select(NAMES.to_vec()), any::<bool>());
    prop::collection::vec(key.prop_map(|(name, descending)| SortKey::column(name, descending)), 1..3)
}

fn query() -> impl Strategy<Value = Query> {
    let op = prop_oneof![
        4 => columns().prop_map(Op::WithColumns),
        1 => columns().prop_map(Op::Map),
        3 => any_filter().prop_map(Op::Filter),
        3 => keys().prop_map(Op::Sort),
    ];
    let group_keys = prop::collection::hash_set(prop::sample::select(NAMES.to_vec()), 1..3);
    let figure = prop::sample::select(vec![AggregateOp::Sum, AggregateOp::Max, AggregateOp::CountDistinct]);
    let figures = prop::collection::hash_set((figure, prop::sample::select(NAMES.to_vec())), 0..3);
    let grouping = (group_keys, figures, any::<bool>()).prop_map(|(keys, figures, is_sorted)| {
        let sort = SortKey::column(*keys.iter().next().expect("there is a key"), true);
        let aggregates = figures.into_iter().map(|(op, name)| Aggregate::of(op, name)).collect();
        let group_by = Op::GroupBy { keys: keys.into_iter().map(Expr::column).collect(), aggregates };
        [Some(group_by), is_sorted.then(|| Op::Sort(vec![sort]))].into_iter().flatten().collect::<Vec<_>>()
    });
    let grouping = prop_oneof![2 => Just(Vec::new()), 1 => grouping];
    (prop::collection::vec(op, 1..6), grouping).prop_map(|(ops, grouping)| Query {
        table: TableName::parse("t").unwrap(),
        ops: [Op::Rows].into_iter().chain(ops).chain(grouping).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(n_cases()))]

    #[test]
    fn computed_columns_are_what_the_oracle_of_plain_rows_says(
        rows in rows(),
        query in query(),
        splits in prop::collection::vec((0_usize..200, 0_usize..4), 0..4),
        n_kept in prop_oneof![Just(usize::MAX), 0_usize..150],
        patches in patches(),
    ) {
        let spec = ViewSpec::of(&query).unwrap();
        let plain = |rows: &[Row], first_offset: u64| plain(rows, first_offset, &query.ops);
        check_splits(&rows, &spec, &plain, splits, n_kept, &patches)
            .map_err(|error| TestCaseError::fail(format!("{query}: {error}")))?;
    }
}
