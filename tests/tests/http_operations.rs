//! What those who run the server rely on: figures that move, readiness, settings, the log, headers, limits on connections.

use std::io::Write;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{DataDir, Server, Tail, framed, writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NDJSON: &str = "application/x-ndjson";

async fn figures(url: &str) -> String {
    let answer = reqwest::get(format!("{url}/metrics")).await.expect("it answers");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.headers().get("access-control-allow-origin").is_none(), "other pages may not read them");
    let text = answer.text().await.expect("it is text");
    assert!(text.ends_with("# EOF\n"));
    text
}

/// The value of a figure, with its labels; 0 when it is not there yet.
fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

#[tokio::test]
async fn figures_move() {
    let server = Server::start();
    let rows = "{method=\"POST\",route=\"/api/v1/tables/{entity}/{project}/{table}/rows\",status=\"200\"}";
    let before = figures(server.url()).await;
    assert_eq!(figure(&before, &format!("streamtable_requests_total{rows}")), 0.0);
    assert_eq!((figure(&before, "streamtable_ready"), figure(&before, "streamtable_tables")), (1.0, 0.0));

    let body = framed(writer(1), 1, &["{\"a\":1}".to_owned(), "{\"a\":2}".to_owned()]);
    for _ in 0..2 {
        server.append("e/p/t", "text/plain", body.clone()).await.expect(200);
    }
    server.append("e/p/t", NDJSON, "[]\n{\"a\":3}").await.expect(200);
    server.import("e/p/t", "", "text/csv", "a\n1\n2\n3\n").await.expect(200);
    server.get("/tables/e/p/none").await.expect(404);
    let tail = Tail::open(&server, "e/p/t", "").await;
    let query = server.request(Method::POST, "/query").body("{\"query\":\"table(\\\"e/p/t\\\").rows()\"}");
    server.send(query).await.expect(200);

    let text = figures(server.url()).await;
    let table = "{method=\"GET\",route=\"/api/v1/tables/{entity}/{project}/{table}\",status=\"404\"}";
    for (name, expect) in [
        (format!("streamtable_requests_total{rows}"), 3.0),
        (format!("streamtable_requests_total{table}"), 1.0),
        ("streamtable_rows_total{outcome=\"stored\"}".to_owned(), 6.0),
        ("streamtable_rows_total{outcome=\"duplicate\"}".to_owned(), 2.0),
        ("streamtable_rows_total{outcome=\"refused\"}".to_owned(), 1.0),
        ("streamtable_commit_seconds_count".to_owned(), 4.0),
        ("streamtable_sockets{kind=\"tail\"}".to_owned(), 1.0),
        ("streamtable_tables".to_owned(), 1.0),
        ("streamtable_table_rows".to_owned(), 6.0),
        ("streamtable_queue_bytes".to_owned(), 0.0),
        ("streamtable_imports".to_owned(), 0.0),
    ] {
        assert_eq!(figure(&text, &name), expect, "{name}: {text}");
    }
    for name in [
        "streamtable_commit_seconds_sum",
        "streamtable_received_bytes_total",
        "streamtable_sent_bytes_total",
        "streamtable_stored_bytes",
        "streamtable_query_memory_bytes",
        "streamtable_resident_memory_bytes",
        "streamtable_connections",
    ] {
        assert!(figure(&text, name) > 0.0, "{name}: {text}");
    }
    assert!(!text.contains("e/p/t"), "no table is named");
    tail.close().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while figure(&figures(server.url()).await, "streamtable_sockets{kind=\"tail\"}") > 0.0 {
        assert!(Instant::now() < deadline, "the tail is still counted");
    }
}

#[tokio::test]
async fn figures_may_have_an_address_of_their_own() {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port is free").port();
    let address = format!("127.0.0.1:{port}");
    let server = Server::start_with(&["--metrics-listen", &address]);
    figures(&format!("http://{address}")).await;
    for url in [format!("{}/metrics", server.url()), format!("http://{address}/api/v1/tables")] {
        let answer = reqwest::get(url).await.expect("it answers");
        assert_eq!(answer.status(), 404);
        assert!(answer.text().await.expect("it is text").contains("unknown_path"));
    }
}

#[tokio::test]
async fn a_server_is_ready_while_the_journal_takes_rows() {
    let server = Server::start();
    assert_eq!(server.get("/ready").await.expect(200).json()["status"], "ready");
    assert_eq!(server.get("/health").await.expect(200).json()["status"], "ok");

    let data = DataDir::default();
    let full = Server::start_on(&data, &["--max-data-bytes", "1"]);
    full.append("e/p/t", NDJSON, format!("{{\"a\":\"{}\"}}", "x".repeat(100_000))).await.expect(507);
    assert_eq!(full.get("/ready").await.expect(507).code(), "disk_full");
    full.get("/health").await.expect(200);
}

#[tokio::test]
async fn the_binary_asks_whether_a_server_is_ready() {
    let server = Server::start();
    let address = server.url().strip_prefix("http://").expect("an address").to_owned();
    let ask = || {
        let asked = std::process::Command::new(Server::binary()).args(["--check-ready", "--listen", &address]).output();
        asked.expect("it can be run").status.success()
    };
    assert!(ask());
    server.kill();
    assert!(!ask());
}

/// A flag before the variable, the variable before the file, the file before what holds otherwise.
#[tokio::test]
async fn settings_come_from_a_file_too() {
    let dir = DataDir::default();
    let path = dir.path().join("settings.toml");
    let path = path.to_str().expect("it is text");
    std::fs::write(path, "max-columns = 1\nmax-row-bytes = 50\n").expect("it can be written");
    let wide = "{\"a\":1,\"b\":1}";
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(60));
    let code = |ack: &Json| ack["refused"][0]["code"].clone();

    let server = Server::start_with(&["--config", path]);
    assert_eq!(code(&server.append("e/p/t", NDJSON, wide).await.json()), "too_many_columns");
    assert_eq!(code(&server.append("e/p/t", NDJSON, large.clone()).await.json()), "row_too_large");
    let server = Server::start_with(&["--config", path, "--max-columns", "2"]);
    server.append("e/p/t", NDJSON, wide).await.expect(200);
    assert_eq!(code(&server.append("e/p/t", NDJSON, large.clone()).await.json()), "row_too_large");
    let server = Server::start_with_variables(&["--config", path], &[("STREAMTABLE_MAX_ROW_BYTES", "100")]);
    server.append("e/p/t", NDJSON, large).await.expect(200);
    let server = Server::start_with_variables(&[], &[("STREAMTABLE_CONFIG", path)]);
    assert_eq!(code(&server.append("e/p/t", NDJSON, wide).await.json()), "too_many_columns");

    std::fs::write(path, "max-colums = 1\n").expect("it can be written");
    let (status, told) = Server::fails_to_start(&dir, &["--config", path]);
    assert!(!status.success() && told.contains("max-colums") && told.contains("settings.toml"), "{told}");
}

#[tokio::test]
async fn help_is_a_page() {
    let output = std::process::Command::new(Server::binary()).arg("--help").output().expect("it can be run");
    let text = String::from_utf8(output.stdout).expect("it is text");
    assert!(output.status.success());
    for part in
        ["Usage:", "Limits:", "Log:", "Examples:", "Files:", "Signals:", "Exit status:", "[env: STREAMTABLE_DATA="]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn requests_are_known_by_their_id_in_the_log() {
    let (server, log) = Server::start_with_log(&["--log-format", "json", "--log-level", "debug"]);
    let request = |id: &str| server.request(Method::GET, "/tables").header("x-request-id", id);
    assert_eq!(server.send(request("from-the-proxy.7")).await.header("x-request-id"), "from-the-proxy.7");
    let given = server.send(request("no good\t")).await.header("x-request-id").to_owned();
    assert!(given.len() > 16 && !given.contains(' '), "{given}");
    let other = server.get("/tables").await.header("x-request-id").to_owned();
    assert_ne!(given, other);
    let _data = server.data();
    server.stop().await;
    let text = std::fs::read_to_string(log).expect("it was written");
    let lines: Vec<Json> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect();
    let line = lines.iter().find(|line| line["span"]["id"] == "from-the-proxy.7").expect("the request is there");
    assert_eq!(
        (&line["status"], &line["span"]["path"], &line["level"]),
        (&json!(200), &json!("/api/v1/tables"), &json!("DEBUG"))
    );
    assert!(line["micros"].is_u64());
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_bind_a_browser() {
    let server = Server::start();
    server.append_lines("e/p/t", "{\"a\":1}").await;
    let url = server.url();
    for path in
        ["/api/v1/health", "/api/v1/tables/e/p/t/rows", "/api/v1/none", "/metrics", "/", "/none.js", "/table/e/p/t"]
    {
        let answer = reqwest::get(format!("{url}{path}")).await.expect("it answers");
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().expect("it is text"));
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
        let policy = header("content-security-policy");
        if path.starts_with("/api") || path == "/metrics" {
            assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'", "{path}");
        } else {
            assert!(
                policy.contains("script-src 'self' 'wasm-unsafe-eval'") && policy.ends_with("frame-ancestors *"),
                "{path}: {policy}"
            );
        }
        assert!(!header("x-request-id").is_empty(), "{path}");
    }
    let server = Server::start_with(&["--frame-ancestors", "'self' https://a.example"]);
    let answer = reqwest::get(server.url()).await.expect("it answers");
    let policy = answer.headers()["content-security-policy"].to_str().expect("it is text").to_owned();
    assert!(policy.ends_with("frame-ancestors 'self' https://a.example"), "{policy}");
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url().strip_prefix("http://").expect("an address")).await.expect("the server listens")
}

/// What comes until the server closes, and how long that took.
async fn read_to_end(mut stream: TcpStream) -> (String, Duration) {
    let (start, mut text) = (Instant::now(), Vec::new());
    // A connection may be reset by what nobody read.
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut text)).await;
    let _ = read.expect("the server closes");
    (String::from_utf8_lossy(&text).into_owned(), start.elapsed())
}

/// Sockets that send little or nothing are closed, one by one and many at a time, and others are answered meanwhile.
#[tokio::test]
async fn who_sends_nothing_is_cut_off() {
    let server =
        Server::start_with(&["--max-head-seconds", "1", "--max-body-seconds", "2", "--max-silence-seconds", "1"]);
    let mut silent = Vec::new();
    for head in ["", "GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        for _ in 0..100 {
            let mut stream = connect(&server).await;
            stream.write_all(head.as_bytes()).await.expect("the server reads");
            silent.push(stream);
        }
    }
    // A header that never ends, a piece now and then.
    let mut dripping = connect(&server).await;
    dripping.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n").await.expect("the server reads");
    let drip = tokio::spawn(async move {
        let start = Instant::now();
        while dripping.write_all(b"X-A: b\r\n").await.is_ok() && start.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        start.elapsed()
    });
    // A body that is never silent for a second, and never done.
    let mut slow = connect(&server).await;
    let head = "POST /api/v1/tables/e/p/t/rows HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n";
    slow.write_all(head.as_bytes()).await.expect("the server reads");
    let (mut slow_in, mut slow_out) = slow.into_split();
    let dripped = tokio::spawn(async move {
        while slow_out.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let start = Instant::now();
    server.append_lines("e/p/t", "{\"a\":1}").await;
    assert!(start.elapsed() < Duration::from_secs(1), "others are answered meanwhile");
    for stream in silent {
        let (_, took) = read_to_end(stream).await;
        assert!(took < Duration::from_secs(10));
    }
    assert!(drip.await.expect("it ends") < Duration::from_secs(10), "a head that never ends is cut off");
    let mut answer = [0; 12];
    slow_in.read_exact(&mut answer).await.expect("it is answered");
    assert_eq!(&answer, b"HTTP/1.1 408");
    dripped.abort();
    assert_eq!(server.rows("e/p/t", "").await, [json!({"a": 1})]);
}

/// Bodies that are on their way take no more memory together than they may, compressed or not, and small ones get through.
#[tokio::test]
async fn large_bodies_wait_for_each_other() {
    let server = Server::start_with(&["--max-body-memory-bytes", "1000000"]);
    let lines = |n_bytes: usize| format!("{{\"text\":\"{}\"}}\n", "x".repeat(n_bytes - 12));
    let large = lines(900_000);
    let mut slow = connect(&server).await;
    let head = format!(
        "POST /api/v1/tables/e/p/slow/rows HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        large.len()
    );
    slow.write_all(head.as_bytes()).await.expect("the server reads");
    slow.write_all(&large.as_bytes()[..899_000]).await.expect("the server reads");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines(400_000).as_bytes()).expect("memory can be written");
    let gzipped = gzip.finish().expect("memory can be written");
    assert!(gzipped.len() < 60_000);
    let compressed = || {
        let request = server.request(Method::POST, "/tables/e/p/t/rows").header("content-type", NDJSON);
        server.send(request.header("content-encoding", "gzip").body(gzipped.clone()))
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = server.append("e/p/t", NDJSON, lines(300_000)).await;
        if answer.status == 503 {
            assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("overloaded", "1"));
            break;
        }
        assert!(Instant::now() < deadline, "the slow one takes room as it comes");
    }
    assert_eq!(compressed().await.expect(503).code(), "overloaded");
    server.append("e/p/small", NDJSON, lines(60_000)).await.expect(200);

    slow.write_all(&large.as_bytes()[899_000..]).await.expect("the server reads");
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.expect("it is answered");
    assert_eq!(&answer, b"HTTP/1.1 200", "it was not disturbed");
    for table in ["slow", "small"] {
        assert_eq!(server.get(&format!("/tables/e/p/{table}")).await.json()["n_rows"], 1);
    }
    compressed().await.expect(200);
    // What is larger than all room is taken when nothing else is on its way.
    server.append("e/p/t", NDJSON, lines(3_000_000)).await.expect(200);
    server.append("e/p/t", NDJSON, lines(300_000)).await.expect(200);
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let server = Server::start_with(&["--max-connections", "3"]);
    let tail = Tail::open(&server, "e/p/t", "").await;
    let held = [connect(&server).await, connect(&server).await];
    let mut more = connect(&server).await;
    more.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("the server reads");
    let (text, _) = read_to_end(more).await;
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("\"too_many_connections\""), "{text}");
    assert!(text.contains("retry-after: 1"), "{text}");
    drop(held);
    let deadline = Instant::now() + Duration::from_secs(10);
    // The client's own connection needs a place, which is free once the server has seen the others go.
    while server.try_send(server.request(Method::GET, "/health")).await.map_or(true, |answer| answer.status != 200) {
        assert!(Instant::now() < deadline, "a place is free");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tail.close().await;
}
