//! The text of a query or an expression: what is read prints as what reads the same, and is evaluated and shown without end.
#![no_main]

use std::sync::OnceLock;

use engine::{Table, View, ViewSpec};
use expr::{Condition, Expr};
use libfuzzer_sys::fuzz_target;
use model::{Batch, ColumnType, Row, StoredBatch, Timestamp, Value};

fuzz_target!(init: fuzz::begin("query"), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(expr) = expr::parse_expr(text) {
        let printed = expr.to_string();
        assert_eq!(expr::parse_expr(&printed).as_ref(), Ok(&expr), "{printed}");
        let _ = expr.column_type(&|_| ColumnType::Mixed);
        evaluate(&expr);
    }
    if let Ok(query) = expr::parse_query(text) {
        let printed = query.to_string();
        assert_eq!(expr::parse_query(&printed).as_ref(), Ok(&query), "{printed}");
        for filter in query.filters() {
            let again = Condition::of(filter).to_expr();
            assert_eq!(Condition::of(&again), Condition::of(filter));
        }
        if let Ok(spec) = ViewSpec::of(&query) {
            show(spec);
        }
    }
});

fn rows() -> Vec<Row> {
    let int = |n: i64| [("int", Value::Int(n)), ("a", Value::Float(n as f64 / 3.0)), ("t", Value::Time(Timestamp(n)))];
    let mut rows = fuzz::sample_rows();
    rows.extend((-5..20).map(|n| int(n).into_iter().collect::<Row>()));
    rows
}

fn evaluate(expr: &Expr) {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    for row in ROWS.get_or_init(rows) {
        let _ = expr::is_true(&expr.eval(row));
    }
}

fn show(spec: ViewSpec) {
    static TABLE: OnceLock<Table> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut table = Table::new();
        let batch: Batch = rows().into_iter().collect();
        table.append(&StoredBatch { first_offset: 0, batch }).expect("it comes first");
        table
    });
    let now = Timestamp(1_700_000_000_000_000);
    let Ok(mut view) = View::new_within(table, spec, now, 1 << 20) else { return };
    let columns: Vec<String> = view.columns().iter().map(|column| column.name.clone()).collect();
    let n_rows = view.n_rows();
    let ids = view.row_ids(table, 0..n_rows);
    assert_eq!(ids.len(), n_rows);
    for (rank, id) in ids.iter().enumerate() {
        assert_eq!(view.rank_of(table, *id), Some(rank));
        for column in &columns {
            let _ = view.value(table, *id, column);
        }
    }
    view.settle(table);
    assert_eq!(view.row_ids(table, 0..n_rows), ids, "the first rows, and the whole order");
    let _ = view.window(table, 0..n_rows, &columns);
}
