//! Deleting a table: it is gone with all that belongs to it, whoever reads it is told, and what is logged later makes it anew.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{Answer, DataDir, LiveQuery, Server, Tail, framed, writer};

const TABLE: &str = "e/p/t";

async fn append(server: &Server, table: &str, range: std::ops::Range<u64>) -> Json {
    let rows: Vec<String> = range.clone().map(|n| format!("{{\"n\":{n}}}")).collect();
    server.append(table, "text/plain", framed(writer(1), range.start + 1, &rows)).await.expect(200).json()
}

async fn delete(server: &Server, table: &str) -> Answer {
    server.send(server.request(Method::DELETE, &format!("/tables/{table}"))).await
}

#[tokio::test]
async fn a_deleted_table_is_gone_and_is_made_anew_by_the_next_row() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    for table in [TABLE, "e/p/other"] {
        append(&server, table, 0..100).await;
    }
    let kept = server.request(Method::PUT, "/tables/e/p/t/retention").body("{\"rows\":1}");
    server.send(kept).await.expect(200);
    let created = Tail::open(&server, TABLE, "").await.created_micros;
    assert!(created.is_some());
    delete(&server, TABLE).await.expect(204);
    assert_eq!(delete(&server, TABLE).await.expect(404).code(), "unknown_table");
    for path in ["/tables/e/p/t", "/tables/e/p/t/rows", "/tables/e/p/t/retention"] {
        assert_eq!(server.get(path).await.expect(404).code(), "unknown_table");
    }
    assert_eq!(server.get("/tables").await.json()["tables"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.rows("e/p/other", "").await.len(), 100, "nothing else was disturbed");

    // What was sent before and is sent again is stored, and not taken for known: it is acknowledged after the deletion.
    let ack = append(&server, TABLE, 90..110).await;
    assert_eq!((&ack["n_stored"], &ack["n_duplicate"], &ack["first_offset"]), (&json!(20), &json!(0), &json!(0)));
    let ack = append(&server, TABLE, 90..110).await;
    assert_eq!((&ack["n_stored"], &ack["n_duplicate"]), (&json!(0), &json!(20)));
    let again = Tail::open(&server, TABLE, "").await;
    assert!(again.created_micros.is_some() && again.created_micros != created);
    assert_eq!(server.get("/tables/e/p/t/retention").await.json()["is_own"], false);
    for _ in ["now", "after a restart in the middle of the clearing up"] {
        assert_eq!(server.rows(TABLE, "").await.len(), 20);
    }
    server.kill();
    let server = Server::start_on(&data, &[]);
    assert_eq!((server.rows(TABLE, "").await.len(), server.rows("e/p/other", "").await.len()), (20, 100));
    assert_eq!(Tail::open(&server, TABLE, "").await.created_micros, again.created_micros);
}

#[tokio::test]
async fn whoever_reads_a_table_is_told_that_it_was_deleted() {
    let server = Server::start();
    append(&server, TABLE, 0..10).await;
    append(&server, "e/p/other", 0..10).await;
    let mut other = Tail::open(&server, "e/p/other", "from=0").await;
    let mut tails = Vec::new();
    for _ in 0..3 {
        let mut tail = Tail::open(&server, TABLE, "from=0&format=json").await;
        tail.take_json(10).await;
        tails.push(tail);
    }
    let mut waiting = Tail::open(&server, "e/p/later", "").await;
    let mut live = LiveQuery::open(&server).await;
    assert_eq!(live.ask(&json!({"query": "table(\"e/p/t\").rows()"})).await["n_rows"], 10);
    delete(&server, TABLE).await.expect(204);
    for mut tail in tails {
        let message = tail.message().await.expect("it is told").into_text().expect("in words");
        assert!(message.contains("\"type\":\"error\"") && message.contains("table_deleted"), "{message}");
        assert_eq!(tail.closed().await, Some((1011, "table_deleted".to_owned())));
    }
    assert_eq!(live.next().await["error"]["code"], "table_deleted");
    assert_eq!(other.take(10).await.len(), 10);
    append(&server, "e/p/later", 0..1).await;
    assert_eq!(waiting.take(1).await.len(), 1);
    // Made anew with more rows, it is another table to everyone.
    append(&server, TABLE, 50..90).await;
    assert_eq!(live.ask(&json!({"query": "table(\"e/p/t\").rows()"})).await["n_rows"], 40);
    let query = server.request(Method::POST, "/query").body(json!({"query": "table(\"e/p/t\").rows()"}).to_string());
    assert_eq!(server.send(query).await.expect(200).json()["rows"][0]["n"], 50);
}

#[tokio::test]
async fn the_room_of_a_deleted_table_is_used_again_on_a_full_disk() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &["--max-data-bytes", "3000000"]);
    append(&server, "e/p/other", 0..10).await;
    let pad = "x".repeat(50_000);
    let row = |n: u64| framed(writer(1), n + 1, &[format!("{{\"n\":{n},\"pad\":\"{pad}\"}}")]);
    let mut n_rows = [0; 3];
    for (round, n_rows) in n_rows.iter_mut().enumerate() {
        let full = loop {
            let answer = server.append(TABLE, "text/plain", row(*n_rows)).await;
            if answer.status != 200 {
                break answer;
            }
            *n_rows += 1;
            assert!(*n_rows < 100, "the disk is full in time");
        };
        assert_eq!(full.expect(507).code(), "disk_full");
        assert_eq!(server.rows("e/p/other", "").await.len(), 10);
        delete(&server, TABLE).await.expect(204);
        // The writer goes on as soon as there is room.
        let mut is_stored = false;
        for _ in 0..200 {
            is_stored = server.append(TABLE, "text/plain", row(0)).await.status == 200;
            if is_stored {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(is_stored, "round {round}");
        tokio::time::sleep(Duration::from_millis(1200)).await;
        delete(&server, TABLE).await.expect(204);
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
    assert!(n_rows[0] > 30 && n_rows[1] + 5 > n_rows[0] && n_rows[2] + 5 > n_rows[0], "{n_rows:?}");
}
