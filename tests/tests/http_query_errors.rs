//! Queries that have no answer, and tables that do not fit the memory for them.

use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{Answer, LiveQuery, Server};

async fn post(server: &Server, body: impl Into<String>) -> Answer {
    server.send(server.request(Method::POST, "/query").body(body.into())).await
}

fn rows_of(table: &str) -> Json {
    json!({"query": format!("table(\"{table}\").rows()"), "rows": 1})
}

#[tokio::test]
async fn a_query_without_an_answer_is_named() {
    let server = Server::start();
    server.append_lines("e/p/t", "{\"a\":1}").await;
    let of = |ops: &str| json!({"query": format!("table(\"e/p/t\"){ops}")}).to_string();
    for (body, status, code) in [
        ("{".to_owned(), 400, "bad_json"),
        (String::new(), 400, "bad_json"),
        ("{}".to_owned(), 400, "bad_parameter"),
        ("[]".to_owned(), 400, "bad_parameter"),
        (json!({"query": 1}).to_string(), 400, "bad_parameter"),
        (json!({"query": "table(\"e/p/t\").rows()", "first": -1}).to_string(), 400, "bad_parameter"),
        (json!({"query": "table(\"e/p/t\").rows()", "limit": 1}).to_string(), 400, "bad_parameter"),
        (of(".rows("), 400, "bad_query"),
        (of(".rows().limit(5)"), 400, "bad_query"),
        (json!({"query": "table(\"a/b/c/d\").rows()"}).to_string(), 400, "bad_query"),
        (of(""), 400, "no_rows"),
        (of(".rows().groupby(row => row[\"a\"]).filter(row => row[\"a\"] > 1)"), 400, "unsupported"),
        (of(".rows().groupby(row => row[\"a\"]).map(row => {\"b\": row[\"a\"]})"), 400, "unsupported"),
        (of(".rows().map(row => {\"_seq\": row[\"a\"]})"), 400, "system_column"),
        (of(&format!(".rows(){}", ".with_columns(r => {a: r.a + r.a})".repeat(40))), 400, "expression_too_large"),
        (json!({"query": "table(\"e/p/t\").rows()", "rows": 10_001}).to_string(), 400, "too_many_rows"),
        (json!({"query": "table(\"e/p/t\").rows()", "columns": ["a", "b"]}).to_string(), 400, "unknown_column"),
        (rows_of("e/p/none").to_string(), 404, "unknown_table"),
        (" ".repeat(300_000), 413, "request_too_large"),
    ] {
        let answer = post(&server, body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", body.trim());
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(' '), "a sentence");
    }
    let message = post(&server, of(".rows().filter(row => row[\"a\"] +)")).await.json()["error"]["message"].clone();
    assert!(message.as_str().unwrap().contains("character 46"), "{message}");
    let answer = server.send(server.request(Method::POST, "/query?format=csv").body(of(".rows()"))).await;
    assert_eq!(answer.expect(400).code(), "bad_parameter");
    assert_eq!(server.get("/query").await.expect(426).code(), "websocket_expected");
    assert_eq!(post(&server, of(".rows()")).await.expect(200).json()["n_rows"], 1, "and nothing else was disturbed");
}

#[tokio::test]
async fn an_answer_has_its_bounds() {
    let server = Server::start();
    let large = "x".repeat(5_000_000);
    for _ in 0..14 {
        server.append_lines("e/p/t", &format!("{{\"a\":\"{large}\",\"b\":1}}")).await;
    }
    let of = |columns: Json| json!({"query": "table(\"e/p/t\").rows()", "columns": columns}).to_string();
    assert_eq!(post(&server, of(json!(["a", "b"]))).await.expect(400).code(), "answer_too_large");
    assert_eq!(post(&server, of(json!(["b"]))).await.expect(200).json()["n_rows"], 14);
}

/// About 1 KB a row.
async fn append_large(server: &Server, table: &str, n_rows: usize) {
    let pad = "x".repeat(1000);
    for start in (0..n_rows).step_by(1000) {
        let lines = (start..n_rows.min(start + 1000)).map(|n| format!("{{\"n\":{n},\"pad\":\"{n}{pad}\"}}"));
        server.append_lines(table, &lines.collect::<Vec<_>>().join("\n")).await;
    }
}

#[tokio::test]
async fn a_table_over_the_budget_is_refused_and_others_are_not() {
    let server = Server::start_with(&["--max-query-memory-bytes", "5000000"]);
    append_large(&server, "e/p/large", 6000).await;
    append_large(&server, "e/p/a", 3000).await;
    append_large(&server, "e/p/b", 3000).await;
    for _ in 0..2 {
        let answer = post(&server, rows_of("e/p/large").to_string()).await.expect(422);
        assert_eq!(answer.code(), "table_too_large");
        // Tables that nobody uses any more make room for others.
        for table in ["e/p/a", "e/p/b"] {
            assert_eq!(post(&server, rows_of(table).to_string()).await.expect(200).json()["n_rows"], 3000);
        }
    }
    let mut live = LiveQuery::open(&server).await;
    assert_eq!(live.ask(&rows_of("e/p/a")).await["n_rows"], 3000);
    let answer = post(&server, rows_of("e/p/b").to_string()).await.expect(503);
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("query_memory_full", "5"));
    assert_eq!(live.ask(&rows_of("e/p/large")).await["error"]["code"], "table_too_large");
    assert_eq!(post(&server, rows_of("e/p/b").to_string()).await.expect(200).json()["n_rows"], 3000);
    // A table that grows past the budget under a live query.
    assert_eq!(live.ask(&rows_of("e/p/a")).await["n_rows"], 3000);
    append_large(&server, "e/p/a", 3000).await;
    let error = loop {
        let message = live.next().await;
        if message["type"] == "error" {
            break message;
        }
    };
    assert_eq!(error["error"]["code"], "table_too_large");
    assert_eq!(live.ask(&rows_of("e/p/b")).await["n_rows"], 3000);
}

#[tokio::test]
async fn a_view_over_the_budget_is_refused_and_its_table_is_not() {
    let server = Server::start_with(&["--max-query-memory-bytes", "2000000"]);
    let lines: Vec<String> = (0..40_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    server.append_lines("e/p/t", &lines.join("\n")).await;
    let ask = async |ops: &str| {
        let question = json!({"query": format!("table(\"e/p/t\").rows(){ops}"), "rows": 1});
        post(&server, question.to_string()).await
    };
    assert_eq!(ask("").await.expect(200).json()["n_rows"], 40_000);
    assert_eq!(ask(".groupby(row => row[\"n\"])").await.expect(422).code(), "table_too_large");
    assert_eq!(ask(".sort(row => row[\"n\"])").await.expect(422).code(), "table_too_large");
    assert_eq!(ask(".filter(row => row[\"n\"] < 7)").await.expect(200).json()["n_rows"], 7);
    assert_eq!(ask(".filter(row => row[\"n\"] < 7).groupby(row => row[\"n\"])").await.expect(200).json()["n_rows"], 7);
}
