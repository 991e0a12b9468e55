//! `kill -9` in the middle of a stream, again and again: an acknowledged row is there, once, in its writer's order.
//!
//! `STREAMTABLE_KILLS` asks for more kills than the twenty of an ordinary run.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use streamtable_tests::{DataDir, Server, Tail, TailRows, framed, writer};

const N_WRITERS: u8 = 4;
const TABLES: [&str; 2] = ["e/p/one", "e/p/two"];

/// What a writer knows.
#[derive(Default)]
struct Oracle {
    /// The last number that was acknowledged.
    acked: AtomicU64,
    /// The last number that was ever sent.
    sent: AtomicU64,
}

/// Where the server is now; it moves at each restart.
type Address = Mutex<String>;

/// Sends batch after batch, each until it is acknowledged, as a client does.
async fn write(byte: u8, address: &Address, oracle: &Oracle, done: &AtomicBool) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().expect("a client can be made");
    let table = TABLES[usize::from(byte) % TABLES.len()];
    let mut seq = 1_u64;
    while !done.load(Ordering::Relaxed) {
        let n_rows = 1 + (seq * 7 + u64::from(byte)) % 40;
        let rows: Vec<String> = (seq..seq + n_rows).map(|n| format!("{{\"w\":{byte},\"i\":{n}}}")).collect();
        let body = framed(writer(byte), seq, &rows);
        oracle.sent.store(seq + n_rows - 1, Ordering::Relaxed);
        loop {
            let url = format!("{}/api/v1/tables/{table}/rows", address.lock().expect("no test panics with it"));
            let request = client.request(Method::POST, url).header("content-type", "text/plain").body(body.clone());
            match request.send().await {
                Ok(response) if response.status() == 200 => {
                    let ack: serde_json::Value = response.json().await.unwrap_or_default();
                    if ack["acked_seq"] == seq + n_rows - 1 {
                        break;
                    }
                }
                Ok(response) => panic!("{}", response.status()),
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        seq += n_rows;
        oracle.acked.store(seq - 1, Ordering::Relaxed);
    }
}

/// The rows that were held against what the writers know, by table and by writer.
#[derive(Default)]
struct Checked {
    ends: HashMap<&'static str, u64>,
    last: HashMap<u64, u64>,
}

impl Checked {
    /// Holds the rows after those that were checked against what the writers know.
    async fn go_on(&mut self, server: &Server, oracles: &[Oracle], acked: &[u64]) {
        for table in TABLES {
            if server.get(&format!("/tables/{table}")).await.status == 404 {
                continue;
            }
            let end = self.ends.entry(table).or_default();
            for row in server.rows(table, &format!("system=true&from={end}")).await {
                assert_eq!(row["_offset"]["$i64"], end.to_string(), "offsets are dense");
                *end += 1;
                let (byte, i) = (row["w"].as_u64().expect("a number"), row["i"].as_u64().expect("a number"));
                assert_eq!(row["_seq"]["$i64"], i.to_string());
                assert_eq!(row["_writer"], writer(byte as u8).to_string());
                let before = self.last.insert(byte, i).unwrap_or(0);
                assert_eq!(i, before + 1, "writer {byte}: none lost, none doubled, in order");
            }
        }
        for (byte, (oracle, acked)) in oracles.iter().zip(acked).enumerate() {
            let there = self.last.get(&(byte as u64)).copied().unwrap_or(0);
            assert!(there >= *acked, "writer {byte}: {there} rows of {acked} acknowledged");
            assert!(there <= oracle.sent.load(Ordering::Relaxed), "writer {byte}: no row is invented");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_rows_survive_every_kill() {
    let n_kills: u64 = std::env::var("STREAMTABLE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let data = DataDir::default();
    let mut server = Server::start_on(&data, &[]);
    let address = Mutex::new(server.url().to_owned());
    let oracles: Vec<Oracle> = (0..N_WRITERS).map(|_| Oracle::default()).collect();
    let done = AtomicBool::new(false);
    let writers = (0..N_WRITERS).map(|byte| write(byte, &address, &oracles[usize::from(byte)], &done));
    let kills = async {
        let mut checked = Checked::default();
        for kill in 0..n_kills {
            // From the very start of the server to well into the stream.
            tokio::time::sleep(Duration::from_millis(kill * 37 % 211)).await;
            server.kill();
            let acked: Vec<u64> = oracles.iter().map(|oracle| oracle.acked.load(Ordering::Relaxed)).collect();
            server = Server::start_on(&data, &[]);
            *address.lock().expect("no test panics with it") = server.url().to_owned();
            checked.go_on(&server, &oracles, &acked).await;
        }
        done.store(true, Ordering::Relaxed);
        server
    };
    let (_, server) = futures::join!(futures::future::join_all(writers), kills);
    let acked: Vec<u64> = oracles.iter().map(|oracle| oracle.acked.load(Ordering::Relaxed)).collect();
    Checked::default().go_on(&server, &oracles, &acked).await;
    let n_rows: u64 = acked.iter().sum();
    assert!(n_rows > n_kills * 10, "only {n_rows} rows were written in all");
    eprintln!("{n_kills} kills, {n_rows} rows");
}

#[tokio::test]
async fn a_tail_that_reconnects_over_kills_sees_each_row_once() {
    let data = DataDir::default();
    let mut server = Server::start_on(&data, &[]);
    let mut n_seen = 0_u64;
    let mut seq = 1_u64;
    for _ in 0..5 {
        let mut tail = Tail::open(&server, "e/p/t", &format!("from={n_seen}")).await;
        for _ in 0..10 {
            let rows: Vec<String> = (seq..seq + 5).map(|n| format!("{{\"i\":{n}}}")).collect();
            server.append("e/p/t", "text/plain", framed(writer(1), seq, &rows)).await.expect(200);
            seq += 5;
        }
        // Part of what is there, so that the next tail starts in the middle of what was stored before the kill.
        let enough = n_seen + 30;
        while n_seen < enough {
            let Some(TailRows::Arrow(rows)) = tail.next().await else { panic!("the tail goes on, in Arrow") };
            for row in rows {
                n_seen += 1;
                assert_eq!(row.get("i"), Some(&model::Value::Float(n_seen as f64)));
            }
        }
        server.kill();
        server = Server::start_on(&data, &[]);
    }
    let mut tail = Tail::open(&server, "e/p/t", &format!("from={n_seen}")).await;
    assert_eq!(tail.next_offset, 250);
    assert_eq!(tail.take((250 - n_seen) as usize).await.len() as u64, 250 - n_seen);
}
