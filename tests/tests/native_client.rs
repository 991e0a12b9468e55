//! The Rust client against the real server: rows go out exactly once and come back as they were logged.

use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use model::Media;
use streamtable::{
    DeliveryError, Error, Notice, Options, Row, Rows, RowsQuery, State, StreamTable, TailEvent, Timestamp, Value,
};
use streamtable_tests::{DataDir, Server};

const TABLE: &str = "e/p/t";
const PATIENCE: Duration = Duration::from_secs(30);

fn options(server: &Server) -> Options {
    // A short wait between tries, so that a server that comes back is found soon.
    Options { server: server.url().to_owned(), max_retry_millis: 200, ..Options::default() }
}

fn open(server: &Server) -> StreamTable {
    StreamTable::new(TABLE, options(server)).expect("the name is one")
}

fn numbered(range: std::ops::Range<i64>) -> Vec<Row> {
    range.map(|n| Row::from_iter([("n", n)])).collect()
}

fn number(row: &Row) -> i64 {
    match row.get("n") {
        Some(Value::Int(n)) => *n,
        other => panic!("no number: {other:?}"),
    }
}

async fn all(table: &StreamTable, query: RowsQuery) -> Result<Vec<Row>, Error> {
    table.rows(query).try_collect().await
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it is done in time")
}

/// The numbers of the next `n_rows` rows of a tail, however often it is lost in between.
async fn follow(tail: &mut (impl Stream<Item = TailEvent> + Unpin), n_rows: usize) -> Vec<i64> {
    in_time(async {
        let mut numbers = Vec::new();
        while numbers.len() < n_rows {
            if let TailEvent::Batch(stored) = tail.next().await.expect("it never ends") {
                numbers.extend((0..stored.batch.n_rows()).map(|idx| number(&stored.batch.row(idx))));
            }
        }
        numbers
    })
    .await
}

async fn hello(tail: &mut (impl Stream<Item = TailEvent> + Unpin)) -> u64 {
    match in_time(tail.next()).await.expect("it never ends") {
        TailEvent::Hello { next_offset, .. } => next_offset,
        other => panic!("a hello was expected: {other:?}"),
    }
}

#[tokio::test]
async fn every_cell_comes_back_as_it_was_logged() {
    let server = Server::start();
    let table = open(&server);
    let row = Row::from_iter([
        ("null", Value::Null),
        ("yes", Value::Bool(true)),
        ("int", Value::Int(i64::MIN)),
        ("number", Value::Float(0.1)),
        ("nan", Value::Float(f64::NAN)),
        ("inf", Value::Float(f64::NEG_INFINITY)),
        ("zero", Value::Float(-0.0)),
        ("", Value::Text("\n\"é🦀\u{0}\u{2028}".to_owned())),
        ("a.b", Value::Time(Timestamp(-1))),
        ("bytes", Value::Bytes(vec![0, 255, 10])),
        ("image", Value::Media(Media { mime: "image/png".to_owned(), bytes: vec![137, 80] })),
        ("list", Value::List(vec![Value::Null, Value::Int(1), Value::Text("x".to_owned())])),
        ("__proto__", Value::Object(vec![("$f64".to_owned(), Value::Text("NaN".to_owned()))])),
        ("timestamp", Value::Time(Timestamp(1_700_000_000_123_456))),
    ]);
    assert_eq!(table.log(row.clone()).unwrap(), format!("{}/table/{TABLE}", server.url()));
    in_time(table.flush()).await;
    assert_eq!(all(&table, RowsQuery::default()).await.unwrap(), [row]);
}

#[tokio::test]
async fn a_row_has_the_time_of_the_call() {
    let server = Server::start();
    let table = open(&server);
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_micros()).unwrap()
    };
    let before = now();
    table.log(numbered(0..1)).unwrap();
    let after = now();
    in_time(table.finish()).await;
    let rows = all(&table, RowsQuery::default()).await.unwrap();
    let Some(Value::Time(Timestamp(time))) = rows[0].get("timestamp") else { panic!("no time: {rows:?}") };
    assert!((before..=after).contains(time), "{before} <= {time} <= {after}");
}

#[tokio::test]
async fn rows_can_be_chosen() {
    let server = Server::start();
    let table = open(&server);
    table.log(numbered(0..1000)).unwrap();
    in_time(table.flush()).await;
    let query = RowsQuery { from: 990, ..RowsQuery::default() };
    let numbers: Vec<i64> = all(&table, query).await.unwrap().iter().map(number).collect();
    assert_eq!(numbers, (990..1000).collect::<Vec<_>>());
    let filter = Some("row[\"n\"] >= 500 && row[\"n\"] < 600".to_owned());
    let query = RowsQuery { from: 10, limit: Some(3), filter };
    assert_eq!(all(&table, query).await.unwrap().iter().map(number).collect::<Vec<_>>(), [500, 501, 502]);
    let bad = RowsQuery { filter: Some("row[".to_owned()), ..RowsQuery::default() };
    assert_eq!(all(&table, bad).await.unwrap_err().code(), "bad_filter");
    let other = StreamTable::new("none", options(&server)).unwrap();
    assert_eq!(all(&other, RowsQuery::default()).await.unwrap_err().code(), "unknown_table");
    server.kill();
    assert_eq!(all(&table, RowsQuery::default()).await.unwrap_err().code(), "network");
}

#[tokio::test]
async fn a_bad_row_stops_no_other() {
    let server = Server::start_with(&["--max-row-bytes", "200"]);
    let table = open(&server);
    let mut notices = table.notices();
    let large = Row::from_iter([("n", Value::Int(1)), ("pad", Value::Text("x".repeat(300)))]);
    table.log([numbered(0..1), vec![large], numbered(2..3)].concat()).unwrap();
    let system = Row::from_iter([("_offset", 1_i64)]);
    let error = table.log([numbered(3..4), vec![system], numbered(4..5)].concat()).unwrap_err();
    assert_eq!(error.code(), "system_column");
    in_time(table.finish()).await;
    let numbers: Vec<i64> = all(&table, RowsQuery::default()).await.unwrap().iter().map(number).collect();
    assert_eq!(numbers, [0, 2, 3, 4]);
    let status = table.status();
    assert_eq!((status.acknowledged, status.rejected, status.queued), (4, 1, 0));
    assert_eq!(status.last_error.expect("a row was refused").code, "row_too_large");
    let mut refused = Vec::new();
    while let Ok(notice) = notices.try_recv() {
        if let Notice::Error(DeliveryError::RowRefused { seq, code, .. }) = notice {
            refused.push((seq, code));
        }
    }
    assert_eq!(refused, [(2, "row_too_large".to_owned())]);
}

#[tokio::test]
async fn what_is_finished_or_full_says_so() {
    let server = Server::start();
    let table = StreamTable::new(TABLE, Options { max_queue_rows: 5, ..options(&server) }).unwrap();
    assert_eq!(table.log(numbered(0..8)).unwrap_err(), DeliveryError::QueueFull { n_rows: 3 }.into());
    assert_eq!(table.status().dropped, 3);
    in_time(table.finish()).await;
    assert_eq!(table.log(numbered(8..9)).unwrap_err(), DeliveryError::Finished.into());
    let status = table.status();
    assert_eq!((status.state, status.acknowledged, status.bytes), (State::Finished, 5, 0));
    assert_eq!(all(&table, RowsQuery::default()).await.unwrap().len(), 5);
    in_time(table.finish()).await;
    assert_eq!(StreamTable::new("a/b/c/d", Options::default()).unwrap_err().code(), "name_too_many_parts");
    assert_eq!(
        open(&server).log(Rows::default()),
        Ok(&*format!("{}/table/{TABLE}", server.url())),
        "no row is no error"
    );
}

#[tokio::test]
async fn rows_go_out_after_the_table_is_dropped() {
    let server = Server::start();
    let table = open(&server);
    table.log(numbered(0..10)).unwrap();
    drop(table);
    let table = open(&server);
    let mut tail = table.subscribe(Some(0));
    assert_eq!(follow(&mut tail, 10).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_wait_for_a_server_and_survive_its_kills() {
    let data = DataDir::default();
    let mut server = Server::start_on(&data, &[]);
    // The address stays when the server is started again.
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let table = open(&server);
    let reader = open(&server);
    server.kill();
    table.log(numbered(0..100)).unwrap();
    let retrying = async {
        while table.status().state != State::Retrying {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(retrying).await;
    assert_eq!(table.status().last_error.unwrap().code, "network");

    server = Server::start_on(&data, &["--listen", &address]);
    let mut tail = reader.subscribe(Some(0));
    let n_rows = 5_000;
    let write = async {
        for n in 100..n_rows {
            table.log(numbered(n..n + 1)).unwrap();
            if n % 10 == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        table.finish().await;
    };
    let kills = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(130)).await;
            server.kill();
            server = Server::start_on(&data, &["--listen", &address]);
        }
        server
    };
    let ((), server, seen) = in_time(async { futures::join!(write, kills, follow(&mut tail, n_rows as usize)) }).await;
    assert_eq!(seen, (0..n_rows).collect::<Vec<_>>(), "the tail saw each once, in order");
    let stored: Vec<i64> = all(&table, RowsQuery::default()).await.unwrap().iter().map(number).collect();
    assert_eq!(stored, (0..n_rows).collect::<Vec<_>>());
    let status = table.status();
    assert_eq!((status.acknowledged, status.rejected, status.dropped), (n_rows as u64, 0, 0));
    drop(server);
}

#[tokio::test]
async fn a_tail_begins_at_the_end_unless_told_otherwise() {
    let server = Server::start();
    let table = open(&server);
    table.log(numbered(0..10)).unwrap();
    in_time(table.flush()).await;
    let (mut new, mut late) = (table.subscribe(None), table.subscribe(Some(7)));
    assert_eq!((hello(&mut new).await, hello(&mut late).await), (10, 10));
    table.log(numbered(10..13)).unwrap();
    assert_eq!(follow(&mut new, 3).await, [10, 11, 12]);
    assert_eq!(follow(&mut late, 6).await, [7, 8, 9, 10, 11, 12]);
}

#[tokio::test]
async fn a_frame_of_many_megabytes_is_followed() {
    let server = Server::start();
    let table = open(&server);
    let mut tail = table.subscribe(Some(0));
    let pad = "x".repeat(1_000_000);
    let lines: Vec<String> = (0..24).map(|n| format!("{{\"n\":{{\"$i64\":\"{n}\"}},\"pad\":\"{pad}\"}}")).collect();
    server.append_lines(TABLE, &lines.join("\n")).await;
    assert_eq!(follow(&mut tail, 24).await, (0..24).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_program_sends_its_key_and_keeps_rows_whose_key_is_refused() {
    let data = DataDir::default();
    let (admin, write) = (data.key("--entity acme --right admin"), data.key("--entity acme --right write"));
    let server = Server::start_on(&data, &[]);
    let open = |key: &str| {
        let options = Options { key: Some(key.to_owned()), ..options(&server) };
        StreamTable::new("p/t", options).expect("the name is one")
    };
    let table = open(&admin);
    assert_eq!(table.name().to_string(), "acme/p/t", "the entity is the key's");
    let mut tail = table.subscribe(Some(0));
    table.log(numbered(0..3)).expect("there is room");
    in_time(table.flush()).await;
    assert_eq!(follow(&mut tail, 3).await, [0, 1, 2]);
    assert_eq!(all(&table, RowsQuery::default()).await.expect("it may read").len(), 3);

    let writer = open(&write);
    let Err(Error::Read { code, .. }) = all(&writer, RowsQuery::default()).await else { panic!("it may not read") };
    assert_eq!(code, "key_right");
    let mut refused = writer.subscribe(Some(0));
    let TailEvent::Reconnecting { reason, .. } = in_time(refused.next()).await.expect("it never ends") else {
        panic!("it may not follow")
    };
    assert!(reason.contains("allows to append"), "{reason}");

    data.revoke(&write);
    while server.get_with(&write, "/key").await.status != 401 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut notices = writer.notices();
    writer.log(numbered(3..5)).expect("there is room");
    let code = in_time(async {
        loop {
            if let Ok(Notice::Error(DeliveryError::Unavailable { code, .. })) = notices.recv().await {
                return code;
            }
        }
    });
    assert_eq!(code.await, "key_revoked");
    assert_eq!((writer.status().queued, writer.status().rejected), (2, 0), "they wait");
}
