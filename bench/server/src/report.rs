//! What was measured, as tables beside what was aimed at, and as JSON.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::ingest::{Cell, Load};
use crate::tail::Tail;

/// What the server is called among the systems.
pub(crate) const OWN: &str = "streamtable";
const MIB: f64 = (1 << 20) as f64;
/// What is aimed at.
const MIN_ROWS_PER_SECOND: f64 = 300_000.0;
const MIN_SINGLES_PER_SECOND: f64 = 5_000.0;
const MAX_P99_MILLIS: f64 = 50.0;
const MAX_TAIL_MILLIS: f64 = 250.0;
const MAX_LARGE_MIB: f64 = 300.0;

/// Gathers figures.
pub(crate) struct Report {
    load_before: String,
    cells: Vec<Cell>,
    tails: Vec<Tail>,
    large: Vec<(String, f64, &'static str)>,
}

impl Report {
    /// Notes how busy the machine is before.
    pub(crate) fn begin() -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load_before = load.split(' ').next().unwrap_or("?").to_owned();
        Self { load_before, cells: Vec::new(), tails: Vec::new(), large: Vec::new() }
    }

    pub(crate) fn ingest(&mut self, cell: Cell) {
        let Cell { system, load: Load { n_writers, n_rows, .. }, rows_per_second, p99_millis, .. } = &cell;
        eprintln!("  {system}, {n_writers} writers of {n_rows}: {rows_per_second:.0} rows/s, p99 {p99_millis:.1} ms");
        self.cells.push(cell);
    }

    pub(crate) fn tail(&mut self, tail: Tail) {
        let Tail { n_subscribers, n_rows, last_p50_millis, last_max_millis, .. } = &tail;
        eprintln!(
            "  {n_subscribers} follow appends of {n_rows}: all after {last_p50_millis:.1}, at most {last_max_millis:.1} ms"
        );
        self.tails.push(tail);
    }

    pub(crate) fn bytes(&mut self, name: &str, n_bytes: u64) {
        self.figure(name, n_bytes as f64 / MIB, "MiB");
    }

    pub(crate) fn millis(&mut self, name: &str, time: Duration) {
        self.figure(name, time.as_secs_f64() * 1000.0, "ms");
    }

    pub(crate) fn number(&mut self, name: &str, number: f64) {
        self.figure(name, number, "");
    }

    fn figure(&mut self, name: &str, figure: f64, unit: &'static str) {
        eprintln!("  {name}: {figure:.1} {unit}");
        self.large.push((name.to_owned(), figure, unit));
    }

    /// Prints everything.
    pub(crate) fn finish(self, json: Option<&Path>) -> Result<()> {
        let n_cores = std::thread::available_parallelism().map_or(0, usize::from);
        println!("{n_cores} cores, load {} before", self.load_before);
        self.print_ingest();
        self.print_tails();
        if !self.large.is_empty() {
            println!("\nA large server");
            let width = self.large.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
            for (name, figure, unit) in &self.large {
                println!("  {name:width$}   {figure:>10.1} {unit}");
            }
        }
        self.print_aims();
        if let Some(path) = json {
            fs::write(path, serde_json::to_vec_pretty(&self.json())?)?;
        }
        Ok(())
    }

    fn print_ingest(&self) {
        if self.cells.is_empty() {
            return;
        }
        println!("\nRows on disk before the ack");
        println!(
            "  {:12} {:>8} {:>7} {:>6} {:>10} {:>10} {:>9} {:>9} {:>9} {:>9}",
            "", "asked/s", "writers", "rows", "rows/s", "requests/s", "p50 ms", "p99 ms", "rest MiB", "load MiB"
        );
        for cell in &self.cells {
            println!(
                "  {:12} {:>8} {:>7} {:>6} {:>10.0} {:>10.0} {:>9.2} {:>9.2} {:>9.0} {:>9.0}",
                cell.system,
                cell.load.pace.map_or_else(|| "all".to_owned(), |pace| format!("{pace:.0}")),
                cell.load.n_writers,
                cell.load.n_rows,
                cell.rows_per_second,
                cell.requests_per_second,
                cell.p50_millis,
                cell.p99_millis,
                cell.rest_bytes as f64 / MIB,
                cell.load_bytes as f64 / MIB
            );
        }
    }

    fn print_tails(&self) {
        if self.tails.is_empty() {
            return;
        }
        println!("\nFrom the ack until the rows are there, ms");
        println!(
            "  {:>11} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "subscribers", "rows", "p50", "p99", "last p50", "last max", "rest MiB", "load MiB"
        );
        for tail in &self.tails {
            println!(
                "  {:>11} {:>6} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9.0} {:>9.0}",
                tail.n_subscribers,
                tail.n_rows,
                tail.p50_millis,
                tail.p99_millis,
                tail.last_p50_millis,
                tail.last_max_millis,
                tail.rest_bytes as f64 / MIB,
                tail.load_bytes as f64 / MIB
            );
        }
    }

    fn print_aims(&self) {
        println!("\nAims");
        let own = || self.cells.iter().filter(|cell| cell.system == OWN);
        let most = |figures: &mut dyn Iterator<Item = f64>| figures.reduce(f64::max);
        let rows = most(&mut own().filter(|cell| cell.load.n_rows == 1000).map(|cell| cell.rows_per_second));
        aim("rows/s in batches of 1,000, the most of all numbers of writers", rows, MIN_ROWS_PER_SECOND, true);
        let singles = most(&mut own().filter(|cell| cell.load.n_rows == 1).map(|cell| cell.requests_per_second));
        aim("requests/s of a row each, the most of all numbers of writers", singles, MIN_SINGLES_PER_SECOND, true);
        for (n_rows, what) in [(1, "5,000 requests/s of a row"), (1000, "300 requests/s of 1,000 rows")] {
            let paced = own().filter(|cell| cell.load.pace.is_some() && cell.load.n_rows == n_rows);
            let p99 = most(&mut paced.map(|cell| cell.p99_millis));
            aim(&format!("p99 of the ack at {what}, ms"), p99, MAX_P99_MILLIS, false);
        }
        let last = most(&mut self.tails.iter().map(|tail| tail.last_max_millis));
        aim("until the last subscriber has the rows, ms, the most", last, MAX_TAIL_MILLIS, false);
        let large = self.large.iter().find(|(name, ..)| name.ends_with("rows: memory at rest")).map(|(_, mib, _)| *mib);
        aim("memory with the large table at rest, MiB", large, MAX_LARGE_MIB, false);
    }

    fn json(&self) -> Value {
        let cell = |cell: &Cell| {
            json!({
                "system": cell.system, "n_writers": cell.load.n_writers, "n_rows": cell.load.n_rows,
                "requests_asked_per_second": cell.load.pace,
                "rows_per_second": cell.rows_per_second, "requests_per_second": cell.requests_per_second,
                "p50_millis": cell.p50_millis, "p99_millis": cell.p99_millis,
                "rest_bytes": cell.rest_bytes, "load_bytes": cell.load_bytes,
            })
        };
        let tail = |tail: &Tail| {
            json!({
                "n_subscribers": tail.n_subscribers, "n_rows": tail.n_rows, "p50_millis": tail.p50_millis,
                "p99_millis": tail.p99_millis, "last_p50_millis": tail.last_p50_millis,
                "last_max_millis": tail.last_max_millis, "rest_bytes": tail.rest_bytes, "load_bytes": tail.load_bytes,
            })
        };
        let large: Vec<Value> = self
            .large
            .iter()
            .map(|(name, figure, unit)| json!({ "name": name, "figure": figure, "unit": unit }))
            .collect();
        json!({
            "load_before": self.load_before,
            "ingest": self.cells.iter().map(cell).collect::<Vec<_>>(),
            "tail": self.tails.iter().map(tail).collect::<Vec<_>>(),
            "large": large,
        })
    }
}

/// Prints a figure beside its limit, where it was measured.
fn aim(name: &str, figure: Option<f64>, limit: f64, is_least: bool) {
    let Some(figure) = figure else { return };
    let is_met = if is_least { figure >= limit } else { figure <= limit };
    let (word, sign) = (if is_met { "met" } else { "MISSED" }, if is_least { "at least" } else { "at most" });
    println!("  {name}: {figure:.1}, {sign} {limit:.0}: {word}");
}
