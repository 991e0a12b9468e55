//! With keys, nothing is done without one that allows it, and what is refused disturbs nothing.

use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{DataDir, Server, Tail, connect, id_of, openapi, writer};
use tokio_tungstenite::tungstenite::Message;

const NDJSON: &str = "application/x-ndjson";
/// A server knows within a second what was made or revoked.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server with an entity `e`, whose key to administer is given.
fn start() -> (Server, String) {
    start_with(&[])
}

fn start_with(flags: &[&str]) -> (Server, String) {
    let data = DataDir::default();
    let admin = data.key("--entity e --right admin");
    (Server::start_on(&data, flags), admin)
}

async fn rows(server: &Server, admin: &str, table: &str) -> usize {
    let answer = server.get_with(admin, &format!("/tables/{table}/rows?format=json")).await;
    answer.json().as_array().map_or(0, Vec::len)
}

/// Waits until something is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The error that a WebSocket is told, and how it is closed.
async fn told(server: &Server, key: Option<&str>, path: &str) -> (String, u16) {
    let mut socket = connect(server, key, path).await;
    let (mut code, mut close) = (String::new(), 0);
    while let Some(Ok(message)) = tokio::time::timeout(PATIENCE, socket.next()).await.expect("it is closed") {
        match message {
            Message::Text(text) => {
                let message: Json = serde_json::from_str(&text).expect("messages are JSON");
                code = message["error"]["code"].as_str().unwrap_or("").to_owned();
            }
            Message::Close(frame) => close = frame.map_or(0, |frame| frame.code.into()),
            _ => {}
        }
    }
    (code, close)
}

#[tokio::test]
async fn every_route_takes_a_key() {
    let (server, admin) = start();
    server.append_with(&admin, "e/p/t", "{\"a\":1}").await.expect(200);
    let mut n_routes = 0;
    for (path, method) in openapi::document().routes() {
        let path = path.replace("{entity}", "e").replace("{project}", "p").replace("{table}", "t");
        if ["/health", "/ready", "/openapi.yaml"].contains(&path.as_str()) {
            server.get(&path).await.expect(200);
            continue;
        }
        let method: Method = method.to_uppercase().parse().unwrap();
        for key in [None, Some("x"), Some(admin.replace('a', "b").as_str())] {
            let request = server.request(method.clone(), &path).header("content-type", NDJSON).body("{\"a\":1}");
            let request = match key {
                Some(key) => request.header("authorization", format!("Bearer {key}")),
                None => request,
            };
            let answer = server.send(request).await.expect(401);
            assert_eq!(answer.code(), if key.is_some() { "key_unknown" } else { "key_missing" }, "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        n_routes += 1;
    }
    assert!(n_routes >= 12, "{n_routes}");
    let metrics = server.client().get(format!("{}/metrics", server.url()));
    assert_eq!(metrics.send().await.unwrap().status(), 401);
    let metrics = server.client().get(format!("{}/metrics", server.url())).bearer_auth(&admin);
    assert_eq!(metrics.send().await.unwrap().status(), 200);
    assert_eq!(rows(&server, &admin, "e/p/t").await, 1, "nothing was stored or deleted");
}

#[tokio::test]
async fn a_right_allows_that_alone() {
    let (server, admin) = start();
    server.append_with(&admin, "e/p/t", "{\"a\":1}").await.expect(200);
    let (write, read) = (server.data().key("--entity e --right write"), server.data().key("--entity e --right read"));
    until("the keys are known", async || server.get_with(&read, "/key").await.status == 200).await;
    let table = "/tables/e/p/t";
    let query = json!({"query": "table(\"e/p/t\").rows()"}).to_string();
    for (method, path, body, allowed) in [
        (Method::GET, "/tables".to_owned(), "", &read),
        (Method::GET, table.to_owned(), "", &read),
        (Method::GET, format!("{table}/rows"), "", &read),
        (Method::POST, format!("{table}/export"), "", &read),
        (Method::GET, format!("{table}/retention"), "", &read),
        (Method::POST, "/query".to_owned(), query.as_str(), &read),
        (Method::POST, format!("{table}/rows"), "{\"a\":2}", &write),
        (Method::POST, format!("{table}/import"), "{\"a\":3}", &write),
        (Method::PUT, format!("{table}/retention"), "{}", &admin),
        (Method::DELETE, format!("{table}/retention"), "", &admin),
        (Method::DELETE, table.to_owned(), "", &admin),
    ] {
        // The one that allows it comes last: a table can be deleted but once.
        let others = [&write, &read].into_iter().filter(|key| *key != allowed);
        for key in others.chain([allowed]) {
            let request = server.request_with(key, method.clone(), &path).header("content-type", NDJSON);
            let answer = server.send(request.body(body.to_owned())).await;
            if key == allowed {
                assert!(answer.status < 300, "{method} {path}: {}", answer.text());
            } else {
                assert_eq!(answer.expect(403).code(), "key_right", "{method} {path}");
            }
        }
    }
    for path in ["tail/e/p/t", "query"] {
        assert_eq!(told(&server, Some(&write), path).await, ("key_right".to_owned(), 1008), "{path}");
        assert_eq!(told(&server, None, path).await, ("key_missing".to_owned(), 1008), "{path}");
    }
    let about = server.get_with(&write, "/key").await.expect(200).json();
    assert_eq!(about, json!({"is_open": false, "id": id_of(&write), "right": "write", "entity": "e", "project": null}));
}

#[tokio::test]
async fn a_key_is_for_its_tables_alone() {
    let (server, admin) = start();
    let other = server.data().key("--entity other --right admin");
    let of_project = server.data().key("--entity e --project p --right admin");
    until("the keys are known", async || server.get_with(&of_project, "/key").await.status == 200).await;
    server.append_with(&other, "other/p/t", "{\"secret\":1}").await.expect(200);
    server.append_with(&admin, "e/q/t", "{\"secret\":2}").await.expect(200);
    server.append_with(&of_project, "e/p/t", "{\"a\":1}").await.expect(200);
    let names = async |key: &str| {
        let tables = server.get_with(key, "/tables").await.expect(200).json()["tables"].clone();
        let names = tables.as_array().unwrap().iter().map(|table| table["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<String>>()
    };
    assert_eq!(names(&admin).await, ["e/p/t", "e/q/t"]);
    assert_eq!(names(&of_project).await, ["e/p/t"]);
    assert_eq!(names(&other).await, ["other/p/t"]);
    for table in ["other/p/t", "e/q/t", "other/p/none"] {
        let query = json!({"query": format!("table(\"{table}\").rows()")}).to_string();
        for (method, path, body) in [
            (Method::GET, format!("/tables/{table}"), ""),
            (Method::DELETE, format!("/tables/{table}"), ""),
            (Method::GET, format!("/tables/{table}/rows"), ""),
            (Method::POST, format!("/tables/{table}/rows"), "{\"a\":1}"),
            (Method::POST, format!("/tables/{table}/import"), "{\"a\":1}"),
            (Method::PUT, format!("/tables/{table}/retention"), "{}"),
            (Method::POST, format!("/tables/{table}/export"), ""),
            (Method::POST, "/query".to_owned(), query.as_str()),
        ] {
            let request = server.request_with(&of_project, method.clone(), &path).header("content-type", NDJSON);
            // No header leads elsewhere.
            let request = request.header("x-original-url", "/api/v1/tables/e/p/t").header("host", "e");
            let answer = server.send(request.body(body.to_owned())).await.expect(403);
            assert_eq!(answer.code(), "key_scope", "{method} {path}");
            assert!(!answer.text().contains("secret"), "{}", answer.text());
        }
        let refused = told(&server, Some(&of_project), &format!("tail/{table}?from=0")).await;
        assert_eq!(refused, ("key_scope".to_owned(), 1008), "{table}");
        let mut live = connect(&server, Some(&of_project), "query").await;
        live.send(Message::Text(query.into())).await.unwrap();
        let Some(Ok(Message::Text(text))) = live.next().await else { panic!("an error is told") };
        assert!(text.contains("key_scope"), "{text}");
    }
    for path in ["/tables/e/p/..%2F..%2Fother%2Fp%2Ft", "/tables/e%2Fp/p/t", "/tables/e/p%2F../t/rows"] {
        let head = format!("GET /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {of_project}");
        let answer = server.raw(&format!("{head}\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
    }
    assert_eq!((rows(&server, &other, "other/p/t").await, rows(&server, &admin, "e/q/t").await), (1, 1));
}

#[tokio::test]
async fn a_page_may_put_its_key_into_the_body() {
    let (server, admin) = start();
    let key = server.data().key("--entity e --right write --origin https://app.example");
    until("the key is known", async || server.get_with(&key, "/key").await.code() == "key_origin").await;
    let post = async |key: Option<&str>, origin: &str, table: &str| {
        let key = key.map_or_else(String::new, |key| format!(",\"key\":\"{key}\""));
        let body = format!("{{\"v\":1,\"writer\":\"{}\",\"seq\":1{key}}}\n{{\"a\":1}}\n", writer(1));
        let request =
            server.request(Method::POST, &format!("/tables/{table}/rows")).header("content-type", "text/plain");
        server.send(request.header("origin", origin).body(body)).await
    };
    for (key, origin, table, status, code) in [
        (None, "https://app.example", "e/p/t", 401, "key_missing"),
        (Some("st_write_e_1"), "https://app.example", "e/p/t", 401, "key_unknown"),
        (Some(&*key), "https://evil.example", "e/p/t", 403, "key_origin"),
        (Some(&*key), "https://app.example", "f/p/t", 403, "key_scope"),
    ] {
        let answer = post(key, origin, table).await.expect(status);
        assert_eq!(answer.code(), code);
        // The key to administer is for any page, so any page is told.
        assert_eq!(answer.header("access-control-allow-origin"), origin);
    }
    assert_eq!(rows(&server, &admin, "e/p/t").await, 0);
    assert_eq!(post(Some(&key), "https://app.example", "e/p/t").await.expect(200).json()["n_stored"], 1);
    let form = server.request(Method::POST, "/tables/e/p/t/export?format=csv&download=true");
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(server.send(form.try_clone().unwrap().body("key=")).await.expect(401).code(), "key_unknown");
    let file = server.send(form.body(format!("key={admin}"))).await.expect(200);
    assert!(file.text().starts_with("a") && file.header("content-disposition").contains("t.csv"), "{}", file.text());
}

#[tokio::test]
async fn an_origin_that_no_key_is_for_gets_no_leave() {
    let data = DataDir::default();
    let key = data.key("--entity e --right read --origin https://app.example --origin http://localhost:5173");
    let server = Server::start_on(&data, &[]);
    let preflight = async |origin: &str| {
        let request = server.request(Method::OPTIONS, "/tables").header("origin", origin);
        let request = request.header("access-control-request-method", "GET");
        let request = request.header("access-control-request-headers", "authorization");
        server.send(request).await
    };
    for (origin, may) in [
        ("https://app.example", true),
        ("http://localhost:5173", true),
        ("https://app.example.evil.example", false),
        ("http://app.example", false),
        ("null", false),
    ] {
        let leave = preflight(origin).await;
        assert_eq!(leave.header("access-control-allow-origin"), if may { origin } else { "" });
        let answer = server.send(server.request_with(&key, Method::GET, "/tables").header("origin", origin)).await;
        assert_eq!(answer.status, if may { 200 } else { 403 }, "{origin}");
        if may {
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert!(answer.header("vary").contains("origin"));
            assert!(leave.header("access-control-allow-headers").contains("authorization"));
        }
    }
    assert_eq!(server.get_with(&key, "/tables").await.expect(403).code(), "key_origin", "what names no page");
    let own = server.request_with(&key, Method::GET, "/tables").header("origin", server.url().to_owned());
    server.send(own).await.expect(200);
    let own = server.request_with(&key, Method::GET, "/tables").header("sec-fetch-site", "same-origin");
    server.send(own).await.expect(200);
}

#[tokio::test]
async fn a_revoked_key_ends_what_goes_on_with_it() {
    let (server, admin) = start();
    server.append_with(&admin, "e/p/t", "{\"a\":1}").await.expect(200);
    let (one, other) = (server.data().key("--entity e --right read"), server.data().key("--entity e --right read"));
    until("the keys are known", async || server.get_with(&other, "/key").await.status == 200).await;
    let mut tail = Tail::open_with(&server, Some(&one), "e/p/t", "format=json&from=0").await;
    let mut kept = Tail::open_with(&server, Some(&other), "e/p/t", "format=json&from=0").await;
    let mut live = connect(&server, Some(&one), "query").await;
    live.send(Message::Text(json!({"query": "table(\"e/p/t\").rows()"}).to_string().into())).await.unwrap();
    assert!(matches!(live.next().await, Some(Ok(Message::Text(text))) if text.contains("\"answer\"")));
    tail.take_json(1).await;
    kept.take_json(1).await;
    let start = Instant::now();
    server.data().revoke(&one);
    let error = tail.message().await.expect("it is told");
    assert!(error.to_text().unwrap().contains("key_revoked"), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(tail.closed().await, Some((1008, "key_revoked".to_owned())));
    let Some(Ok(Message::Text(text))) = live.next().await else { panic!("an error is told") };
    assert!(text.contains("key_revoked"), "{text}");
    assert_eq!(server.get_with(&one, "/tables").await.expect(401).code(), "key_revoked");
    assert_eq!(told(&server, Some(&one), "tail/e/p/t").await, ("key_revoked".to_owned(), 1008));
    server.append_with(&admin, "e/p/t", "{\"a\":2}").await.expect(200);
    assert_eq!(kept.take_json(1).await[0]["a"], 2, "others go on");
    // Whoever revokes the last key does not open the server.
    server.data().revoke(&other);
    server.data().revoke(&admin);
    until("all are revoked", async || server.get_with(&admin, "/tables").await.status == 401).await;
    assert_eq!(server.get("/tables").await.expect(401).code(), "key_missing");
    let data = server.data();
    server.stop().await;
    assert_eq!(Server::start_on(&data, &[]).get("/tables").await.expect(401).code(), "key_missing");
}

#[tokio::test]
async fn the_first_key_closes_an_open_server() {
    let server = Server::start();
    server.append_lines("e/p/t", "{\"a\":1}").await;
    assert_eq!(server.get("/key").await.expect(200).json()["is_open"], true);
    let tail = Tail::open(&server, "e/p/t", "").await;
    let key = server.data().key("--entity e --right read");
    assert_eq!(tail.closed().await, Some((1008, "key_missing".to_owned())));
    assert_eq!(server.get("/tables").await.expect(401).code(), "key_missing");
    server.get_with(&key, "/tables/e/p/t").await.expect(200);
    // A file that is moved away does not open it again.
    std::fs::rename(server.data().path().join("keys.db"), server.data().path().join("moved")).unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(server.get("/tables").await.expect(401).code(), "key_missing");
    server.get_with(&key, "/tables/e/p/t").await.expect(200);
}

#[tokio::test]
async fn a_key_has_limits_of_its_own() {
    let data = DataDir::default();
    let limits = "--max-row-bytes 100 --max-columns 3 --max-table-bytes 4000";
    let limited = data.key(&format!("--entity e --right write {limits}"));
    let admin = data.key("--entity e --right admin");
    let server = Server::start_on(&data, &[]);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(100));
    let ack = server.append_with(&limited, "e/p/t", &format!("{large}\n{{\"a\":1}}")).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["refused"][0]["code"]), (&json!(1), &json!("row_too_large")));
    let wide = "{\"a\":1,\"b\":1,\"c\":1,\"d\":1}";
    let ack = server.append_with(&limited, "e/p/t", &format!("{wide}\n{{\"b\":1}}")).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["refused"][0]["code"]), (&json!(1), &json!("too_many_columns")));
    assert_eq!(
        server.append_with(&admin, "e/p/t", &large).await.expect(200).json()["n_stored"],
        1,
        "of that key alone"
    );
    let row = format!("{{\"a\":\"{}\"}}\n", "x".repeat(80));
    let mut n_stored = 3;
    while server.append_with(&limited, "e/p/t", &row).await.status == 200 {
        n_stored += 1;
        assert!(n_stored < 100, "it is never full");
    }
    let answer = server.append_with(&limited, "e/p/t", &row).await.expect(507);
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("table_full", "30"));
    let request = server.request_with(&limited, Method::POST, "/tables/e/p/t/import").header("content-type", NDJSON);
    assert_eq!(server.send(request.body(row.clone())).await.expect(507).code(), "table_full");
    assert_eq!(rows(&server, &admin, "e/p/t").await, n_stored);
    assert_eq!(server.append_with(&limited, "e/p/u", &row).await.expect(200).json()["n_stored"], 1, "another table");
}

#[tokio::test]
async fn who_comes_too_often_is_told_when_to_come_back() {
    let data = DataDir::default();
    let requests = data.key("--entity e --right write --max-requests-per-second 2");
    let rows_key = data.key("--entity e --right write --max-rows-per-second 100");
    let admin = data.key("--entity e --right admin");
    let server = Server::start_on(&data, &[]);
    let mut n_stored = 0;
    let refused = loop {
        let answer = server.append_with(&requests, "e/p/t", "{\"a\":1}").await;
        if answer.status != 200 {
            break answer.expect(429);
        }
        n_stored += 1;
        assert!(n_stored < 50, "it is never too much");
    };
    assert!(n_stored >= 4, "two seconds' worth may come at once: {n_stored}");
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("rate_limited", "1"));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    server.append_with(&requests, "e/p/t", "{\"a\":1}").await.expect(200);
    // One request may be larger than the budget, and is paid for by those after it.
    let many: String = (0..350).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    server.append_with(&rows_key, "e/p/u", &many).await.expect(200);
    let refused = server.append_with(&rows_key, "e/p/u", "{\"n\":0}").await.expect(429);
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("rate_limited", "2"));
    server.append_with(&admin, "e/p/u", "{\"n\":0}").await.expect(200);
    assert_eq!((rows(&server, &admin, "e/p/t").await, rows(&server, &admin, "e/p/u").await), (n_stored + 1, 351));
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked_by_the_command_line() {
    let data = DataDir::default();
    let dir = data.path().to_string_lossy().into_owned();
    let run = |args: &[&str]| Server::run_command(&[&["key"], args, &["--data", &dir]].concat());
    assert_eq!(run(&["list"]).1, "", "nothing yet");
    let flags = ["create", "--entity", "acme", "--project", "p", "--right", "read", "--board", "https://b.example/"];
    let (status, told) = run(&flags);
    assert!(status.success(), "{told}");
    let key = told.lines().next().unwrap();
    assert!(key.starts_with("st_read_acme_") && told.contains(&format!("https://b.example/#key={key}")), "{told}");
    let list = run(&["list"]).1;
    assert!(list.contains(id_of(key)) && list.contains("acme/p") && list.contains("valid"), "{list}");
    let secret = key.rsplit('_').next().unwrap();
    let kept = std::fs::read(data.path().join("keys.db")).unwrap();
    assert!(!kept.windows(40).any(|bytes| bytes == &secret.as_bytes()[12..52]), "only a hash is kept");
    for (args, says) in [
        (vec!["create", "--entity", "a/b", "--right", "read"], "holds '/'"),
        (vec!["create", "--entity", "e", "--right", "rule"], "rule"),
        (vec!["create", "--entity", "e", "--right", "read", "--origin", "app.example/x"], "origin"),
        (vec!["revoke", "000000000000"], "no key"),
    ] {
        let (status, told) = run(&args);
        assert!(!status.success() && told.contains(says), "{told}");
    }
    assert!(run(&["revoke", id_of(key)]).0.success());
    assert!(run(&["list"]).1.contains("revoked"));
    assert!(!run(&["revoke", id_of(key)]).0.success(), "once");
    std::fs::write(data.path().join("keys.db"), vec![7; 4096]).unwrap();
    let (status, told) = Server::fails_to_start(&data, &[]);
    assert!(!status.success() && told.contains("keys.db"), "what it cannot read does not leave it open: {told}");
}

#[tokio::test]
async fn a_server_that_others_reach_has_keys() {
    let data = DataDir::default();
    let (status, told) = Server::fails_to_start(&data, &["--listen", "0.0.0.0:0"]);
    assert!(!status.success() && told.contains("key create") && told.contains("--allow-public"), "{told}");
    let _ = data.key("--entity e --right read");
    let server = Server::start_on(&data, &["--listen", "0.0.0.0:0"]);
    let url = server.url().replace("0.0.0.0", "127.0.0.1");
    assert_eq!(server.client().get(format!("{url}/api/v1/tables")).send().await.unwrap().status(), 401);
}
