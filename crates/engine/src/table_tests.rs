//! What tables and views refuse, and what stands apart.

use expr::Expr;
use model::{Row, StoredBatch, Value};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::{EngineError, Table, View, ViewSpec};

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
    assert_eq!(table.range("_offset"), Some((0.0, 0.0)));
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
    let mut view = View::new_within(&table, spec.clone(), 100_000).unwrap();
    assert!((1000..100_000).contains(&view.memory_bytes()), "{}", view.memory_bytes());
    append(&mut table, 100..10_000);
    assert_eq!(view.apply_within(&table, 100_000), Err(EngineError::TooManyGroups));
    assert_eq!(View::new_within(&table, spec, 100_000).err(), Some(EngineError::TooManyGroups));
}
