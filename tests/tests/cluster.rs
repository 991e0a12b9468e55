//! Servers on a NATS cluster: one order of rows on every node, and what happens when the cluster is away.

use std::time::{Duration, Instant};

use async_nats::jetstream;
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
async fn the_replicas_are_changed_when_that_is_said() {
    let nats = Nats::start(3, "");
    let a = start(&nats, &DataDir::default(), &["--replicas", "1", "--partitions", "2"]);
    a.append("e/p/t", "text/plain", framed(writer(1), 1, &rows(1, 3))).await.expect(200);
    let b = start(&nats, &DataDir::default(), &["--replicas", "3"]);
    b.append("e/p/t", "text/plain", framed(writer(1), 4, &rows(4, 3))).await.expect(200);
    let context = nats.context().await;
    for partition in 0..2 {
        let stream = context.get_stream(format!("streamtable_rows_{partition}")).await.expect("it was made");
        assert_eq!(stream.cached_info().config.num_replicas, 3);
    }
    assert!(context.get_stream("streamtable_rows_2").await.is_err(), "the first server said how many there are");
    a.append("e/p/t", "text/plain", framed(writer(1), 7, &rows(7, 1))).await.expect(200);
    assert_eq!(whole(&a, "e/p/t").await.lines().count(), 7);
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
    let server = start(&nats, &DataDir::default(), &["--engine-timeout-seconds", "4"]);
    server.append("e/p/t", "text/plain", framed(writer(1), 1, &rows(1, 3))).await.expect(200);
    server.get("/health").await.expect(200);
    nats.nodes[0].kill();
    nats.nodes[1].kill();
    let body = framed(writer(1), 4, &rows(4, 2));
    let start = Instant::now();
    let answer = server.append("e/p/t", "text/plain", body.clone()).await.expect(503);
    assert_eq!(answer.code(), "engine_unavailable");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert!(start.elapsed() < Duration::from_secs(9), "it was told to wait four seconds: {:?}", start.elapsed());
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

/// The stream that holds the rows of the only table there is, and its number.
async fn only_stream(nats: &Nats) -> (jetstream::stream::Stream, usize) {
    let context = nats.context().await;
    for partition in 0..8 {
        let stream = context.get_stream(format!("streamtable_rows_{partition}")).await.expect("it was made");
        if stream.cached_info().state.messages > 0 {
            return (stream, partition);
        }
    }
    panic!("no stream has a message");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_none_change_nothing() {
    let nats = Nats::start(1, "");
    let (a, b) = (start(&nats, &DataDir::default(), &[]), start(&nats, &DataDir::default(), &[]));
    a.append("e/p/t", "text/plain", framed(writer(1), 1, &rows(1, 3))).await.expect(200);
    a.append_lines("e/p/t", "{\"free\":true}\n").await;
    let (stream, partition) = only_stream(&nats).await;
    let context = nats.context().await;
    let numbered = stream.get_raw_message(1).await.expect("it is there");
    let free = stream.get_raw_message(2).await.expect("it is there");
    assert_eq!(stream.cached_info().config.num_replicas, 1, "one node cannot keep three copies");
    let publish = |partition: usize, payload: Vec<u8>| {
        let (context, subject) = (context.clone(), format!("rows.{partition}.e.p.t"));
        async move { context.publish(subject, payload.into()).await.expect("sent").await.expect("stored") }
    };
    // What was stored is published again, as when an answer was lost, and into a stream where it does not belong.
    for message in [&numbered, &free] {
        publish(partition, message.payload.to_vec()).await;
        publish((partition + 1) % 8, message.payload.to_vec()).await;
    }
    // No message at all, one that is cut short, a piece without its first, and a first without the others.
    publish(partition, b"hello".to_vec()).await;
    publish(partition, numbered.payload[..numbered.payload.len() - 9].to_vec()).await;
    for place in [[1, 0, 2, 0], [0, 0, 2, 0]] {
        let mut piece = numbered.payload.to_vec();
        piece[28..32].copy_from_slice(&place);
        publish(partition, piece).await;
    }
    // A server that starts does not wait for what is missing.
    drop(start(&nats, &DataDir::default(), &[]));
    b.append("e/p/t", "text/plain", framed(writer(1), 4, &rows(4, 2))).await.expect(200);
    let of_a = loop {
        // It is told to the one who appended when that server has seen it; the other sees it in its own time.
        let text = whole(&a, "e/p/t").await;
        if text.lines().count() > 4 {
            break text;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(of_a.lines().count(), 6, "{of_a}");
    assert_eq!(whole(&b, "e/p/t").await, of_a);
    assert_eq!(whole(&start(&nats, &DataDir::default(), &[]), "e/p/t").await, of_a);
    a.get("/health").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_later_version_stops_its_stream_and_no_other() {
    let nats = Nats::start(1, "");
    let server = start(&nats, &DataDir::default(), &["--engine-timeout-seconds", "4"]);
    server.append_lines("e/p/t", "{\"i\":1}\n").await;
    let (stream, partition) = only_stream(&nats).await;
    let mut later = stream.get_raw_message(1).await.expect("it is there").payload.to_vec();
    later[3] += 1;
    let context = nats.context().await;
    context.publish(format!("rows.{partition}.e.p.t"), later.into()).await.expect("sent").await.expect("stored");
    let answer = server.append("e/p/t", "application/json", "{\"i\":2}").await.expect(503);
    assert_eq!(answer.code(), "engine_unavailable");
    let mut n_taken = 0;
    for n in 0..16 {
        let answer = server.append(&format!("e/p/other{n}"), "application/json", "{\"i\":1}").await;
        n_taken += u32::from(answer.status == 200);
    }
    assert!((8..16).contains(&n_taken), "only those of the stopped stream are refused: {n_taken} of 16 were taken");
    let health = server.get("/health").await.expect(503);
    assert!(health.text().contains("a later version"), "{}", health.text());
    assert_eq!(server.rows("e/p/t", "").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_does_not_let_us_in_is_told_at_once() {
    let nats = Nats::start(1, "");
    drop(nats.context().await);
    let url = nats.url();
    let flags = ["--engine", &url, "--engine-user", "streamtable", "--engine-password", "wrong"];
    let (status, error) = Server::fails_to_start(&DataDir::default(), &flags);
    assert!(!status.success() && error.contains("does not let this server in"), "{error}");
    drop(nats);
    let flags = ["--engine", &url, "--engine-timeout-seconds", "1"];
    let (status, error) = Server::fails_to_start(&DataDir::default(), &flags);
    assert!(!status.success() && error.contains("does not answer"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_go_over_tls_with_certificates_of_both_sides() {
    let pem = |name: &str| format!("{}/data/nats-tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let tls = format!(
        "tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}",
        pem("server.pem"),
        pem("server.key"),
        pem("ca.pem")
    );
    let nats = Nats::start(1, &tls);
    let (ca, cert, key) = (pem("ca.pem"), pem("client.pem"), pem("client.key"));
    let flags = ["--engine-ca", &ca, "--engine-cert", &cert, "--engine-key", &key];
    let server = start(&nats, &DataDir::default(), &flags);
    server.append_lines("e/p/t", "{\"i\":1}\n").await;
    assert_eq!(server.rows("e/p/t", "").await.len(), 1);
    let mut flags = nats.flags();
    flags.extend(["--engine-timeout-seconds", "1"].map(str::to_owned));
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (status, _) = Server::fails_to_start(&DataDir::default(), &flags);
    assert!(!status.success(), "nobody signed for the cluster's certificate");
}

/// Waits until a table starts at an offset.
async fn starts_at(server: &Server, table: &str, first_offset: u64) {
    let start = Instant::now();
    loop {
        let info = server.get(&format!("/tables/{table}")).await.expect(200).json();
        if info["first_offset"] == first_offset {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it never starts at {first_offset}: {info}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_comes_at_the_same_row_everywhere() {
    let nats = Nats::start(1, "");
    let (a, b) = (start(&nats, &DataDir::default(), &[]), start(&nats, &DataDir::default(), &[]));
    a.append("e/p/t", "text/plain", framed(writer(1), 1, &rows(1, 3))).await.expect(200);
    b.send(b.request(Method::DELETE, "/tables/e/p/t")).await.expect(204);
    b.get("/tables/e/p/t").await.expect(404);
    // The same writer's first numbers again: it is another table now, whichever server takes them.
    let ack = a.append("e/p/t", "text/plain", framed(writer(1), 1, &rows(7, 2))).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["first_offset"]), (&2.into(), &0.into()), "{ack}");
    // The deletion is published once more, as when its answer was lost.
    let (stream, partition) = only_stream(&nats).await;
    let deletion = stream.get_raw_message(2).await.expect("it is there").payload;
    let context = nats.context().await;
    context.publish(format!("rows.{partition}.e.p.t"), deletion).await.expect("sent").await.expect("stored");
    let ack = b.append("e/p/t", "text/plain", framed(writer(1), 3, &rows(9, 1))).await.expect(200).json();
    assert_eq!(ack["first_offset"], 2, "the rows that came after it are there");
    let c = start(&nats, &DataDir::default(), &[]);
    let (of_b, of_c) = (whole(&b, "e/p/t").await, whole(&c, "e/p/t").await);
    assert_eq!(of_b.lines().count(), 3);
    assert_eq!(of_b, of_c);
    assert_eq!(b.send(b.request(Method::DELETE, "/tables/e/p/none")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_drops_the_same_rows_everywhere() {
    let nats = Nats::start(1, "");
    let a = start(&nats, &DataDir::default(), &[]);
    for n in 0..10 {
        a.append("e/p/t", "text/plain", framed(writer(1), n * 10 + 1, &rows(n * 10 + 1, 10))).await.expect(200);
    }
    // It gets all rows at once, and so in other frames.
    let b = start(&nats, &DataDir::default(), &[]);
    let set = a.request(Method::PUT, "/tables/e/p/t/retention").body("{\"rows\":25}");
    a.send(set).await.expect(200);
    starts_at(&a, "e/p/t", 70).await;
    starts_at(&b, "e/p/t", 70).await;
    let of_a = whole(&a, "e/p/t").await;
    assert_eq!(of_a.lines().count(), 30);
    assert_eq!(whole(&b, "e/p/t").await, of_a);
    let c = start(&nats, &DataDir::default(), &[]);
    assert_eq!(whole(&c, "e/p/t").await, of_a);
    let ack = b.append("e/p/t", "text/plain", framed(writer(1), 91, &rows(91, 20))).await.expect(200).json();
    assert_eq!((&ack["n_duplicate"], &ack["first_offset"]), (&10.into(), &100.into()), "writers are still known");
    assert_eq!(c.get("/tables/e/p/t/retention").await.expect(200).json()["rows"], 25);
}
