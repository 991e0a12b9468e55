//! Servers on a NATS cluster: one order of rows on every node, and what happens when the cluster is away.

use std::time::{Duration, Instant};

use reqwest::Method;
use streamtable_tests::{DataDir, Nats, Server, Tail, framed, writer};

/// Starts a server on a cluster, with further flags.
fn start(nats: &Nats, data: &DataDir, extra: &[&str]) -> Server {
    let flags = nats.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(extra.iter().copied()).collect();
    Server::start_on(data, &flags)
}

/// Everything of a table, with the system's columns, as bytes.
async fn whole(server: &Server, table: &str) -> String {
    server.get(&format!("/tables/{table}/rows?format=ndjson&system=true")).await.expect(200).text()
}

fn rows(first: u64, n_rows: u64) -> Vec<String> {
    (first..first + n_rows).map(|n| format!("{{\"i\":{n}}}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_have_one_order() {
    let nats = Nats::start(3, "");
    let (a, b) = (start(&nats, &DataDir::default(), &[]), start(&nats, &DataDir::default(), &[]));
    let mut tail = Tail::open(&b, "e/p/t", "from=0&format=json").await;
    // By turns to both, the same rows twice, and rows that nobody numbered.
    for n in 0..10_u64 {
        let (server, other) = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let body = framed(writer(1), n * 3 + 1, &rows(n * 3 + 1, 3));
        let ack = server.append("e/p/t", "text/plain", body.clone()).await.expect(200).json();
        assert_eq!((&ack["n_stored"], &ack["n_duplicate"]), (&3.into(), &0.into()), "{ack}");
        assert_eq!(ack["first_offset"], n * 4);
        let again = other.append("e/p/t", "text/plain", body).await.expect(200).json();
        assert_eq!((&again["n_stored"], &again["n_duplicate"]), (&0.into(), &3.into()), "{again}");
        let ack = other.append_lines("e/p/t", "{\"free\":true}\n").await;
        assert_eq!(ack["first_offset"], n * 4 + 3);
    }
    let (of_a, of_b) = (whole(&a, "e/p/t").await, whole(&b, "e/p/t").await);
    assert_eq!(of_a.lines().count(), 40);
    assert_eq!(of_a, of_b, "to the byte, and so the times at which rows came");
    assert_eq!(tail.take_json(40).await.len(), 40, "a tail sees what came to the other server");
    // A third, which has nothing, and one whose copy was deleted.
    let c = start(&nats, &DataDir::default(), &[]);
    assert_eq!(whole(&c, "e/p/t").await, of_a);
    let context = nats.context().await;
    for partition in 0..8 {
        let stream = context.get_stream(format!("streamtable_rows_{partition}")).await.expect("it was made");
        assert_eq!(stream.cached_info().config.num_replicas, 3, "the cluster has three nodes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_requests_are_stored_whole() {
    let nats = Nats::start(3, "");
    let (a, b) = (start(&nats, &DataDir::default(), &[]), start(&nats, &DataDir::default(), &[]));
    // A row that no message could carry, many rows in one body, and more than a body may be.
    for (idx, (n_rows, n_bytes)) in [(1, 6 << 20), (3000, 1000), (3, 100_000), (20, 1 << 20)].into_iter().enumerate() {
        let table = format!("e/p/t{idx}");
        let lines: Vec<String> =
            (1..=n_rows).map(|n| format!("{{\"i\":{n},\"text\":\"{}\"}}", "x".repeat(n_bytes))).collect();
        let body = framed(writer(1), 1, &lines);
        let ack = a.append(&table, "text/plain", body.clone()).await.expect(200).json();
        assert_eq!((&ack["n_stored"], &ack["first_offset"]), (&n_rows.into(), &0.into()), "{n_rows} x {n_bytes}");
        let again = b.append(&table, "text/plain", body).await.expect(200).json();
        assert_eq!(again["n_duplicate"], n_rows);
        assert!(whole(&a, &table).await == whole(&b, &table).await, "{n_rows} x {n_bytes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_quorum_appends_are_refused_and_reads_go_on() {
    let mut nats = Nats::start(3, "");
    let server = start(&nats, &DataDir::default(), &["--engine-timeout-seconds", "3"]);
    server.append("e/p/t", "text/plain", framed(writer(1), 1, &rows(1, 3))).await.expect(200);
    server.get("/health").await.expect(200);
    nats.nodes[0].kill();
    nats.nodes[1].kill();
    let body = framed(writer(1), 4, &rows(4, 2));
    let start = Instant::now();
    let answer = server.append("e/p/t", "text/plain", body.clone()).await.expect(503);
    assert_eq!(answer.code(), "engine_unavailable");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert!(start.elapsed() < Duration::from_secs(6), "it was told to wait three seconds: {:?}", start.elapsed());
    assert_eq!(server.rows("e/p/t", "").await.len(), 3, "what is there can be read");
    let health = loop {
        let health = server.get("/health").await;
        if health.status != 200 {
            break health;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "health never tells");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((health.status, health.code().as_str()), (503, "engine_unavailable"));
    nats.nodes[0].start();
    nats.nodes[1].start();
    let start = Instant::now();
    loop {
        let answer = server.append("e/p/t", "text/plain", body.clone()).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.code(), "engine_unavailable");
        assert!(start.elapsed() < Duration::from_secs(60), "it never comes back");
    }
    let there = server.rows("e/p/t", "").await;
    assert_eq!(there.iter().map(|row| row["i"].as_u64()).collect::<Vec<_>>(), (1..=5).map(Some).collect::<Vec<_>>());
    while server.get("/health").await.status != 200 {
        assert!(start.elapsed() < Duration::from_secs(60), "health never comes back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let request = server.request(Method::GET, "/tables");
    server.send(request).await.expect(200);
}
