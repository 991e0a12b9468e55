//! The rows of the workload as JSON lines: the six columns of the other benches, about 110 bytes.

const CATEGORIES: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];

/// Appends row `n` as a line.
pub(crate) fn line(n: u64, out: &mut String) {
    use std::fmt::Write;

    let micros = 1_700_000_000_000_000 + n * 100;
    let val = (mixed(n) >> 11) as f64 / (1_u64 << 53) as f64 * 1000.0;
    let (cat, tag, ok) = (CATEGORIES[(n % 8) as usize], mixed(n ^ 0x7a6) >> 16, n.is_multiple_of(3));
    // Writing to a string has no way to fail.
    let _ = writeln!(
        out,
        "{{\"id\":{n},\"ts\":{{\"$ts\":{micros}}},\"val\":{val},\"cat\":\"{cat}\",\"tag\":\"run-{tag:012x}\",\"ok\":{ok}}}"
    );
}

/// `n_rows` rows from row `first` on.
pub(crate) fn lines(first: u64, n_rows: usize) -> String {
    let mut out = String::new();
    (first..first + n_rows as u64).for_each(|n| line(n, &mut out));
    out
}

/// Rows of `n_columns` columns, whole numbers.
pub(crate) fn wide_lines(n_columns: usize, n_rows: usize) -> String {
    let row = |n: usize| {
        let cells: Vec<String> =
            (0..n_columns).map(|column| format!("\"column_{column:04}\":{}", n + column)).collect();
        format!("{{{}}}\n", cells.join(","))
    };
    (0..n_rows).map(row).collect()
}

/// 64 bits that look random and are the same in each run: the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
fn mixed(step: u64) -> u64 {
    let mut bits = step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
