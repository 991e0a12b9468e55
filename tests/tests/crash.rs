//! `kill -9` in the middle of a stream, again and again: an acknowledged row is there, once, in its writer's order. Meanwhile
//! frames are merged, rows of one table are dropped by its retention, and another is deleted and made anew.
//!
//! `STREAMTABLE_KILLS` asks for more kills than the twenty of an ordinary run.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Method;
use streamtable_tests::{DataDir, Server, Tail, TailRows, framed, writer};

/// Writers of the tables whose rows all stay; one more writes to each of the others.
const N_WRITERS: u8 = 6;
const TABLES: [&str; 2] = ["e/p/one", "e/p/two"];
const KEPT: &str = "e/p/kept";
const DELETED: &str = "e/p/deleted";
/// How many rows are kept of the one.
const MIN_KEPT: u64 = 200;

/// What a writer knows.
#[derive(Default)]
struct Oracle {
    /// The last number that was acknowledged.
    acked: AtomicU64,
    /// The last number that was ever sent.
    sent: AtomicU64,
    /// The last number that a deletion was heard of to have taken along.
    deleted: AtomicU64,
    /// Whether a deletion was asked for of which nothing was heard yet.
    is_deleting: AtomicBool,
}

/// Where the server is now; it moves at each restart.
type Address = Mutex<String>;

/// Sends batch after batch, each until it is acknowledged, as a client does.
async fn write(byte: u8, address: &Address, oracle: &Oracle, done: &AtomicBool) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().expect("a client can be made");
    let table = match byte {
        N_WRITERS => KEPT,
        byte if byte > N_WRITERS => DELETED,
        byte => TABLES[usize::from(byte) % TABLES.len()],
    };
    let mut n_requests = 0;
    let mut seq = 1_u64;
    while !done.load(Ordering::Relaxed) {
        n_requests += 1;
        if table == DELETED && n_requests % 15 == 0 {
            delete(&client, address, oracle).await;
        }
        if table == KEPT && n_requests == 2 {
            keep(&client, address).await;
        }
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

/// Deletes the table of the last writer, until it is heard of.
async fn delete(client: &reqwest::Client, address: &Address, oracle: &Oracle) {
    oracle.is_deleting.store(true, Ordering::Relaxed);
    loop {
        let url = format!("{}/api/v1/tables/{DELETED}", address.lock().expect("no test panics with it"));
        match client.delete(url).send().await.map(|answer| answer.status().as_u16()) {
            // There is none where the answer to the deletion was lost.
            Ok(204 | 404) => break,
            Ok(status) => panic!("{status}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    oracle.deleted.store(oracle.acked.load(Ordering::Relaxed), Ordering::Relaxed);
    oracle.is_deleting.store(false, Ordering::Relaxed);
}

/// Says how many rows are kept of a table, until it is heard of.
async fn keep(client: &reqwest::Client, address: &Address) {
    loop {
        let url = format!("{}/api/v1/tables/{KEPT}/retention", address.lock().expect("no test panics with it"));
        match client.put(url).body(format!("{{\"rows\":{MIN_KEPT}}}")).send().await {
            Ok(answer) if answer.status() == 200 => return,
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// Holds the rows of the table with a retention against what its writer knows: the newest are there.
async fn check_kept(server: &Server, acked: u64) {
    let rows = match server.get(&format!("/tables/{KEPT}")).await {
        answer if answer.status == 404 => Vec::new(),
        _ => server.rows(KEPT, "system=true").await,
    };
    let first = rows.first().map_or(1, |row| row["i"].as_u64().expect("a number"));
    for (row, i) in rows.iter().zip(first..) {
        assert_eq!(row["i"], i, "none lost, none doubled, in order");
        assert_eq!(row["_offset"]["$i64"], (i - 1).to_string(), "offsets are dense, and none is used again");
    }
    assert!(first == 1 || rows.len() as u64 >= MIN_KEPT, "{} rows are left", rows.len());
    assert!(first + rows.len() as u64 > acked, "{acked} rows were acknowledged");
}

/// Holds the rows of the table that is deleted against what its writer knows: those since the last deletion are there.
async fn check_deleted(server: &Server, acked: u64, deleted: u64, may_be_deleted: bool) {
    let rows = match server.get(&format!("/tables/{DELETED}")).await {
        answer if answer.status == 404 => Vec::new(),
        _ => server.rows(DELETED, "system=true").await,
    };
    let numbers: Vec<u64> = rows.iter().map(|row| row["i"].as_u64().expect("a number")).collect();
    let Some(first) = numbers.first().copied() else {
        return assert!(may_be_deleted || acked == deleted, "the rows after {deleted} of {acked} are gone");
    };
    assert_eq!(numbers, (first..first + numbers.len() as u64).collect::<Vec<_>>(), "none lost, none doubled, in order");
    assert_eq!(rows[0]["_offset"]["$i64"], "0");
    assert!(first > deleted, "row {first} is back, though it was deleted with those up to {deleted}");
    assert!(first == deleted + 1 || may_be_deleted, "the first row is {first}, {deleted} were deleted");
    assert!(first + numbers.len() as u64 > acked, "{acked} rows were acknowledged");
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
    let oracles: Vec<Oracle> = (0..N_WRITERS + 2).map(|_| Oracle::default()).collect();
    let [.., kept, deleted] = &oracles[..] else { panic!("there are so many") };
    let whole = &oracles[..usize::from(N_WRITERS)];
    let done = AtomicBool::new(false);
    let writers = (0..N_WRITERS + 2).map(|byte| write(byte, &address, &oracles[usize::from(byte)], &done));
    let kills = async {
        let mut checked = Checked::default();
        for kill in 0..n_kills {
            // From the very start of the server to well into the stream.
            tokio::time::sleep(Duration::from_millis(kill * 37 % 211)).await;
            server.kill();
            let acked: Vec<u64> = oracles.iter().map(|oracle| oracle.acked.load(Ordering::Relaxed)).collect();
            let gone = deleted.deleted.load(Ordering::Relaxed);
            let may_be_gone = deleted.is_deleting.load(Ordering::Relaxed);
            server = Server::start_on(&data, &[]);
            // Nobody writes to it yet.
            check_deleted(&server, acked[usize::from(N_WRITERS) + 1], gone, may_be_gone).await;
            *address.lock().expect("no test panics with it") = server.url().to_owned();
            checked.go_on(&server, whole, &acked).await;
            check_kept(&server, acked[usize::from(N_WRITERS)]).await;
        }
        done.store(true, Ordering::Relaxed);
        server
    };
    let (_, server) = futures::join!(futures::future::join_all(writers), kills);
    let acked: Vec<u64> = oracles.iter().map(|oracle| oracle.acked.load(Ordering::Relaxed)).collect();
    Checked::default().go_on(&server, whole, &acked).await;
    check_kept(&server, kept.acked.load(Ordering::Relaxed)).await;
    let gone = deleted.deleted.load(Ordering::Relaxed);
    check_deleted(&server, deleted.acked.load(Ordering::Relaxed), gone, false).await;
    assert!(gone > 0, "the table was deleted at times");
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
