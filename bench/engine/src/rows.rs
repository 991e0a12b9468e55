//! The rows of the workload: six columns that depend on the row's number alone.

use model::{Batch, Cells, Column, Strings};
use wasm_bindgen::prelude::wasm_bindgen;

const CATEGORIES: [&str; 8] = ["train", "validate", "test", "warm-up", "checkpoint", "export", "idle", "failed"];
/// 2026-01-01, in microseconds since 1970.
const FIRST_MICROS: i64 = 1_767_225_600_000_000;
const MICROS_A_ROW: i64 = 10_000;
/// The values are below this.
const MAX_VALUE: f64 = 1000.0;

/// Rows as a frame: `id` counts, `ts` is a time, `val` a number below 1,000, `cat` one of 8 texts, `tag` a text of its own,
/// `ok` true or false.
#[wasm_bindgen]
pub fn make_frame(first: u32, n_rows: u32) -> Vec<u8> {
    let steps = || (first..first + n_rows).map(u64::from);
    let texts = |text: &dyn Fn(u64) -> String| {
        let mut texts = Strings::default();
        steps().for_each(|step| texts.push(&text(step)));
        Cells::Text(texts)
    };
    let columns = [
        ("id", Cells::Int(steps().map(|step| step as i64).collect())),
        ("ts", Cells::Time(steps().map(|step| FIRST_MICROS + step as i64 * MICROS_A_ROW).collect())),
        (
            "val",
            Cells::Float(steps().map(|step| (mixed(step) >> 11) as f64 / (1_u64 << 53) as f64 * MAX_VALUE).collect()),
        ),
        ("cat", texts(&|step| CATEGORIES[(mixed(step ^ 0xcafe) % 8) as usize].to_owned())),
        ("tag", texts(&|step| format!("run-{:012x}", mixed(step ^ 0x7a6) >> 16))),
        ("ok", Cells::Bool(steps().map(|step| !mixed(step ^ 0x0c).is_multiple_of(7)).collect())),
    ];
    let columns = columns.into_iter().map(|(name, cells)| Column::new(name.to_owned(), cells, None)).collect();
    wire::arrow::encode_frame(u64::from(first), &Batch::new(n_rows as usize, columns))
}

/// 64 bits that look random and are the same in each run: the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(step: u64) -> u64 {
    let mut bits = step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
