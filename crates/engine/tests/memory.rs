//! What a table that lets go of its oldest rows takes over time, with a sorted view open.

use engine::{SEGMENT_ROWS, Table, View, ViewSpec};
use model::{Row, StoredBatch, Value};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const N_KEPT: u64 = 10 * SEGMENT_ROWS as u64;
const N_ROWS: u64 = 5 * N_KEPT;
const N_BATCH: u64 = 8192;

/// Looks like chance, and is the same every time.
fn scattered(n: u64) -> f64 {
    (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64
}

fn batch(first_offset: u64) -> StoredBatch {
    let row = |n: u64| -> Row {
        [("val", Value::Float(scattered(n))), ("tag", Value::Text(format!("{:x}", scattered(n) as u64)))]
            .into_iter()
            .collect()
    };
    StoredBatch { first_offset, batch: (first_offset..first_offset + N_BATCH).map(row).collect() }
}

#[test]
fn memory_stands_still_where_the_oldest_rows_go() {
    let mut table = Table::new();
    table.append(&batch(0)).unwrap();
    let query = expr::parse_query(r#"table("t").rows().sort(row => row["val"], "desc")"#).unwrap();
    let mut view = View::new(&table, ViewSpec::of(&query).unwrap()).unwrap();
    view.settle(&table);
    let mut full = None;
    for first in (N_BATCH..N_ROWS).step_by(N_BATCH as usize) {
        table.append(&batch(first)).unwrap();
        table.drop_before((first + N_BATCH).saturating_sub(N_KEPT));
        view.apply(&table);
        if first > 2 * N_KEPT && full.is_none() {
            full = Some((wasm_bytes(), view.memory_bytes()));
        }
    }
    let (wasm_full, view_full) = full.unwrap();
    let grown = |now: usize, then: usize| now as f64 / then as f64 - 1.0;
    assert!(grown(view.memory_bytes(), view_full) < 0.03, "the view takes {} after {view_full}", view.memory_bytes());
    // Segments that stayed, or left holes that nothing fits, would show in what all of it takes.
    if let Some((now, then)) = wasm_bytes().zip(wasm_full) {
        assert!(grown(now, then) < 0.05, "{now} bytes are taken after {then}");
    }
    // A row's number and the eight bytes by which it stands, and little more.
    let of_row = view.memory_bytes() as f64 / view.n_rows() as f64;
    assert!((12.0..16.0).contains(&of_row), "{of_row} bytes a row");
}

/// What all of this program's memory comes to, where it is wasm, which gives none back. Elsewhere other tests have a part in it.
fn wasm_bytes() -> Option<usize> {
    #[cfg(target_arch = "wasm32")]
    return Some(core::arch::wasm32::memory_size(0) << 16);
    #[cfg(not(target_arch = "wasm32"))]
    None
}
