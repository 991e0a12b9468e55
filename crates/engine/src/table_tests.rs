//! What a table says of its columns, what tables and views refuse, and what stands apart.

use expr::Expr;
use model::{Row, StoredBatch, Timestamp, Value};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::oracle_tests::{COLUMNS, n_cases, patch, patches, rows};
use crate::{EngineError, Table, View, ViewSpec};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(n_cases()))]

    #[test]
    fn what_is_told_of_a_column_is_so(mut rows in rows(), split in 0_usize..200, patches in patches()) {
        let mut table = Table::new();
        let split = split.min(rows.len());
        for range in [0..split, split..rows.len()] {
            let first_offset = range.start as u64;
            table.append(&StoredBatch { first_offset, batch: rows[range].iter().cloned().collect() }).unwrap();
        }
        patches.iter().for_each(|patches| patch(&mut table, 0, &mut rows, patches));
        let computed = ["row.a + row.b", "row.a ?? row.c", "row.d.length()", "row.none"];
        let computed = computed.map(|text| expr::parse_expr(text).unwrap());
        for expr in COLUMNS.map(Expr::column).into_iter().chain(computed) {
            let values: Vec<Value> = rows.iter().map(|row| expr.eval(row)).collect();
            let distinct = table.distinct(&expr, usize::MAX);
            let mut n_rows = 0;
            for (value, n) in &distinct {
                prop_assert_eq!(values.iter().filter(|v| v.total_cmp(value).is_eq()).count() as u64, *n);
                n_rows += n;
            }
            prop_assert_eq!(n_rows as usize, rows.len());
            for pair in distinct.windows(2) {
                prop_assert!(pair[0].1.cmp(&pair[1].1).reverse().then_with(|| pair[0].0.total_cmp(&pair[1].0)).is_lt());
            }
            let numbers = values.iter().filter_map(|value| match value {
                Value::Time(time) => Some(time.0 as f64),
                value => value.as_f64().filter(|number| number.is_finite()),
            });
            let expect = numbers.clone().reduce(f64::min).zip(numbers.clone().reduce(f64::max));
            prop_assert_eq!(table.range(&expr), expect);
            if let Some((least, greatest)) = expect.filter(|(least, greatest)| (greatest - least).is_finite()) {
                let width = (greatest - least) / 5.0;
                let bins = |x: f64| ((x - least) / width) as usize;
                let expect = (0..5).map(|bin| numbers.clone().filter(|x| bins(*x).min(4) == bin).count() as u64);
                let got = table.histogram(&expr, (least, greatest), 5);
                prop_assert_eq!(got.iter().sum::<u64>(), numbers.clone().count() as u64);
                // At the edge of two parts the last digit decides.
                let n_edge = numbers.clone().filter(|x| ((x - least) / width).fract().min(1.0 - ((x - least) / width).fract()) < 1e-9).count();
                let n_off: u64 = got.iter().zip(expect).map(|(a, b)| a.abs_diff(b)).sum();
                prop_assert!(n_off <= 2 * n_edge as u64, "{:?}", got);
            }
        }
    }
}

#[test]
fn a_gap_is_refused_and_changes_nothing() {
    let mut table = Table::new();
    let stored = |first_offset| StoredBatch {
        first_offset,
        batch: [[("a", 1.0)].into_iter().collect::<Row>()].into_iter().collect(),
    };
    assert_eq!(table.append(&stored(1)).unwrap_err().code(), "gap");
    assert_eq!((table.n_rows(), table.schema().columns().len()), (0, 0));
    assert_eq!(table.append(&stored(0)), Ok(0..1));
    assert_eq!(table.append(&stored(0)), Ok(1..1));
    assert_eq!(table.next_offset(), 1);
}

#[test]
fn system_columns_stand_apart() {
    let row: Row = [("a", Value::Float(1.0)), ("_seq", Value::Int(4))].into_iter().collect();
    let mut table = Table::new();
    table.append(&StoredBatch { first_offset: 0, batch: [row].into_iter().collect() }).unwrap();
    let names = |schema: &model::Schema| schema.columns().iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(table.schema()), ["a"]);
    assert_eq!(names(table.system_schema()), ["_offset", "_seq"]);
    assert_eq!(table.range(&Expr::column("_offset")), Some((0.0, 0.0)));
    let mut view = View::new(&table, ViewSpec::default()).unwrap();
    assert_eq!(view.columns().len(), 1);
    let window = view.window(&table, 0..9, &["_seq".into(), "_offset".into(), "none".into()]);
    assert_eq!(window.columns.iter().map(|c| c.text_at(0)).collect::<Vec<_>>(), ["4", "0", ""]);
}

#[test]
fn groups_that_take_too_much_are_given_up() {
    let row = |n: i64| [("n", Value::Int(n))].into_iter().collect::<Row>();
    let mut table = Table::new();
    let append = |table: &mut Table, range: std::ops::Range<i64>| {
        let first_offset = table.next_offset();
        table.append(&StoredBatch { first_offset, batch: range.map(row).collect() }).unwrap();
    };
    append(&mut table, 0..100);
    let spec = ViewSpec { group_by: vec![Expr::column("n")], ..ViewSpec::default() };
    let mut view = View::new_within(&table, spec.clone(), Timestamp(0), 100_000).unwrap();
    assert!((1000..100_000).contains(&view.memory_bytes()), "{}", view.memory_bytes());
    append(&mut table, 100..10_000);
    assert_eq!(view.apply_within(&table, 100_000), Err(EngineError::TooManyGroups));
    assert_eq!(View::new_within(&table, spec, Timestamp(0), 100_000).err(), Some(EngineError::TooManyGroups));
}
