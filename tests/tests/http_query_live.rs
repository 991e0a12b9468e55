//! Live queries: each question is answered, and the last one again when its answer changes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{LiveQuery, Server};

const TABLE: &str = "e/p/t";
const SILENCE: Duration = Duration::from_millis(250);

fn question(ops: &str) -> Json {
    json!({"query": format!("table(\"{TABLE}\").rows(){ops}"), "rows": 5, "request": 1})
}

async fn append(server: &Server, range: std::ops::Range<u64>) {
    let line = |n: u64| format!("{{\"n\":{n},\"key\":\"k{}\"}}", n % 3);
    server.append_lines(TABLE, &range.map(line).collect::<Vec<_>>().join("\n")).await;
}

/// The answer to the same question, asked once.
async fn once(server: &Server, question: &Json) -> Json {
    let mut answer =
        server.send(server.request(Method::POST, "/query").body(question.to_string())).await.expect(200).json();
    answer["type"] = json!("answer");
    answer["request"] = question["request"].clone();
    answer
}

#[tokio::test]
async fn what_changes_is_pushed_as_it_would_be_answered() {
    let server = Server::start();
    append(&server, 0..1000).await;
    for ops in [
        "",
        ".filter(row => row[\"n\"] > 990)",
        ".sort(row => row[\"n\"], \"desc\")",
        ".groupby(row => row[\"key\"], rows => [rows.count(), rows[\"n\"].sum()])",
    ] {
        let question = question(ops);
        let mut live = LiveQuery::open(&server).await;
        let first = live.ask(&question).await;
        assert_eq!(first, once(&server, &question).await, "{ops}");
        let end = first["next_offset"].as_u64().unwrap();
        for n in 0..3 {
            append(&server, end + n..end + n + 1).await;
            let (pushed, n_messages) = live.until(end + n + 1).await;
            assert_eq!((pushed, n_messages), (once(&server, &question).await, 1), "{ops}");
        }
        assert!(live.is_silent_for(SILENCE).await, "{ops}");
    }
}

/// A row so many milliseconds old.
async fn append_aged(server: &Server, millis: u64) {
    let age = Duration::from_millis(millis);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970") - age;
    server.append_lines(TABLE, &format!("{{\"timestamp\":{{\"$ts\":{}}},\"age\":{millis}}}", time.as_micros())).await;
}

#[tokio::test]
async fn rows_leave_a_moving_window_by_the_clock_of_the_server() {
    let server = Server::start();
    let start = Instant::now();
    for millis in [3_602_000, 4_000, 0] {
        append_aged(&server, millis).await;
    }
    for ops in ["", ".sort(row => row[\"age\"])", ".groupby(row => row[\"age\"])"] {
        assert_eq!(once(&server, &question(&format!(".last(\"1h\"){ops}"))).await["n_rows"], 2, "{ops}");
    }
    let asked = question(".last(\"8s\").filter(row => row[\"age\"] < 5000)");
    let mut live = LiveQuery::open(&server).await;
    assert_eq!(live.ask(&asked).await["n_rows"], 2);
    assert_eq!(live.next().await["row_ids"], json!([2]), "the older row leaves first, and nothing else is told");
    assert!(start.elapsed() >= Duration::from_secs(3));
    assert_eq!(live.next().await["row_ids"], json!([]));
    assert!((7..30).contains(&start.elapsed().as_secs()));
    append_aged(&server, 0).await;
    assert_eq!(live.next().await["row_ids"], json!([3]));
    let received = question(".last(\"1m\", row => row[\"_received\"])");
    assert_eq!(once(&server, &received).await["n_rows"], 4);
}

#[tokio::test]
async fn only_the_window_last_asked_for_is_pushed() {
    let server = Server::start();
    append(&server, 0..100).await;
    let mut live = LiveQuery::open(&server).await;
    live.ask(&question("")).await;
    let mut other = question(".sort(row => row[\"n\"], \"desc\")");
    other["request"] = json!(2);
    other["columns"] = json!(["n"]);
    let answer = live.ask(&other).await;
    assert_eq!((&answer["rows"][0], &answer["request"]), (&json!({"n": 99}), &json!(2)));
    other["first"] = json!(2);
    other["request"] = json!(3);
    assert_eq!(live.ask(&other).await["rows"][0], json!({"n": 97}));
    append(&server, 100..101).await;
    let pushed = live.next().await;
    assert_eq!((&pushed["rows"][0], &pushed["request"], &pushed["first"]), (&json!({"n": 98}), &json!(3), &json!(2)));
    // A row that the view does not show changes nothing.
    live.ask(&question(".filter(row => row[\"n\"] < 10)")).await;
    append(&server, 101..102).await;
    assert!(live.is_silent_for(SILENCE).await);
    // A new column does.
    server.append_lines(TABLE, "{\"new\":true}").await;
    assert_eq!(live.next().await["columns"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_row_that_is_looked_at_is_followed() {
    let server = Server::start();
    append(&server, 0..100).await;
    let mut live = LiveQuery::open(&server).await;
    let mut around = question(".sort(row => row[\"n\"], \"desc\")");
    around["around"] = json!(50);
    around["above"] = json!(2);
    assert_eq!(live.ask(&around).await["first"], json!(47));
    append(&server, 100..110).await;
    let pushed = live.next().await;
    assert_eq!((&pushed["first"], &pushed["row_ids"]), (&json!(57), &json!([52, 51, 50, 49, 48])));
}

#[tokio::test]
async fn what_is_not_there_is_waited_for() {
    let server = Server::start();
    let mut live = LiveQuery::open(&server).await;
    let mut question = question(".sort(row => row[\"n\"])");
    question["columns"] = json!(["n", "later"]);
    let answer = live.ask(&question).await;
    assert_eq!((&answer["n_rows"], &answer["columns"]), (&json!(0), &json!([])));
    append(&server, 0..2).await;
    assert_eq!(live.next().await["rows"], json!([{"n": 0, "later": null}, {"n": 1, "later": null}]));
}

#[tokio::test]
async fn a_question_without_an_answer_leaves_the_socket_open() {
    let server = Server::start();
    append(&server, 0..3).await;
    let mut live = LiveQuery::open(&server).await;
    live.say("{").await;
    assert_eq!(live.next().await["error"]["code"], "bad_json");
    live.say("{\"request\":1}").await;
    assert_eq!(live.next().await["error"]["code"], "bad_parameter");
    live.ask(&question("")).await;
    let error = live.ask(&json!({"query": "table(\"t\").rows(", "request": 9})).await;
    assert_eq!(
        (&error["type"], &error["request"], &error["error"]["code"]),
        (&json!("error"), &json!(9), &json!("bad_query"))
    );
    append(&server, 3..4).await;
    assert!(live.is_silent_for(SILENCE).await, "nothing is followed any more");
    assert_eq!(live.ask(&question("")).await["n_rows"], json!(4));
}

#[tokio::test]
async fn pushes_are_few_and_end_with_the_newest() {
    let server = Server::start();
    append(&server, 0..1).await;
    let mut live = LiveQuery::open(&server).await;
    live.ask(&question(".sort(row => row[\"n\"], \"desc\")")).await;
    let start = Instant::now();
    let write = async {
        for n in 1..300 {
            append(&server, n..n + 1).await;
        }
    };
    let ((newest, n_messages), ()) = futures::join!(live.until(300), write);
    assert_eq!(newest["rows"][0]["n"], 299);
    let at_most = start.elapsed().as_millis() / 50 + 2;
    assert!((n_messages as u128) <= at_most, "{n_messages} messages, where {at_most} are due");
}

#[tokio::test]
async fn a_slow_reader_misses_answers_and_gets_the_newest() {
    let server = Server::start();
    let pad = "x".repeat(1000);
    let lines: Vec<String> = (0..4000).map(|n| format!("{{\"n\":{n},\"pad\":\"{pad}\"}}")).collect();
    server.append_lines(TABLE, &lines.join("\n")).await;
    let mut question = question(".sort(row => row[\"n\"], \"desc\")");
    question["rows"] = json!(4000);
    let mut live = LiveQuery::open(&server).await;
    live.ask(&question).await;
    // Answers of 4 MB, more of them than the sockets hold.
    for n in 4000..4040 {
        append(&server, n..n + 1).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let (newest, n_messages) = live.until(4040).await;
    assert_eq!(newest["rows"][0]["n"], 4039);
    assert!(n_messages < 20, "{n_messages} of 40 changes came");
}

#[tokio::test]
async fn live_queries_end_with_the_server() {
    let server = Server::start();
    append(&server, 0..3).await;
    let mut live = LiveQuery::open(&server).await;
    live.ask(&question("")).await;
    let idle = LiveQuery::open(&server).await;
    server.ask_to_stop();
    let (live, idle, (status, took)) = futures::join!(live.closed(), idle.closed(), server.ended());
    assert_eq!((live, idle), (Some(1001), Some(1001)));
    assert!(status.success() && took < Duration::from_secs(2), "{status}, {took:?}");
}
