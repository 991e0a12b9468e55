//! A program that logs rows until it is killed, for the tests of the Rust client's outbox.
//!
//! `native_writer <server> <outbox> <table> <life> [n_rows]` logs rows `{"life": life, "n": 1, 2, …}`, some with each call,
//! and prints the last number once the call that logged it has returned. With `n_rows` it stops there, prints how many rows
//! are in memory alone and the codes of the errors it was told, then `safe` once no row is in memory alone, and ends when all
//! are delivered.

use std::time::Duration;

use streamtable::{Notice, Options, Row, StreamTable, Value};
use tokio::sync::broadcast::error::TryRecvError;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, server, outbox, table, life, rest @ ..] = &args[..] else { panic!("{args:?}") };
    let life: i64 = life.parse().expect("a life is a number");
    let n_rows: i64 = rest.first().map_or(i64::MAX, |n_rows| n_rows.parse().expect("a count is a number"));
    let options =
        Options { server: server.clone(), outbox: Some(outbox.into()), max_retry_millis: 200, ..Options::default() };
    let table = StreamTable::new(table, options).expect("the folder can be written");
    let mut notices = table.notices();
    let mut n = 0;
    while n < n_rows {
        let first = n + 1;
        n = n_rows.min(n + 1 + n % 7);
        table.log((first..=n).map(|n| row(life, n)).collect::<Vec<Row>>()).expect("there is room");
        println!("{n}");
        if n % 3 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let mut told = Vec::new();
    loop {
        match notices.try_recv() {
            Ok(Notice::Error(error)) => told.push(error.code().to_owned()),
            Ok(_) | Err(TryRecvError::Lagged(_)) => {}
            Err(_) => break,
        }
    }
    println!("{} in {:?}, told {told:?}", table.status().volatile, table.status().storage);
    let safe = async {
        while table.status().volatile > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("safe");
    };
    tokio::join!(safe, table.finish());
    println!("finished");
}

fn row(life: i64, n: i64) -> Row {
    let pad = "x".repeat((n * 13 % 90) as usize);
    Row::from_iter([("life", Value::Int(life)), ("n", Value::Int(n)), ("pad", Value::Text(pad))])
}
