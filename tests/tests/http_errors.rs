//! What cannot be done is answered with a status, a code and a sentence, and disturbs nothing else.

use std::io::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use streamtable_tests::{DataDir, Server, framed, writer};

const NDJSON: &str = "application/x-ndjson";

#[tokio::test]
async fn a_bad_body_is_named() {
    let server = Server::start();
    let check = async |content_type: &str, body: Vec<u8>, status: u16, code: &str| {
        let answer = server.append("e/p/t", content_type, body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{:?}", String::from_utf8_lossy(&body));
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(' '), "{message:?} is a sentence");
    };
    let id = writer(1);
    for (content_type, body, code) in [
        ("application/json", "{\"a\":", "bad_json"),
        ("application/json", "", "bad_json"),
        ("application/json", "{} {}", "bad_json"),
        ("application/json", "7", "not_a_row"),
        ("text/plain", "", "bad_header"),
        ("text/plain", "{\"a\":1}\n", "bad_header"),
        ("text/plain", "{\"v\":1,\"writer\":\"short\",\"seq\":1}\n{}", "bad_header"),
        ("text/plain", &format!("{{\"v\":2,\"writer\":\"{id}\",\"seq\":1}}\n{{}}"), "bad_header"),
        ("text/plain", &format!("{{\"v\":1,\"writer\":\"{id}\",\"seq\":{}}}\n{{}}\n{{}}", i64::MAX), "bad_header"),
    ] {
        check(content_type, body.as_bytes().to_vec(), 400, code).await;
    }
    check("application/json", b"{\"a\":\"\xff\"}".to_vec(), 400, "bad_utf8").await;
    check("text/plain", b"\xff\n{}".to_vec(), 400, "bad_utf8").await;
    check(NDJSON, b"\x1f\x8bno gzip at all".to_vec(), 400, "bad_gzip").await;
    check(NDJSON, "x\n".repeat(10_001).into_bytes(), 400, "too_many_refused").await;
    check("application/x-www-form-urlencoded", b"{}".to_vec(), 415, "unsupported_media_type").await;
    check("", b"{}".to_vec(), 415, "unsupported_media_type").await;
    let post = || server.request(Method::POST, "/tables/e/p/t/rows").body("{}");
    assert_eq!(server.send(post()).await.expect(415).code(), "unsupported_media_type");
    let brotli = post().header("content-type", NDJSON).header("content-encoding", "br");
    assert_eq!(server.send(brotli).await.expect(415).code(), "unsupported_encoding");
    assert_eq!(server.get("/tables").await.json(), json!({"tables": []}), "nothing was stored");
}

#[tokio::test]
async fn a_bad_address_is_named() {
    let server = Server::start();
    server.append_lines("e/p/t", "{\"a\":1}").await;
    let id = writer(1);
    for (params, code) in [
        ("writer=xyz&seq=1".to_owned(), "bad_writer"),
        (format!("writer={id}"), "bad_parameter"),
        ("seq=1".to_owned(), "bad_parameter"),
        (format!("writer={id}&seq=0"), "bad_parameter"),
        (format!("writer={id}&seq=x"), "bad_parameter"),
        ("what=1".to_owned(), "bad_parameter"),
    ] {
        let request = server.request(Method::POST, &format!("/tables/e/p/t/rows?{params}"));
        let answer = server.send(request.header("content-type", NDJSON).body("{}")).await;
        assert_eq!(answer.expect(400).code(), code, "{params}");
    }
    for (params, code) in [
        ("from=-1", "bad_parameter"),
        ("limit=1.5", "bad_parameter"),
        ("limit=1&limit=2", "bad_parameter"),
        ("format=xml", "bad_parameter"),
        ("system=perhaps", "bad_parameter"),
        ("colums=a", "bad_parameter"),
        ("filter=%ff", "bad_parameter"),
        ("columns=a,b", "unknown_column"),
        ("filter=row%5B", "bad_filter"),
        ("filter=", "bad_filter"),
    ] {
        let answer = server.get(&format!("/tables/e/p/t/rows?{params}")).await;
        assert_eq!(answer.expect(400).code(), code, "{params}");
    }
    let message = server.get("/tables/e/p/t/rows?filter=1%20%2B%20%2B").await.json()["error"]["message"].clone();
    assert!(
        message.as_str().unwrap().contains("character 4") || message.as_str().unwrap().contains("character 5"),
        "{message}"
    );
    for (path, status, code) in [
        ("/tables/e/p/nothing", 404, "unknown_table"),
        ("/tables/e/p/nothing/rows", 404, "unknown_table"),
        ("/nothing", 404, "unknown_path"),
        ("/tables/e/p/t/rows/1", 404, "unknown_path"),
        ("", 404, "unknown_path"),
        ("/tables/e/p/a%20b", 400, "name_bad_character"),
        ("/tables/e/%C3%A9/t/rows", 400, "name_bad_character"),
        ("/tables/e/p/a%2Fb", 400, "name_too_many_parts"),
        ("/tables/e/p/%ff", 400, "bad_parameter"),
        ("/tables//p/t/rows", 400, "name_empty_part"),
        ("/tables/e/p/", 400, "name_empty_part"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
    }
    let long = "x".repeat(129);
    assert_eq!(server.get(&format!("/tables/{long}/p/t")).await.expect(400).code(), "name_too_long");
    for path in ["/api/v1/tables/e/../t/rows", "/api/v1/tail/e/p/.."] {
        let answer = server.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("name_dots"), "{answer}");
    }
    assert_eq!(server.get("/tail/e/p/t").await.expect(426).code(), "websocket_expected");
    assert_eq!(server.get("/tail/e/p/t?from=x").await.expect(400).code(), "bad_parameter");
}

#[tokio::test]
async fn a_wrong_method_is_named() {
    let server = Server::start();
    for (method, path) in [
        (Method::PUT, "/tables/e/p/t"),
        (Method::PUT, "/tables/e/p/t/rows"),
        (Method::POST, "/tables"),
        (Method::PATCH, "/health"),
        (Method::POST, "/tail/e/p/t"),
    ] {
        let answer = server.send(server.request(method.clone(), path)).await;
        assert_eq!(answer.clone().expect(405).code(), "method_not_allowed", "{method} {path}");
        assert!(answer.header("allow").contains("GET"), "{method} {path}");
    }
    let answer = server.client().delete(format!("{}/somewhere", server.url())).send().await.unwrap();
    assert_eq!(answer.status(), 405);
}

#[tokio::test]
async fn what_is_too_large_is_refused_at_its_limit() {
    let server = Server::start_with(&["--max-row-bytes", "1000", "--max-request-bytes", "10000"]);
    let row = |n_bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(n_bytes - 8));
    for content_type in [NDJSON, "application/json"] {
        let ack = server.append("e/p/t", content_type, row(1000)).await.expect(200).json();
        assert_eq!(ack["n_stored"], 1);
        let ack = server.append("e/p/t", content_type, row(1001)).await.expect(422).json();
        assert_eq!(ack["refused"][0]["code"], "row_too_large");
    }
    let list = format!("[{},{},{}]", row(20), row(1001), row(30));
    let ack = server.append("e/p/t", "application/json", list).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["refused"][0]["index"]), (&json!(2), &json!(1)));

    assert_eq!(server.append("e/p/t", NDJSON, " ".repeat(10_000)).await.status, 200);
    assert_eq!(server.append("e/p/t", NDJSON, " ".repeat(10_001)).await.expect(413).code(), "request_too_large");
    let pieces = futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(" ".repeat(1000))));
    let answer = server.append("e/p/t", NDJSON, reqwest::Body::wrap_stream(pieces)).await;
    assert_eq!(answer.expect(413).code(), "request_too_large", "a body that does not say how long it is");
    for (content_type, status) in [(NDJSON, 413), ("text/csv", 415)] {
        let answer = server.append("e/p/t", content_type, vec![b' '; 20 << 20]).await;
        assert_eq!(answer.status, status, "the answer reaches whoever sends far too much");
    }
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b'\n'; 8 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 10_000);
    assert_eq!(server.append("e/p/t", NDJSON, bomb).await.expect(413).code(), "request_too_large");
    assert_eq!(server.get("/tables/e/p/t").await.json()["n_rows"], 4);
}

#[tokio::test]
async fn a_page_elsewhere_may_ask() {
    let server = Server::start();
    let preflight = server
        .request(Method::OPTIONS, "/tables/e/p/t/rows")
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,content-encoding")
        .header("access-control-request-private-network", "true");
    let answer = server.send(preflight).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), "https://example.com");
    let methods = answer.header("access-control-allow-methods");
    assert!(methods.contains("POST") && !methods.contains("DELETE") && !methods.contains("PUT"), "{methods}");
    assert!(answer.header("access-control-allow-headers").contains("content-encoding"));
    assert_eq!(answer.header("access-control-allow-private-network"), "true");
    assert!(answer.header("access-control-max-age").parse::<u32>().unwrap() >= 600);
    let request = server.request(Method::GET, "/tables/e/p/t").header("origin", "https://example.com");
    let answer = server.send(request).await.expect(404);
    assert_eq!(answer.header("access-control-allow-origin"), "https://example.com", "errors too may be read");
    assert!(answer.header("access-control-expose-headers").contains("retry-after"));
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let server = Server::start_with(&["--max-silence-seconds", "1"]);
    let head = "POST /api/v1/tables/e/p/t/rows HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n\
        Content-Length: 100\r\nConnection: close\r\n\r\n{\"a\":1}\n";
    let answer = tokio::time::timeout(Duration::from_secs(10), server.raw(head)).await.expect("it is given up");
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("request_timeout"), "{answer}");
    assert_eq!(server.get("/tables").await.json(), json!({"tables": []}));
}

#[tokio::test]
async fn a_full_queue_asks_to_come_back() {
    let server = Server::start_with(&["--max-queue-bytes", "1"]);
    let body: Vec<String> = (0..2000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let body = body.join("\n");
    let mut n_overloaded = 0;
    let mut n_stored = 0;
    for _ in 0..20 {
        let requests = (0..16).map(|_| server.append("e/p/t", NDJSON, body.clone()));
        for answer in futures::future::join_all(requests).await {
            match answer.status {
                200 => n_stored += 2000,
                _ => {
                    assert_eq!(answer.clone().expect(503).code(), "overloaded");
                    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
                    n_overloaded += 1;
                }
            }
        }
        if n_overloaded > 0 {
            break;
        }
    }
    assert!(n_overloaded > 0, "requests at once do not fit a queue of one byte");
    assert_eq!(server.get("/tables/e/p/t").await.json()["n_rows"], n_stored, "what was answered with 503 is not there");
    server.append("e/p/t", NDJSON, body).await.expect(200);
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_is_there_stays() {
    let data = DataDir::default();
    let flags = ["--max-data-bytes", "1000000"];
    let server = Server::start_on(&data, &flags);
    let pad = "x".repeat(50_000);
    let mut seq = 0;
    let refusal = loop {
        let answer =
            server.append("e/p/t", "text/plain", framed(writer(1), seq + 1, &[format!("{{\"pad\":\"{pad}\"}}")])).await;
        if answer.status != 200 {
            break answer;
        }
        seq += 1;
        assert!(seq < 100, "a megabyte holds no more than twenty of them");
    };
    assert_eq!(refusal.clone().expect(507).code(), "disk_full");
    assert!(!refusal.header("retry-after").is_empty());
    assert!(seq > 5);
    assert_eq!(server.rows("e/p/t", "columns=_seq").await.len() as u64, seq);
    server.get("/health").await.expect(200);
    server.stop().await;
    // With more room the same request is taken, once.
    let server = Server::start_on(&data, &[]);
    for _ in 0..2 {
        server
            .append("e/p/t", "text/plain", framed(writer(1), seq + 1, &[format!("{{\"pad\":\"{pad}\"}}")]))
            .await
            .expect(200);
    }
    assert_eq!(server.rows("e/p/t", "columns=_seq").await.len() as u64, seq + 1);
}

#[tokio::test]
async fn a_failed_write_is_never_acknowledged_and_stops_writing_until_a_restart() {
    let data = DataDir::default();
    let server = Server::start_on_small_files(&data, 600);
    let pad = "x".repeat(50_000);
    let mut seq = 0;
    let failure = loop {
        let answer =
            server.append("e/p/t", "text/plain", framed(writer(1), seq + 1, &[format!("{{\"pad\":\"{pad}\"}}")])).await;
        if answer.status != 200 {
            break answer;
        }
        seq += 1;
        assert!(seq < 100, "the file may not grow so large");
    };
    assert_eq!(failure.expect(503).code(), "journal_failed");
    assert_eq!(server.append("e/p/other", NDJSON, "{}").await.expect(503).code(), "journal_failed");
    assert_eq!(server.get("/health").await.expect(503).code(), "journal_failed");
    assert_eq!(server.rows("e/p/t", "columns=_seq").await.len() as u64, seq, "reading goes on");
    drop(server);
    let server = Server::start_on(&data, &[]);
    let n_rows = server.rows("e/p/t", "columns=_seq").await.len() as u64;
    assert!(n_rows == seq || n_rows == seq + 1, "{n_rows} rows of {seq} acknowledged and one unknown");
    server.append("e/p/t", "text/plain", framed(writer(1), seq + 1, &["{\"pad\":\"\"}".to_owned()])).await.expect(200);
    assert_eq!(server.rows("e/p/t", "columns=_seq").await.len() as u64, seq + 1);
}

#[tokio::test]
async fn damage_on_disk_is_told_and_other_tables_go_on() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    server.append_lines("e/p/good", "{\"a\":1}").await;
    server.append_lines("e/p/bad", "{\"a\":\"first\"}").await;
    server.append_lines("e/p/bad", "{\"a\":\"a needle to be found in the file\"}").await;
    server.stop().await;
    let mut file = std::fs::read(data.journal()).unwrap();
    let needle = b"a needle to be found";
    let at = file.windows(needle.len()).position(|window| window == needle).expect("the frame holds the text as it is");
    file[at] ^= 1;
    std::fs::write(data.journal(), file).unwrap();

    let server = Server::start_on(&data, &[]);
    assert_eq!(server.rows("e/p/bad", "limit=1").await, [json!({"a": "first"})], "what is whole can be read");
    for params in ["from=1", "from=1&format=arrow", "from=1&format=csv"] {
        let answer = server.get(&format!("/tables/e/p/bad/rows?{params}")).await.expect(500);
        assert_eq!(answer.code(), "journal_damaged");
        assert!(answer.text().contains("offset 1"), "{}", answer.text());
    }
    let whole = server.try_send(server.request(Method::GET, "/tables/e/p/bad/rows")).await;
    assert!(whole.is_err(), "an answer that cannot be completed is broken off: {whole:?}");
    assert_eq!(server.rows("e/p/good", "").await, [json!({"a": 1})]);
    server.append_lines("e/p/good", "{\"a\":2}").await;
    let mut tail = streamtable_tests::Tail::open(&server, "e/p/bad", "from=0&format=json").await;
    assert_eq!(tail.take_json(1).await.len(), 1);
    let message = tail.message().await.expect("a last message").into_text().unwrap();
    assert!(message.contains("journal_damaged"), "{message}");
    assert!(tail.message().await.is_none(), "and then it is closed");
    let mut tail = streamtable_tests::Tail::open(&server, "e/p/bad", "from=2&format=json").await;
    server.append_lines("e/p/bad", "{\"a\":\"third\"}").await;
    assert_eq!(tail.take_json(1).await, [json!({"a": "third"})], "rows after the damage can be followed");
}

#[tokio::test]
async fn a_server_that_cannot_run_says_why() {
    let data = DataDir::default();
    let running = Server::start_on(&data, &[]);
    let (status, stderr) = Server::fails_to_start(&data, &[]);
    assert!(!status.success() && stderr.contains("another server uses the data folder"), "{stderr}");
    drop(running);
    let (status, stderr) = Server::fails_to_start(&data, &["--listen", "0.0.0.0:0"]);
    assert!(!status.success() && stderr.contains("no keys"), "{stderr}");
    // The version stands at bytes 60 to 63 of a SQLite file.
    Server::start_on(&data, &[]).stop().await;
    let mut file = std::fs::read(data.journal()).unwrap();
    file[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(data.journal(), &file).unwrap();
    let (status, stderr) = Server::fails_to_start(&data, &[]);
    assert!(!status.success() && stderr.contains("format 99") && stderr.contains("later version"), "{stderr}");
    for foreign in [b"not a database, but long enough to be read as the head of one........".repeat(20), {
        file[60..64].copy_from_slice(&1_u32.to_be_bytes());
        file[68..72].copy_from_slice(&7_u32.to_be_bytes());
        file
    }] {
        std::fs::write(data.journal(), foreign).unwrap();
        let (status, stderr) = Server::fails_to_start(&data, &[]);
        assert!(!status.success() && stderr.contains("not a StreamTable journal"), "{stderr}");
    }
}
