//! How much is kept of a table: by age, rows and bytes, for one table and by default; and what readers and writers see of it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{Answer, DataDir, LiveQuery, Server, Tail, framed, writer};

const TABLE: &str = "e/p/t";

/// Rows `range`, numbered by one writer from 1, each a number.
async fn append(server: &Server, table: &str, range: std::ops::Range<u64>) -> Json {
    let rows: Vec<String> = range.clone().map(|n| format!("{{\"n\":{n}}}")).collect();
    server.append(table, "text/plain", framed(writer(1), range.start + 1, &rows)).await.expect(200).json()
}

async fn keep(server: &Server, table: &str, retention: Json) -> Answer {
    let request = server.request(Method::PUT, &format!("/tables/{table}/retention"));
    server.send(request.body(retention.to_string())).await
}

async fn info(server: &Server, table: &str) -> Json {
    server.get(&format!("/tables/{table}")).await.expect(200).json()
}

/// Waits until the table starts there.
async fn starts_at(server: &Server, table: &str, first_offset: u64) {
    for _ in 0..200 {
        if info(server, table).await["first_offset"] == first_offset {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} does not start at {first_offset}", info(server, table).await);
}

fn numbers(rows: &[Json]) -> Vec<u64> {
    rows.iter().map(|row| row["n"].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn rows_beyond_a_limit_go_and_the_others_keep_their_places() {
    let data = DataDir::default();
    let mut server = Server::start_on(&data, &[]);
    for first in (0..100).step_by(10) {
        append(&server, TABLE, first..first + 10).await;
        append(&server, "e/p/other", first..first + 10).await;
    }
    let mut tail = Tail::open(&server, TABLE, "from=0").await;
    let mut of_json = Tail::open(&server, TABLE, "from=0&format=json").await;
    assert_eq!((tail.take(100).await.len(), of_json.take_json(100).await.len()), (100, 100));
    let set = keep(&server, TABLE, json!({"rows": 25})).await.expect(200).json();
    assert_eq!(set, json!({"is_own": true, "age_seconds": null, "rows": 25, "bytes": null}));
    // The request that holds row 75 stays whole.
    starts_at(&server, TABLE, 70).await;
    let table = info(&server, TABLE).await;
    assert_eq!(table["n_rows"], 30);
    assert!(table["n_bytes"].as_u64() < info(&server, "e/p/other").await["n_bytes"].as_u64());
    for params in ["", "from=0", "from=70"] {
        assert_eq!(numbers(&server.rows(TABLE, params).await), (70..100).collect::<Vec<_>>(), "{params}");
    }
    assert_eq!(numbers(&server.rows(TABLE, "from=95").await), (95..100).collect::<Vec<_>>());
    assert_eq!(numbers(&server.rows(TABLE, "from=3&limit=2").await), [70, 71]);
    // Writers are known, and offsets go on.
    let ack = append(&server, TABLE, 95..105).await;
    assert_eq!((&ack["n_duplicate"], &ack["first_offset"]), (&json!(5), &json!(100)));
    assert_eq!((tail.take(5).await.len(), of_json.take_json(5).await.len()), (5, 5), "who follows misses nothing");
    assert_eq!((tail.first_offset, of_json.first_offset), (70, 70), "and is told what went");
    let mut late = Tail::open(&server, TABLE, "from=10").await;
    assert_eq!((late.first_offset, late.next_offset), (70, 105));
    assert_eq!(late.take(35).await.len(), 35);
    // Queries too.
    let query = server.request(Method::POST, "/query").body(json!({"query": "table(\"e/p/t\").rows()"}).to_string());
    assert_eq!(server.send(query).await.expect(200).json()["n_rows"], 35);

    server.stop().await;
    server = Server::start_on(&data, &[]);
    starts_at(&server, TABLE, 80).await;
    assert_eq!(server.rows(TABLE, "").await.len(), 25);
    assert_eq!(server.rows("e/p/other", "").await.len(), 100, "nothing else was disturbed");
    // Without a limit, nothing more goes.
    assert_eq!(keep(&server, TABLE, json!({})).await.expect(200).json()["rows"], Json::Null);
    append(&server, TABLE, 105..200).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(server.rows(TABLE, "").await.len(), 120);
}

#[tokio::test]
async fn rows_go_by_age_and_a_table_without_rows_goes_on() {
    let server = Server::start_with(&["--retain-age", "1s"]);
    let told = server.get("/tables/e/p/t/retention").await;
    assert_eq!(told.expect(404).code(), "unknown_table");
    append(&server, TABLE, 0..50).await;
    let kept = server.get("/tables/e/p/t/retention").await.expect(200).json();
    assert_eq!(kept, json!({"is_own": false, "age_seconds": 1, "rows": null, "bytes": null}));
    append(&server, "e/p/own", 0..50).await;
    keep(&server, "e/p/own", json!({"age_seconds": 3600})).await.expect(200);
    starts_at(&server, TABLE, 50).await;
    assert_eq!((&info(&server, TABLE).await["n_rows"], &info(&server, TABLE).await["n_bytes"]), (&json!(0), &json!(0)));
    assert_eq!(server.get("/tables/e/p/t/rows").await.expect(200).json(), json!([]));
    let mut tail = Tail::open(&server, TABLE, "from=0").await;
    assert_eq!((tail.first_offset, tail.next_offset), (50, 50));
    let mut live = LiveQuery::open(&server).await;
    assert_eq!(live.ask(&json!({"query": "table(\"e/p/t\").rows()"})).await["n_rows"], 0);
    let ack = append(&server, TABLE, 40..60).await;
    assert_eq!((&ack["n_stored"], &ack["first_offset"]), (&json!(10), &json!(50)));
    assert_eq!(tail.take(10).await.len(), 10);
    assert_eq!(server.rows("e/p/own", "").await.len(), 50, "it has its own");
    let reset = server.send(server.request(Method::DELETE, "/tables/e/p/own/retention")).await.expect(200).json();
    assert_eq!((&reset["is_own"], &reset["age_seconds"]), (&json!(false), &json!(1)));
    starts_at(&server, "e/p/own", 50).await;
}

#[tokio::test]
async fn rows_go_by_bytes_and_their_room_is_used_again() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &["--retain-bytes", "1000000", "--max-data-bytes", "8000000"]);
    let pad = "x".repeat(100_000);
    // Six times what the file may have.
    for n in 0..500_u64 {
        let body = framed(writer(1), n + 1, &[format!("{{\"n\":{n},\"pad\":\"{pad}\"}}")]);
        let answer = server.append(TABLE, "text/plain", body.clone()).await;
        if answer.status == 507 {
            // The rows came faster than the old ones went.
            tokio::time::sleep(Duration::from_millis(700)).await;
            server.append(TABLE, "text/plain", body).await.expect(200);
        }
    }
    for _ in 0..100 {
        if info(&server, TABLE).await["n_bytes"].as_u64().is_some_and(|n_bytes| n_bytes <= 1_000_000) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let table = info(&server, TABLE).await;
    let n_rows = table["n_rows"].as_u64().unwrap();
    assert!((1..=10).contains(&n_rows), "{table}");
    assert_eq!(numbers(&server.rows(TABLE, "").await), (500 - n_rows..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_no_retention_is_refused_and_changes_nothing() {
    let server = Server::start();
    append(&server, TABLE, 0..10).await;
    keep(&server, TABLE, json!({"rows": 1_000})).await.expect(200);
    for body in
        ["", "[]", "7", "{\"rows\":0}", "{\"rows\":-1}", "{\"rows\":\"1\"}", "{\"age_seconds\":0}", "{\"days\":1}"]
    {
        let request = server.request(Method::PUT, "/tables/e/p/t/retention").body(body);
        assert_eq!(server.send(request).await.expect(400).code(), "bad_retention", "{body}");
    }
    assert_eq!(keep(&server, "e/p/none", json!({})).await.expect(404).code(), "unknown_table");
    assert_eq!(keep(&server, "e/p/a%20b", json!({})).await.expect(400).code(), "name_bad_character");
    assert_eq!(server.get("/tables/e/p/t/retention").await.json()["rows"], 1_000);
    assert_eq!(
        (
            info(&server, TABLE).await["n_rows"].clone(),
            server.get("/tables").await.json()["tables"].as_array().map(Vec::len)
        ),
        (json!(10), Some(1))
    );
    for flags in [["--retain-age", "1"], ["--retain-rows", "0"], ["--retain-bytes", "0"]] {
        let (status, text) = Server::fails_to_start(&DataDir::default(), &flags);
        assert!(!status.success() && text.contains(flags[0]), "{text}");
    }
}
