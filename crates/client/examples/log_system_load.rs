//! Logs the load and the memory of this machine to a table, each second, until Ctrl-C.
//!
//! ```sh
//! cargo run --example log_system_load -p streamtable                                  # to http://127.0.0.1:7700
//! cargo run --example log_system_load -p streamtable -- https://tables.example.org    # to another server
//! ```
//!
//! Stop the server while it runs, or kill this program and start it again: no second is missing from the table.

use std::process::Command;
use std::time::Duration;

use streamtable::{DEFAULT_SERVER, Notice, Options, Row, StreamTable, Value};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

#[tokio::main]
async fn main() -> Result<(), streamtable::Error> {
    let options = Options {
        server: std::env::args().nth(1).unwrap_or_else(|| DEFAULT_SERVER.to_owned()),
        outbox: Some("data/outbox".into()),
        ..Options::default()
    };
    let table = StreamTable::new("machines/load", options)?;
    println!("logging to {}; Ctrl-C ends", table.url());
    tokio::spawn(report(table.notices()));

    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                table.log(measured())?;
            }
            _ = tokio::signal::ctrl_c() => break,
        }
    }

    if tokio::time::timeout(Duration::from_secs(3), table.finish()).await.is_err() {
        println!("the server does not answer; {} rows wait for the next run", table.status().queued);
    }
    Ok(())
}

/// What can be known of this machine; a row may lack any column.
fn measured() -> Row {
    let mut row = Row::new();
    for (column, load) in ["load_1_min", "load_5_min", "load_15_min"].into_iter().zip(loads()) {
        row.set(column, Value::Float(load));
    }
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = |name: &str| memory.lines().find_map(|line| number(line.strip_prefix(name)?));
    if let (Some(total), Some(available)) = (kibibytes("MemTotal:"), kibibytes("MemAvailable:")) {
        row.set("memory_used_mib", Value::Float((total - available) / 1_024.0));
        row.set("memory_used", Value::Float(1.0 - available / total));
    }
    row
}

/// How many programs wanted to run, on average over one, five and fifteen minutes. Linux has it in a file, macOS tells it.
fn loads() -> Vec<f64> {
    let told = || Command::new("sysctl").args(["-n", "vm.loadavg"]).output().ok();
    let text = std::fs::read_to_string("/proc/loadavg").ok();
    let text = text.or_else(|| String::from_utf8(told()?.stdout).ok()).unwrap_or_default();
    text.split_whitespace().filter_map(number).take(3).collect()
}

fn number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Prints what goes wrong, and what earlier runs had left.
async fn report(mut notices: Receiver<Notice>) {
    loop {
        match notices.recv().await {
            Ok(Notice::Error(error)) => eprintln!("{}: {error}", error.code()),
            Ok(Notice::Recovered { n_rows, .. }) => println!("delivered {n_rows} rows of an earlier run"),
            Ok(Notice::Acked(_) | Notice::Status) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
