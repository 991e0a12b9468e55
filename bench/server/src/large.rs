//! A server with very many tables, one of very many rows and one of very many columns: memory, and how long it takes to
//! open, list, read and tail it.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;
use crate::http::Connection;
use crate::ingest::Writer;
use crate::process::Process;
use crate::report::Report;
use crate::rows;
use crate::streamtable::{Appender, TABLE, start_on};
use crate::tail::Reader;

const WIDE: &str = "bench/server/wide";
/// Who fills the large table, and with how many rows at a time.
const N_FILLERS: u64 = 4;
const FILL_ROWS: usize = 1_000;
/// Who makes the many tables.
const N_MAKERS: usize = 64;
/// Rows of the wide table, and how many come at a time.
const N_WIDE: usize = 2_000;
const WIDE_ROWS: usize = 250;
/// After so long at rest, memory is what the server keeps.
const REST: Duration = Duration::from_secs(5);

/// Fills a server, restarts it and asks for everything.
pub(crate) fn measure(
    server: &Path,
    n_rows: u64,
    n_tables: usize,
    n_columns: usize,
    report: &mut Report,
) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let process = start_on(server, dir.path())?;
    report.bytes("empty: memory", process.rss());

    let (watch, start) = (process.watch(), Instant::now());
    fill(&process, n_rows)?;
    let rate = n_rows as f64 / start.elapsed().as_secs_f64();
    report.number(&format!("{n_rows} rows: rows/s while they come"), rate);
    report.bytes(&format!("{n_rows} rows: memory while they come"), watch.most());
    std::thread::sleep(REST);
    report.bytes(&format!("{n_rows} rows: memory at rest"), process.rss());

    if n_columns > 0 {
        let (watch, start) = (process.watch(), Instant::now());
        let mut writer = Appender::open(&process.address, WIDE, 0)?;
        let body = rows::wide_lines(n_columns, WIDE_ROWS);
        for _ in 0..N_WIDE / WIDE_ROWS {
            writer.send(&body, WIDE_ROWS)?;
        }
        report.millis(&format!("{n_columns} columns: {N_WIDE} rows appended"), start.elapsed());
        report.bytes(&format!("{n_columns} columns: memory while they come"), watch.most());
    }
    if n_tables > 0 {
        let (watch, start) = (process.watch(), Instant::now());
        make_tables(&process, n_tables)?;
        report.number(
            &format!("{n_tables} tables: tables/s while they are made"),
            n_tables as f64 / start.elapsed().as_secs_f64(),
        );
        report.bytes(&format!("{n_tables} tables: memory while they are made"), watch.most());
    }
    report.millis("ended well after", timed(|| process.stop())?.1);

    let (process, opened) = timed(|| start_on(server, dir.path()))?;
    report.millis("opened again after", opened);
    report.bytes("opened again: memory", process.rss());
    ask(&process, n_rows, n_tables, n_columns, report)
}

fn ask(process: &Process, n_rows: u64, n_tables: usize, n_columns: usize, report: &mut Report) -> Result<()> {
    let watch = process.watch();
    let mut connection = Connection::open(&process.address)?;
    let (list, time) = timed(|| connection.get("/api/v1/tables")?.good())?;
    report.millis("list of all tables", time);
    report.bytes("list of all tables: size", list.len() as u64);
    let list: Value = serde_json::from_slice(&list)?;
    let n_listed = list["tables"].as_array().map_or(0, Vec::len);
    let n_expected = n_tables + 1 + usize::from(n_columns > 0);
    if n_listed != n_expected {
        return Err(format!("{n_listed} tables are listed of {n_expected}").into());
    }
    let (info, time) = timed(|| connection.get(&format!("/api/v1/tables/{TABLE}"))?.json())?;
    report.millis("one of all tables", time);
    if info["n_rows"].as_u64() != Some(n_rows) {
        return Err(format!("the large table is {info}").into());
    }
    let path = format!("/api/v1/tables/{TABLE}/rows?from={}&limit=100", n_rows.saturating_sub(100));
    let (last, time) = timed(|| connection.get(&path)?.json())?;
    report.millis("last 100 rows of the large table", time);
    if last["rows"].as_array().or(last.as_array()).is_none_or(|rows| rows.len() as u64 != n_rows.min(100)) {
        return Err("the last rows are not there".into());
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (first, all) = runtime.block_on(read_all(&process.address, TABLE, n_rows))?;
    report.millis("tail of the large table from its start: first rows", first);
    report.millis("tail of the large table from its start: all rows", all);
    if n_columns > 0 {
        let (info, time) = timed(|| connection.get(&format!("/api/v1/tables/{WIDE}"))?.json())?;
        report.millis("wide table: what it is", time);
        if info["columns"].as_array().is_none_or(|columns| columns.len() < n_columns) {
            return Err("the wide table lacks columns".into());
        }
        let (first, all) = runtime.block_on(read_all(&process.address, WIDE, N_WIDE as u64))?;
        report.millis("tail of the wide table from its start: first rows", first);
        report.millis("tail of the wide table from its start: all rows", all);
        let query = format!(
            "{{\"query\":\"table(\\\"{WIDE}\\\").rows().sort(row => row[\\\"column_0007\\\"], \\\"desc\\\")\",\"rows\":20}}"
        );
        let (_, time) = timed(|| connection.post("/api/v1/query", "application/json", &[query.as_bytes()])?.good())?;
        report.millis("wide table: 20 rows of it sorted", time);
    }
    // A write among so many tables, once it is known.
    let mut times = Vec::new();
    let (mut writer, body) = (Appender::open(&process.address, TABLE, 99)?, rows::lines(0, 1));
    for _ in 0..100 {
        times.push(timed(|| writer.send(&body, 1))?.1);
    }
    times.sort_unstable();
    report.millis("ack of a row", times[times.len() / 2]);
    report.bytes("asked for all this: memory", watch.most());
    std::thread::sleep(REST);
    report.bytes("at rest again: memory", process.rss());
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    Ok((work()?, start.elapsed()))
}

/// Several writers fill the large table.
fn fill(process: &Process, n_rows: u64) -> Result<()> {
    std::thread::scope(|scope| {
        let fillers: Vec<_> = (0..N_FILLERS)
            .map(|filler| {
                scope.spawn(move || -> Result<()> {
                    let (start, end) = (n_rows * filler / N_FILLERS, n_rows * (filler + 1) / N_FILLERS);
                    let mut writer = Appender::open(&process.address, TABLE, filler as usize)?;
                    let mut at = start;
                    while at < end {
                        let n = (end - at).min(FILL_ROWS as u64) as usize;
                        writer.send(&rows::lines(at, n), n)?;
                        at += n as u64;
                    }
                    Ok(())
                })
            })
            .collect();
        fillers.into_iter().try_for_each(|filler| filler.join().unwrap_or_else(|_| Err("a filler panicked".into())))
    })
}

/// Each table gets one row.
fn make_tables(process: &Process, n_tables: usize) -> Result<()> {
    let body = rows::lines(0, 1);
    std::thread::scope(|scope| {
        let makers: Vec<_> = (0..N_MAKERS)
            .map(|maker| {
                let body = &body;
                scope.spawn(move || -> Result<()> {
                    let mut connection = Connection::open(&process.address)?;
                    for n in (maker..n_tables).step_by(N_MAKERS) {
                        let path = format!("/api/v1/tables/bench/many/table-{n:06}/rows");
                        connection.post(&path, "application/x-ndjson", &[body.as_bytes()])?.good()?;
                    }
                    Ok(())
                })
            })
            .collect();
        makers.into_iter().try_for_each(|maker| maker.join().unwrap_or_else(|_| Err("a maker panicked".into())))
    })
}

/// Follows a table from its first row until so many came; says when the first were there, and when all.
async fn read_all(address: &str, table: &str, n_rows: u64) -> Result<(Duration, Duration)> {
    let start = Instant::now();
    let mut reader = Reader::open(address, table, "&from=0").await?;
    let (mut first, mut next) = (None, 0);
    while next < n_rows {
        let stored = wire::arrow::decode_frame(reader.next_frame().await?)?;
        first.get_or_insert_with(|| start.elapsed());
        if stored.first_offset != next {
            return Err(format!("rows from {next} on are missing").into());
        }
        next = stored.end_offset();
    }
    Ok((first.unwrap_or_default(), start.elapsed()))
}
