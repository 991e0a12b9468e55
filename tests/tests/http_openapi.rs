//! `openapi.yaml` against the real answers: it is served as it stands, every route of it exists, every answer it lists
//! is given, and none besides.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;
use streamtable_tests::{DataDir, LiveQuery, Server, Tail, framed, openapi, writer};

const NDJSON: &str = "application/x-ndjson";

#[tokio::test]
async fn the_document_is_served_as_it_stands() {
    let server = Server::start();
    let answer = server.get("/openapi.yaml").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/yaml");
    assert_eq!(answer.text(), openapi::text());
}

/// What only a disk gives on which there is no room for a change of a few bytes. The journal's own tests have one.
const ONLY_ON_A_FULL_DISK: [&str; 3] = [
    "delete /tables/{entity}/{project}/{table} 507",
    "put /tables/{entity}/{project}/{table}/retention 507",
    "delete /tables/{entity}/{project}/{table}/retention 507",
];

/// Asks for things until every answer of the document was seen. That each fits its description, and is in it at all,
/// is checked wherever these tests send a request.
#[tokio::test]
async fn every_answer_of_the_document_is_given() {
    let document = openapi::document();
    let mut missing: BTreeSet<String> = document.answers().into_iter().collect();
    assert!(missing.len() > 15, "{missing:?}");
    let mut seen = |method: &str, path: &str, status: u16| {
        missing.remove(&document.name_of(method, path, status));
    };

    let data = DataDir::default();
    let server = Server::start_on(
        &data,
        &["--max-request-bytes", "60000", "--max-import-bytes", "60000", "--max-silence-seconds", "1"],
    );
    let table = "/tables/e/p/t";
    let rows = "/tables/e/p/t/rows";
    let import = "/tables/e/p/t/import";
    let bad_name = "/tables/e/p/a%20b";
    for (content_type, body) in [
        (NDJSON, "{\"a\":1}\n".to_owned()),
        ("text/plain", framed(writer(1), 1, &["{\"a\":\"needle in the file\"}".to_owned()])),
        ("application/json", "{".to_owned()),
        (NDJSON, "[]".to_owned()),
        (NDJSON, " ".repeat(60_001)),
        ("image/png", "x".to_owned()),
    ] {
        seen("POST", rows, server.append("e/p/t", content_type, body).await.status);
    }
    let stalled_append = "POST /api/v1/tables/e/p/t/rows HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
        Content-Length: 9\r\nConnection: close\r\n\r\n{";
    let stalled = server.raw(stalled_append).await;
    assert!(stalled.starts_with("HTTP/1.1 408"), "{stalled}");
    seen("POST", rows, 408);
    for (content_type, body) in [
        (NDJSON, "{\"a\":1}\n".to_owned()),
        ("application/json", "{".to_owned()),
        (NDJSON, "[]".to_owned()),
        (NDJSON, " ".repeat(60_001)),
        ("image/png", "x".to_owned()),
    ] {
        seen("POST", import, server.import("e/p/t", "", content_type, body).await.status);
    }
    let stalled = stalled_append.replace("/rows", "/import");
    assert!(server.raw(&stalled).await.starts_with("HTTP/1.1 408"));
    seen("POST", import, 408);
    for path in ["/health", "/ready", "/openapi.yaml", "/key", "/tables", table, bad_name, "/tables/e/p/none", rows] {
        seen("GET", path, server.get(path).await.status);
    }
    let facts = "/tables/e/p/t/facts";
    for path in ["/tables/e/p/t/facts?column=a", "/tables/e/p/none/facts?column=a", facts] {
        seen("GET", facts, server.get(path).await.status);
    }
    for path in ["/tables/e/p/none/rows", "/tables/e/p/t/rows?from=x", "/tail/e/p/t", "/tail/e/p/a%20b"] {
        let status = server.get(path).await.status;
        seen("GET", path.split('?').next().unwrap_or(path), status);
    }
    for format in ["json", "ndjson", "csv", "arrow", "parquet"] {
        seen("GET", rows, server.get(&format!("{rows}?format={format}")).await.expect(200).status);
    }
    let export = "/tables/e/p/t/export";
    for (path, encoding, body) in [
        ("/tables/e/p/t/export?format=json", "", String::new()),
        ("/tables/e/p/t/export?format=x", "", String::new()),
        ("/tables/e/p/none/export", "", String::new()),
        (export, "br", String::new()),
        (export, "", "x".repeat(5_000)),
    ] {
        let answer =
            server.send(server.request(Method::POST, path).header("content-encoding", encoding).body(body)).await;
        seen("POST", path.split('?').next().unwrap_or(path), answer.status);
    }
    assert!(server.raw(&stalled_append.replace("/rows", "/export")).await.starts_with("HTTP/1.1 408"));
    seen("POST", export, 408);
    let kept = "/tables/e/p/t/retention";
    for (path, body) in [
        (kept, "{\"rows\":1000}".to_owned()),
        (kept, "{\"rows\":0}".to_owned()),
        ("/tables/e/p/none/retention", "{}".to_owned()),
        (kept, " ".repeat(60_001)),
    ] {
        seen("PUT", path, server.send(server.request(Method::PUT, path).body(body)).await.status);
    }
    let brotli = server.request(Method::PUT, kept).header("content-encoding", "br").body("x");
    seen("PUT", kept, server.send(brotli).await.status);
    let stalled = format!("PUT /api/v1{kept} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{{");
    assert!(server.raw(&stalled).await.starts_with("HTTP/1.1 408"));
    seen("PUT", kept, 408);
    server.append_lines("e/p/gone", "{}").await;
    for name in ["e/p/none", "e/p/a%20b", "e/p/gone"] {
        let (path, kept) = (format!("/tables/{name}"), format!("/tables/{name}/retention"));
        seen("GET", &kept, server.get(&kept).await.status);
        for path in [kept, path] {
            seen("DELETE", &path, server.send(server.request(Method::DELETE, &path)).await.status);
        }
    }
    // The helper panics unless the answer is 101.
    Tail::open(&server, "e/p/t", "from=0").await.close().await;
    seen("GET", "/tail/e/p/t", 101);
    LiveQuery::open(&server).await;
    seen("GET", "/query", 101);
    for path in ["/query", "/query?a=1"] {
        seen("GET", "/query", server.get(path).await.status);
    }
    let stalled = "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{";
    assert!(server.raw(stalled).await.starts_with("HTTP/1.1 408"));
    seen("POST", "/query", 408);
    let query = |server: &Server| server.request(Method::POST, "/query");
    let of = |table: &str| format!("{{\"query\":\"table(\\\"{table}\\\").rows()\"}}");
    for body in [of("e/p/t"), of("e/p/none"), "{".to_owned(), " ".repeat(60_001)] {
        seen("POST", "/query", server.send(query(&server).body(body)).await.status);
    }
    seen("POST", "/query", server.send(query(&server).header("content-encoding", "br").body("x")).await.status);
    server.stop().await;

    let small = Server::start_on(&data, &["--max-query-memory-bytes", "1"]);
    seen("POST", "/query", small.send(query(&small).body(of("e/p/t"))).await.status);
    seen("GET", facts, small.get("/tables/e/p/t/facts?column=a").await.status);
    small.stop().await;

    let shared = Server::start_with(&["--max-query-memory-bytes", "3000000"]);
    let pad = "x".repeat(1000);
    let lines: Vec<String> = (0..2000).map(|n| format!("{{\"a\":\"{n}{pad}\"}}")).collect();
    for table in ["e/p/t", "e/p/other"] {
        shared.append_lines(table, &lines.join("\n")).await;
    }
    let mut live = LiveQuery::open(&shared).await;
    assert_eq!(live.ask(&json!({"query": "table(\"e/p/t\").rows()", "rows": 1})).await["n_rows"], 2000);
    seen("POST", "/query", shared.send(query(&shared).body(of("e/p/other"))).await.expect(503).status);

    seen("GET", facts, shared.get("/tables/e/p/other/facts?column=a").await.expect(503).status);

    let full = Server::start_on(&data, &["--max-data-bytes", "1"]);
    seen("POST", rows, full.append("e/p/t", NDJSON, format!("{{\"a\":\"{}\"}}", "x".repeat(100_000))).await.status);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(100_000));
    seen("POST", import, full.import("e/p/t", "", NDJSON, large).await.status);
    seen("GET", "/ready", full.get("/ready").await.status);
    full.stop().await;
    let busy = Server::start_on(&data, &["--max-imports", "0"]);
    seen("POST", import, busy.import("e/p/t", "", NDJSON, "{}").await.status);
    busy.stop().await;

    let mut file = std::fs::read(data.journal()).expect("it is there");
    let needle = b"needle in the file";
    let at = file.windows(needle.len()).position(|window| window == needle).expect("it is stored as it is");
    file[at] ^= 1;
    std::fs::write(data.journal(), file).expect("it can be written");
    let damaged = Server::start_on(&data, &[]);
    seen("GET", rows, damaged.get(&format!("{rows}?from=1")).await.status);
    seen("POST", export, damaged.send(damaged.request(Method::POST, &format!("{export}?from=1"))).await.status);

    seen("POST", "/query", damaged.send(query(&damaged).body(of("e/p/t"))).await.status);

    seen("GET", facts, damaged.get("/tables/e/p/t/facts?column=a").await.status);

    let broken = Server::start_on_small_files(&DataDir::default(), 200);
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(300_000));
    seen("POST", rows, broken.append("e/p/t", NDJSON, body).await.status);
    seen("GET", "/health", broken.get("/health").await.status);
    seen("GET", "/ready", broken.get("/ready").await.status);
    for (method, path) in [(Method::DELETE, table), (Method::PUT, kept), (Method::DELETE, kept)] {
        let request = broken.request(method.clone(), path).body("{}");
        seen(method.as_str(), path, broken.send(request).await.status);
    }

    let data = DataDir::default();
    let of_page = data.key("--entity e --right admin --origin https://app.example");
    let rare = data.key("--entity e --right admin --max-requests-per-second 1");
    let closed = Server::start_on(&data, &[]);
    while closed.get_with(&rare, "/key").await.status == 200 {}
    for (template, method) in document.routes() {
        let path = template.replace("{entity}", "e").replace("{project}", "p").replace("{table}", "t");
        for key in ["none", &of_page, &rare] {
            let request = closed.request_with(key, method.to_uppercase().parse().expect("a method"), &path);
            seen(method, &path, closed.send(request).await.status);
        }
    }

    let missing: Vec<&String> = missing.iter().filter(|name| !ONLY_ON_A_FULL_DISK.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "never given: {missing:?}");
}

/// The document's routes and methods are the router's own: what is in it is known, what is not is refused.
#[tokio::test]
async fn the_routers_methods_are_the_documents() {
    let server = Server::start();
    let answers = openapi::document().answers();
    let mut paths: BTreeSet<&str> = answers.iter().filter_map(|answer| answer.split(' ').nth(1)).collect();
    assert_eq!(paths.len(), 13);
    paths.insert("/nothing");
    for template in paths {
        let path = template.replace("{entity}", "e").replace("{project}", "p").replace("{table}", "t");
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = server.send(server.request(method.clone(), &path).body("")).await;
            let prefix = format!("{} {template} ", method.as_str().to_lowercase());
            let documented = answers.iter().any(|answer| answer.starts_with(&prefix));
            let refused = match template {
                "/nothing" => answer.status == 404 && answer.code() == "unknown_path",
                _ => answer.status == 405,
            };
            assert_eq!(documented, !refused, "{method} {template}: {}", answer.status);
        }
    }
}

/// Every code that a program can meet stands in the document: those of the answers, and those of refused rows.
#[tokio::test]
async fn every_code_stands_in_the_document() {
    let server = Server::start_with(&["--max-columns", "2", "--max-row-bytes", "300"]);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(70), "]".repeat(70));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(400));
    let lines = ["{", "[]", "{\"a\":{\"$i64\":\"x\"}}", "{\"_seq\":1}", &deep, &large, "{\"a\":1,\"b\":1,\"c\":1}"];
    let mut body = lines.join("\n").into_bytes();
    body.extend(b"\n{\"a\":\"\xff\"}");
    let ack = server.append("e/p/t", NDJSON, body).await.expect(422).json();
    let codes: Vec<&str> = ack["refused"].as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect();
    let expect = [
        "bad_json",
        "not_a_row",
        "bad_tag",
        "system_column",
        "too_deep",
        "row_too_large",
        "too_many_columns",
        "bad_utf8",
    ];
    assert_eq!(codes, expect);
    for code in codes {
        assert!(openapi::text().contains(&format!("`{code}`")), "{code}");
    }
}
