//! `kill -9` of leaders, followers and servers in the middle of eight streams of rows: an acknowledged row is there,
//! once, in its writer's order, and every server gives the same answer to the byte.
//!
//! `STREAMTABLE_CLUSTER_KILLS` asks for more kills than those of an ordinary run.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::Context;
use futures::StreamExt;
use reqwest::Method;
use streamtable_tests::{DataDir, Nats, Server, framed, writer};

const N_WRITERS: u8 = 8;
const TABLES: [&str; 3] = ["e/p/one", "e/p.q/two", "e/p/three"];
const N_PARTITIONS: usize = 8;
/// The most that a failover may take, with everything else that this machine does.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a writer knows.
#[derive(Default)]
struct Oracle {
    /// The last number that was acknowledged.
    acked: AtomicU64,
    /// The last number that was ever sent.
    sent: AtomicU64,
    /// How often it was told to come later, and why.
    n_refused: AtomicU64,
}

/// Where the servers are now; they move at each restart.
type Addresses = Mutex<[String; 2]>;

fn table_of(byte: u8) -> &'static str {
    TABLES[usize::from(byte) % TABLES.len()]
}

/// Sends batch after batch, each until it is acknowledged, to whichever server answers.
async fn write(byte: u8, addresses: &Addresses, oracle: &Oracle, done: &AtomicBool) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().expect("a client can be made");
    let (mut seq, mut at) = (1_u64, usize::from(byte));
    while !done.load(Ordering::Relaxed) {
        // Now and then a batch that goes in several messages.
        let padding = if seq % 97 < 3 { "x".repeat(30_000) } else { String::new() };
        let n_rows = 1 + (seq * 7 + u64::from(byte)) % 40;
        let row = |n| format!("{{\"w\":{byte},\"i\":{n},\"text\":\"{padding}\"}}");
        let rows: Vec<String> = (seq..seq + n_rows).map(row).collect();
        let body = framed(writer(byte), seq, &rows);
        oracle.sent.store(seq + n_rows - 1, Ordering::Relaxed);
        loop {
            let server = addresses.lock().expect("no test panics with it")[at % 2].clone();
            let url = format!("{server}/api/v1/tables/{}/rows", table_of(byte));
            let request = client.request(Method::POST, url).header("content-type", "text/plain").body(body.clone());
            match request.send().await {
                Ok(response) if response.status() == 200 => {
                    let ack: serde_json::Value = response.json().await.unwrap_or_default();
                    if ack["acked_seq"] == seq + n_rows - 1 {
                        break;
                    }
                }
                Ok(response) if response.status() == 503 => {
                    assert!(response.headers().contains_key("retry-after"));
                    let body: serde_json::Value = response.json().await.unwrap_or_default();
                    assert_eq!(body["error"]["code"], "engine_unavailable", "{body}");
                    oracle.n_refused.fetch_add(1, Ordering::Relaxed);
                    at += 1;
                }
                Ok(response) => panic!("{}", response.status()),
                Err(_) => {
                    at += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        seq += n_rows;
        oracle.acked.store(seq - 1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until every writer got an acknowledgement after those that it has now.
async fn all_get_on(oracles: &[Oracle]) -> Duration {
    let start = Instant::now();
    let before: Vec<u64> = oracles.iter().map(|oracle| oracle.acked.load(Ordering::Relaxed)).collect();
    let gets_on = |(oracle, before): (&Oracle, &u64)| oracle.acked.load(Ordering::Relaxed) > *before;
    while !oracles.iter().zip(&before).all(gets_on) {
        assert!(start.elapsed() < PATIENCE, "a writer gets no acknowledgement any more");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    start.elapsed()
}

/// Starts a server off the test's threads, since it waits for the cluster.
async fn start(nats: &Nats, data: &DataDir) -> Server {
    let (flags, data) = (nats.flags(), data.clone());
    let start = move || Server::start_on(&data, &flags.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(start).await.expect("it starts")
}

/// Everything of every table, with the system's columns.
async fn everything(server: &Server) -> HashMap<&'static str, String> {
    let mut tables = HashMap::new();
    for table in TABLES {
        let path = format!("/tables/{table}/rows?format=ndjson&system=true");
        tables.insert(table, server.get(&path).await.expect(200).text());
    }
    tables
}

/// Holds all rows against what the writers know.
fn check(tables: &HashMap<&'static str, String>, oracles: &[Oracle]) -> u64 {
    let (mut n_all, mut last) = (0, HashMap::<u64, u64>::new());
    for (table, text) in tables {
        for (offset, line) in text.lines().enumerate() {
            let row: serde_json::Value = serde_json::from_str(line).expect("a row");
            assert_eq!(row["_offset"]["$i64"], offset.to_string(), "{table}: offsets are dense");
            let (byte, i) = (row["w"].as_u64().expect("a number"), row["i"].as_u64().expect("a number"));
            assert_eq!(table_of(byte as u8), *table);
            assert_eq!(row["_seq"]["$i64"], i.to_string());
            assert_eq!(row["_writer"], writer(byte as u8).to_string());
            let before = last.insert(byte, i).unwrap_or(0);
            assert_eq!(i, before + 1, "writer {byte}: none lost, none doubled, in order");
            n_all += 1;
        }
    }
    for (byte, oracle) in oracles.iter().enumerate() {
        let there = last.get(&(byte as u64)).copied().unwrap_or(0);
        let (acked, sent) = (oracle.acked.load(Ordering::Relaxed), oracle.sent.load(Ordering::Relaxed));
        assert!((acked..=sent).contains(&there), "writer {byte}: {there} rows, {acked} acknowledged, {sent} sent");
    }
    n_all
}

/// Every message of a stream, as its leader has it.
async fn messages(context: &Context, stream: &str) -> Vec<(u64, String, usize, u64)> {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let handle = context.get_stream(stream).await.expect("it is there");
    let state = handle.cached_info().state.clone();
    if state.messages == 0 {
        return Vec::new();
    }
    let read = |seq| {
        let handle = handle.clone();
        async move {
            let message = handle.get_raw_message(seq).await.expect("no message is ever deleted");
            let mut hasher = DefaultHasher::new();
            message.payload.hash(&mut hasher);
            (message.sequence, message.subject.to_string(), message.payload.len(), hasher.finish())
        }
    };
    futures::stream::iter(state.first_sequence..=state.last_sequence).map(read).buffered(16).collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_rows_survive_every_kill() {
    let n_kills: usize =
        std::env::var("STREAMTABLE_CLUSTER_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(9);
    let mut nats = Nats::start(3, "");
    let folders = [DataDir::default(), DataDir::default()];
    let mut servers = [Some(start(&nats, &folders[0]).await), Some(start(&nats, &folders[1]).await)];
    let url = |server: &Option<Server>| server.as_ref().map(|server| server.url().to_owned()).expect("it runs");
    let addresses = Mutex::new([url(&servers[0]), url(&servers[1])]);
    let oracles: Vec<Oracle> = (0..N_WRITERS).map(|_| Oracle::default()).collect();
    let done = AtomicBool::new(false);
    let context = nats.context().await;

    let writers = (0..N_WRITERS).map(|byte| write(byte, &addresses, &oracles[usize::from(byte)], &done));
    let kills = async {
        all_get_on(&oracles).await;
        let mut streams = Vec::new();
        for table in TABLES {
            streams.push(stream_of(&context, table).await);
        }
        for kill in 0..n_kills {
            tokio::time::sleep(Duration::from_millis(kill as u64 * 137 % 700)).await;
            // The leader of one of the tables' streams, another node, a server; and once more with the next table.
            let stream = &streams[kill / 3 % streams.len()];
            let leader = nats.leader(&context, stream).await.unwrap_or(0);
            let what;
            let started = Instant::now();
            if kill % 3 == 2 {
                let idx = kill / 3 % 2;
                what = format!("server {idx}");
                servers[idx].take().expect("it runs").kill();
                tokio::time::sleep(Duration::from_millis(300)).await;
                servers[idx] = Some(start(&nats, &folders[idx]).await);
                addresses.lock().expect("no test panics with it")[idx] = url(&servers[idx]);
            } else {
                let idx = (leader + kill % 3 * (1 + kill % 2)) % 3;
                what = format!("{} of {stream}, node {idx}", if kill % 3 == 0 { "leader" } else { "follower" });
                nats.nodes[idx].kill();
                // Sometimes back at once, sometimes when the others have chosen a leader and gone on.
                if kill % 2 == 0 {
                    all_get_on(&oracles).await;
                } else {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                nats.nodes[idx].start();
            }
            all_get_on(&oracles).await;
            eprintln!("kill {}: {what}, {:.1} s until all got on", kill + 1, started.elapsed().as_secs_f64());
        }
        done.store(true, Ordering::Relaxed);
    };
    futures::join!(futures::future::join_all(writers), kills);

    let [Some(a), Some(b)] = servers else { panic!("both run") };
    let truth = everything(&a).await;
    let n_rows = check(&truth, &oracles);
    assert!(truth == everything(&b).await, "both servers give the same answer, to the byte");
    // Each node as leader has the same messages.
    for partition in 0..N_PARTITIONS {
        let stream = format!("streamtable_rows_{partition}");
        let mut first = None;
        for idx in 0..nats.nodes.len() {
            nats.make_leader(&context, &stream, idx).await;
            let found = messages(&context, &stream).await;
            assert!(*first.get_or_insert_with(|| found.clone()) == found, "{stream} read from node {idx}");
        }
    }
    // And a server that lost its copy makes it again.
    a.stop().await;
    std::fs::remove_dir_all(folders[0].path()).expect("it is there");
    let again = start(&nats, &folders[0]).await;
    assert!(truth == everything(&again).await, "the copy that was made anew is the same");
    let n_refused: u64 = oracles.iter().map(|oracle| oracle.n_refused.load(Ordering::Relaxed)).sum();
    eprintln!("{n_kills} kills, {n_rows} rows, {n_refused} answers of engine_unavailable");
}

/// The stream that holds a table's rows.
async fn stream_of(context: &Context, table: &str) -> String {
    let suffix = table.replace('.', "%2E").replace('/', ".");
    for partition in 0..N_PARTITIONS {
        let name = format!("streamtable_rows_{partition}");
        if let Ok(stream) = context.get_stream(&name).await
            && let Ok(mut subjects) = stream.info_with_subjects(format!("rows.{partition}.{suffix}")).await
            && subjects.next().await.is_some()
        {
            return name;
        }
    }
    panic!("no stream has rows of {table}");
}
