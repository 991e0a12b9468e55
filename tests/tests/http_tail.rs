//! The live tail: no row missed, none twice, whatever the reader does.

use std::time::Duration;

use model::{Row, Value};
use serde_json::json;
use streamtable_tests::{Server, Tail, framed, writer};
use tokio_tungstenite::tungstenite::Message;

const TABLE: &str = "e/p/t";

fn numbers(rows: &[Row]) -> Vec<u64> {
    let number = |row: &Row| row.get("n").and_then(Value::as_f64).expect("each row has its number") as u64;
    rows.iter().map(number).collect()
}

async fn append(server: &Server, range: std::ops::Range<u64>) {
    let rows: Vec<String> = range.clone().map(|n| format!("{{\"n\":{n}}}")).collect();
    server.append(TABLE, "text/plain", framed(writer(1), range.start + 1, &rows)).await.expect(200);
}

#[tokio::test]
async fn a_tail_begins_where_it_is_asked_to() {
    let server = Server::start();
    append(&server, 0..10).await;
    append(&server, 10..20).await;
    let mut whole = Tail::open(&server, TABLE, "from=0").await;
    let mut middle = Tail::open(&server, TABLE, "from=7").await;
    let mut new = Tail::open(&server, TABLE, "").await;
    let mut ahead = Tail::open(&server, TABLE, "from=25").await;
    assert_eq!((whole.next_offset, new.next_offset), (20, 20));
    let info = server.get("/tables/e/p/t").await.expect(200).json();
    assert!(whole.n_bytes > 0);
    assert_eq!(json!(whole.n_bytes), info["n_bytes"]);
    append(&server, 20..30).await;
    assert_eq!(numbers(&whole.take(30).await), (0..30).collect::<Vec<_>>());
    assert_eq!(numbers(&middle.take(23).await), (7..30).collect::<Vec<_>>());
    assert_eq!(numbers(&new.take(10).await), (20..30).collect::<Vec<_>>());
    assert_eq!(numbers(&ahead.take(5).await), (25..30).collect::<Vec<_>>(), "a frame is cut where the tail begins");
    assert!(whole.is_silent_for(Duration::from_millis(100)).await);
}

#[tokio::test]
async fn a_frame_brings_the_systems_columns() {
    let server = Server::start();
    let mut tail = Tail::open(&server, TABLE, "from=0").await;
    append(&server, 0..2).await;
    let rows = tail.take(2).await;
    assert_eq!(rows[1].get("_writer"), Some(&Value::Text(writer(1).to_string())));
    assert_eq!(rows[1].get("_seq"), Some(&Value::Int(2)));
    assert!(matches!(rows[1].get("_received"), Some(Value::Time(_))));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_waited_for() {
    let server = Server::start();
    let mut tail = Tail::open(&server, TABLE, "").await;
    assert_eq!((tail.next_offset, tail.n_bytes), (0, 0));
    assert!(tail.is_silent_for(Duration::from_millis(100)).await);
    append(&server, 0..3).await;
    assert_eq!(numbers(&tail.take(3).await), [0, 1, 2]);
}

#[tokio::test]
async fn many_small_batches_come_as_few_messages() {
    let server = Server::start();
    for chunk in 0..20 {
        let one = |n: u64| server.append(TABLE, "application/x-ndjson", format!("{{\"n\":{}}}", chunk * 50 + n));
        futures::future::join_all((0..50).map(one)).await;
    }
    let mut tail = Tail::open(&server, TABLE, "from=0").await;
    let first = tail.next().await.expect("the tail goes on");
    assert_eq!(first.len(), 1000, "small batches are joined");
    let mut cut = Tail::open(&server, TABLE, "from=999").await;
    assert_eq!(cut.take(1).await.len(), 1);
}

#[tokio::test]
async fn a_reader_with_nothing_to_show_is_sent_the_first_rows_alone() {
    let server = Server::start();
    let pad = "x".repeat(50);
    let rows: Vec<String> = (0..20_000).map(|n| format!("{{\"n\":{n},\"pad\":\"{pad}\"}}")).collect();
    server.append(TABLE, "text/plain", framed(writer(1), 1, &rows)).await.expect(200);
    for from in [0, 300] {
        let mut tail = Tail::open(&server, TABLE, &format!("from={from}")).await;
        let first = tail.next().await.expect("the tail goes on");
        let streamtable_tests::TailRows::Arrow(first) = first else { panic!("the tail is in Arrow") };
        assert_eq!(numbers(&first), (from..from + 512).collect::<Vec<_>>());
        let rest = tail.next().await.expect("the tail goes on");
        assert_eq!(rest.len() as u64, 20_000 - from - 512, "what follows is not cut");
    }
}

#[tokio::test]
async fn tails_that_come_and_go_while_rows_stream_see_each_row_once() {
    let server = Server::start();
    let n_rows = 3000_u64;
    let write = async {
        let mut at = 0;
        while at < n_rows {
            let end = (at + 1 + at % 7).min(n_rows);
            append(&server, at..end).await;
            at = end;
        }
    };
    let follow = async |take: usize| {
        let mut got: Vec<u64> = Vec::new();
        while (got.len() as u64) < n_rows {
            // Each time it reconnects where it broke off, as a client does.
            let mut tail = Tail::open(&server, TABLE, &format!("from={}", got.len())).await;
            let until = got.len() + take;
            while got.len() < until && (got.len() as u64) < n_rows {
                match tail.next().await.expect("the tail goes on") {
                    streamtable_tests::TailRows::Arrow(rows) => got.extend(numbers(&rows)),
                    streamtable_tests::TailRows::Json(_) => panic!("the tail is in Arrow"),
                }
            }
            tail.close().await;
        }
        assert_eq!(got, (0..n_rows).collect::<Vec<_>>());
    };
    futures::join!(write, follow(100), follow(777), follow(5000));
}

#[tokio::test]
async fn a_slow_reader_gets_everything_and_holds_up_no_one() {
    let server = Server::start();
    let pad = "x".repeat(1000);
    let mut slow = Tail::open(&server, TABLE, "from=0").await;
    let mut quick = Tail::open(&server, TABLE, "from=0&format=arrow").await;
    // About 24 MB: more than the sockets and the hub hold together.
    let n_chunks = 24_u64;
    for chunk in 0..n_chunks {
        let row = |n: u64| format!("{{\"n\":{},\"pad\":\"{pad}\"}}", chunk * 1000 + n);
        let rows: Vec<String> = (0..1000).map(row).collect();
        server.append(TABLE, "text/plain", framed(writer(1), chunk * 1000 + 1, &rows)).await.expect(200);
        assert_eq!(quick.take(1000).await.len(), 1000, "the quick reader is up to date");
    }
    let mut n_seen = 0;
    while n_seen < n_chunks * 1000 {
        n_seen += slow.next().await.expect("the tail goes on").len() as u64;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(n_seen, n_chunks * 1000);
}

#[tokio::test]
async fn a_tail_in_json_shows_rows_as_they_were_logged() {
    let server = Server::start();
    server.append_lines(TABLE, "{\"a\":1,\"b\":null}").await;
    let mut tail = Tail::open(&server, TABLE, "from=0&format=json").await;
    let mut system = Tail::open(&server, TABLE, "from=0&format=json&system=true").await;
    server.append_lines(TABLE, "{\"b\":{\"$f64\":\"NaN\"}}\n{}").await;
    assert_eq!(tail.take_json(3).await, [json!({"a": 1}), json!({"b": {"$f64": "NaN"}}), json!({})]);
    let rows = system.take_json(3).await;
    assert_eq!((&rows[2]["_offset"], &rows[0]["a"]), (&json!({"$i64": "2"}), &json!(1)));
    assert!(rows[1]["_received"]["$ts"].is_i64());
}

#[tokio::test]
async fn what_a_reader_says_is_read_and_forgotten() {
    let server = Server::start();
    let mut tail = Tail::open(&server, TABLE, "").await;
    tail.say(Message::Text("hello".into())).await;
    append(&server, 0..1).await;
    assert_eq!(tail.take(1).await.len(), 1);
    // Two follow and leave; the third still gets what comes.
    Tail::open(&server, TABLE, "").await.close().await;
    drop(Tail::open(&server, TABLE, "").await);
    append(&server, 1..2).await;
    assert_eq!(numbers(&tail.take(1).await), [1]);
}
