//! However rows come and the clock goes, a view with moving windows shows what a plain reading gives of the rows whose time is
//! recent enough.

use expr::{BinaryOp, Expr, Last, Span};
use model::{Row, StoredBatch, Timestamp, Value};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::oracle::oracle;
use crate::oracle_tests::{FIRST_OFFSET, cell, check, n_cases, patch, patches, rows, spec};
use crate::{SEGMENT_ROWS, Table, View, ViewSpec};

/// How far the times of a test reach, in microseconds.
const REACH: i64 = 40_000_000;

/// The times of the rows, in columns of their own: rising, mostly rising, and in any order; with nulls and what is no time.
fn times() -> impl Strategy<Value = Vec<[Value; 2]>> {
    let column = || {
        let stray =
            prop_oneof![Just(Value::Null), cell(5), cell(11), (0..REACH).prop_map(|t| Value::Time(Timestamp(t)))];
        let one = (0_i64..2 * REACH / 200, 0_u32..100, stray);
        (prop_oneof![Just(0_u32), Just(5), Just(100)], prop::collection::vec(one, 200)).prop_map(|(n_stray, cells)| {
            let mut time = 0;
            let cell = |(step, dice, stray): (i64, u32, Value)| {
                time += step;
                if dice < n_stray { stray } else { Value::Time(Timestamp(time)) }
            };
            cells.into_iter().map(cell).collect::<Vec<_>>()
        })
    };
    (column(), column()).prop_map(|(t, u)| t.into_iter().zip(u).map(|(t, u)| [t, u]).collect())
}

fn lasts() -> impl Strategy<Value = Vec<Last>> {
    let span = prop::sample::select(vec!["1ms", "700ms", "2s", "9s", "15s", "15s", "30s", "1h"]);
    let last = (span, prop::sample::select(vec!["t", "t", "u", "none"]));
    let last =
        last.prop_map(|(span, column)| Last { span: Span::parse(span).expect("a span"), column: column.to_owned() });
    prop::collection::vec(last, 1..3)
}

/// The spec with the windows written out as filters.
fn written_out(spec: &ViewSpec, now: i64) -> ViewSpec {
    let filter = |last: &Last| {
        let span = last.span.micros();
        let step = (span / 10).min(1_000_000);
        let after = Timestamp(now.div_euclid(step) * step - span);
        Expr::binary(BinaryOp::Greater, Expr::column(&last.column), Expr::Literal(Value::Time(after)))
    };
    let filters = spec.lasts.iter().map(filter).chain(spec.filters.clone()).collect();
    ViewSpec { filters, lasts: Vec::new(), ..spec.clone() }
}

fn with_times(rows: &[Row], times: &[[Value; 2]]) -> Vec<Row> {
    let with_times = |(row, [t, u]): (&Row, &[Value; 2])| {
        let cells = row.iter().map(|(name, value)| (name.to_owned(), value.clone()));
        cells.chain([("t".to_owned(), t.clone()), ("u".to_owned(), u.clone())]).collect()
    };
    rows.iter().zip(times).map(with_times).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(n_cases()))]

    #[test]
    fn a_view_shows_what_is_in_its_windows_however_the_clock_goes(
        rows in rows(),
        times in times(),
        spec in spec(),
        lasts in lasts(),
        steps in prop::collection::vec((0_usize..60, prop_oneof![4 => 0..REACH / 4, 1 => -REACH..0], any::<bool>()), 1..9),
        n_kept in prop_oneof![Just(usize::MAX), 0_usize..150],
        settles in any::<bool>(),
        patches in patches(),
        new_times in prop::collection::vec(prop::collection::vec((0_usize..200, -REACH..REACH), 0..3), 0..9),
    ) {
        let mut rows = with_times(&rows, &times);
        let (mut patches, mut new_times) = (patches.iter(), new_times.iter());
        let spec = ViewSpec { lasts, ..spec };
        let mut table = Table::starting_at(FIRST_OFFSET);
        let mut now = 0;
        let mut view = View::new(&table, spec.clone()).unwrap();
        let mut end = 0;
        for (n_new, ticks, advances) in steps {
            let start = end;
            end = rows.len().min(start + n_new);
            let batch = rows[start..end].iter().cloned().collect();
            table.append(&StoredBatch { first_offset: FIRST_OFFSET + start as u64, batch }).unwrap();
            table.drop_before(FIRST_OFFSET + end.saturating_sub(n_kept) as u64);
            patch(&mut table, FIRST_OFFSET, &mut rows[..end], patches.next().map_or(&[], Vec::as_slice));
            for (row, ticks) in new_times.next().into_iter().flatten().filter(|(row, _)| *row < end) {
                let time = Value::Time(Timestamp(now + ticks));
                let new: Row = [("t", time.clone())].into_iter().collect();
                table.patch(&[(FIRST_OFFSET + *row as u64, new)]).unwrap();
                rows[*row].set("t", time);
            }
            if settles {
                view.settle(&table);
            }
            let (revision, n_rows, columns) = (view.revision(), view.n_rows(), view.columns().to_vec());
            let changed = if advances {
                now += ticks;
                view.advance(&table, Timestamp(now))
            } else {
                view.apply(&table)
            };
            prop_assert_eq!(view.revision(), revision + u64::from(changed));
            prop_assert!(changed || (view.n_rows() == n_rows && view.columns() == columns));
            prop_assert!(!view.advance(&table, Timestamp(now)));
            let plain = written_out(&spec, now);
            check(&mut view, &table, &rows[..end], &|rows, first| oracle(rows, first, &plain))?;
        }
        let mut from_scratch = View::new_within(&table, spec.clone(), Timestamp(now), usize::MAX).unwrap();
        let plain = written_out(&spec, now);
        check(&mut from_scratch, &table, &rows[..end], &|rows, first| oracle(rows, first, &plain))?;
        prop_assert_eq!(from_scratch.columns(), view.columns());
    }
}

/// Rows a second apart, by number; a text for each.
fn table_of(range: std::ops::Range<i64>) -> Table {
    let row = |n: i64| {
        let time = Value::Time(Timestamp(n * 1_000_000));
        [("timestamp", time), ("n", Value::Int(n)), ("text", Value::Text(format!("{}", n % 7)))]
            .into_iter()
            .collect::<Row>()
    };
    let mut table = Table::new();
    table.append(&StoredBatch { first_offset: 0, batch: range.map(row).collect() }).unwrap();
    table
}

fn spec_of(ops: &str) -> ViewSpec {
    ViewSpec::of(&expr::parse_query(&format!("table(\"t\").rows(){ops}")).unwrap()).unwrap()
}

#[test]
fn what_a_view_takes_goes_by_the_window_and_not_by_the_table() {
    let table = table_of(0..100 * SEGMENT_ROWS as i64);
    for ops in
        ["", ".filter(r => r.n >= 0n)", ".sort(r => r.n, \"desc\")", ".sort(r => r.n % 5n)", ".groupby(r => r.text)"]
    {
        let mut view = View::new(&table, spec_of(&format!(".last(\"60s\"){ops}"))).unwrap();
        view.settle(&table);
        assert_eq!(view.n_rows(), if ops.contains("group") { 7 } else { table.n_rows() }, "all are after 1970: {ops}");
        let all_bytes = view.memory_bytes();
        for second in (0..100 * SEGMENT_ROWS as i64).step_by(7) {
            view.advance(&table, Timestamp(second * 1_000_000));
        }
        let last = table.next_offset() as i64 - 1;
        view.advance(&table, Timestamp(last * 1_000_000));
        let expect = if ops.contains("group") { 7 } else { 60 };
        assert_eq!(view.n_rows(), expect, "{ops}");
        // There are as many groups as before.
        assert!(
            ops.contains("group") || view.memory_bytes() * 4 <= all_bytes,
            "{ops}: {} of {all_bytes}",
            view.memory_bytes()
        );
    }
}

#[test]
fn a_row_leaves_when_the_second_is_full() {
    let table = table_of(0..10);
    let mut view = View::new(&table, spec_of(".last(\"5s\")")).unwrap();
    let mut at = |micros: i64| {
        view.advance(&table, Timestamp(micros));
        (view.row_id_at(&table, 0), view.n_rows())
    };
    assert_eq!(at(9_000_000), (Some(5), 5), "the row five seconds old is out, whose time is to come is in");
    assert_eq!(at(9_400_000), (Some(5), 5), "half a second is the step of five");
    assert_eq!(at(9_500_000), (Some(5), 5));
    assert_eq!(at(10_000_000), (Some(6), 4));
    assert_eq!(at(2_000_000), (Some(0), 10), "the clock was put back");
    assert_eq!(at(i64::MAX), (None, 0));
    assert_eq!(at(i64::MIN), (Some(0), 10));
}
