//! Appending: what is taken, what is refused, what is known already.

use std::io::Write;

use serde_json::json;
use streamtable_tests::{DataDir, Server, framed, writer};

const NDJSON: &str = "application/x-ndjson";
const FRAMED: &str = "text/plain";

fn rows(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| format!("{{\"n\":{n}}}")).collect()
}

async fn numbers(server: &Server, table: &str) -> Vec<u64> {
    server.rows(table, "").await.iter().map(|row| row["n"].as_f64().expect("a number") as u64).collect()
}

#[tokio::test]
async fn each_kind_of_body_is_taken() {
    let server = Server::start();
    let ack = |first: u64, n: u64, seq: u64| json!({"acked_seq": seq, "n_stored": n, "n_duplicate": 0, "first_offset": first});
    let table = "e/p/t";
    assert_eq!(server.append(table, NDJSON, "{\"n\":0}\n\n{\"n\":1}").await.expect(200).json(), ack(0, 2, 0));
    assert_eq!(server.append(table, "application/json", "{\"n\":2}").await.expect(200).json(), ack(2, 1, 0));
    assert_eq!(
        server.append(table, "application/json", " [{\"n\":3},{\"n\":4}] ").await.expect(200).json(),
        ack(3, 2, 0)
    );
    let body = framed(writer(1), 1, &rows(5..8));
    assert_eq!(server.append(table, "text/plain;charset=UTF-8", body).await.expect(200).json(), ack(5, 3, 3));
    assert_eq!(numbers(&server, table).await, (0..8).collect::<Vec<_>>());
    assert_eq!(server.append(table, NDJSON, "").await.expect(200).json()["n_stored"], 0);
}

#[tokio::test]
async fn a_gzipped_body_is_known_by_its_header_or_its_first_bytes() {
    let server = Server::start();
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    server.append("e/p/t", FRAMED, gzip(&framed(writer(1), 1, &rows(0..5000)))).await.expect(200);
    let request = server.request(reqwest::Method::POST, "/tables/e/p/t/rows").header("content-type", NDJSON);
    server.send(request.header("content-encoding", "gzip").body(gzip("{\"n\":5000}\n"))).await.expect(200);
    assert_eq!(numbers(&server, "e/p/t").await, (0..5001).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_good_rows_beside_a_bad_one_are_stored() {
    let server = Server::start();
    let lines: Vec<&[u8]> = vec![
        b"{\"n\":0}",
        b"{\"n\":",
        b"{\"n\":1}",
        b"[1]",
        b"{\"n\":{\"$f64\":\"x\"}}",
        b"{\"_offset\":1}",
        b"{\"n\":\"\xff\"}",
        b"{\"n\":2}",
    ];
    let mut body = framed(writer(1), 1, &[]).into_bytes();
    body.extend(lines.join(&b'\n'));
    let ack = server.append("e/p/t", FRAMED, body.clone()).await.expect(200).json();
    assert_eq!((&ack["acked_seq"], &ack["n_stored"], &ack["n_duplicate"]), (&json!(8), &json!(3), &json!(0)));
    let refused = |ack: &serde_json::Value| {
        let refused = ack["refused"].as_array().expect("some were refused").clone();
        refused.iter().map(|r| format!("{} {}", r["index"], r["code"].as_str().unwrap())).collect::<Vec<_>>()
    };
    let expect = ["1 bad_json", "3 not_a_row", "4 bad_tag", "5 system_column", "6 bad_utf8"];
    assert_eq!(refused(&ack), expect);
    assert_eq!(numbers(&server, "e/p/t").await, [0, 1, 2]);
    let again = server.append("e/p/t", FRAMED, body).await.expect(200).json();
    assert_eq!((&again["acked_seq"], &again["n_stored"], &again["n_duplicate"]), (&json!(8), &json!(0), &json!(3)));
    assert_eq!(refused(&again), expect, "asking again gives the same answer");
    let seqs: Vec<_> =
        server.rows("e/p/t", "system=true").await.iter().map(|row| row["_seq"]["$i64"].clone()).collect();
    assert_eq!(seqs, ["1", "3", "8"], "a refused row keeps its number");
    let body = "[{\"n\":3},{\"n\":[[]},{\"n\":4}]";
    assert_eq!(server.append("e/p/t", "application/json", body).await.expect(400).code(), "bad_json");
    let body = "[{\"n\":3},7,{\"n\":4}]";
    let ack = server.append("e/p/t", "application/json", body).await.expect(200).json();
    assert_eq!(refused(&ack), ["1 not_a_row"]);
    assert_eq!(numbers(&server, "e/p/t").await, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_request_of_bad_rows_alone_is_answered_with_422_and_makes_no_table() {
    let server = Server::start();
    let ack =
        server.append("e/p/t", FRAMED, framed(writer(1), 5, &["nope".into(), "[]".into()])).await.expect(422).json();
    assert_eq!((&ack["acked_seq"], &ack["n_stored"], &ack["first_offset"]), (&json!(6), &json!(0), &json!(null)));
    assert_eq!(ack["refused"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.get("/tables/e/p/t").await.expect(404).code(), "unknown_table");
}

#[tokio::test]
async fn numbered_rows_are_stored_once() {
    let server = Server::start();
    let table = "e/p/t";
    let append = async |byte, seq, range: std::ops::Range<u64>| {
        let ack = server.append(table, FRAMED, framed(writer(byte), seq, &rows(range))).await.expect(200).json();
        ["acked_seq", "n_stored", "n_duplicate", "first_offset"].map(|key| ack[key].as_u64())
    };
    assert_eq!(append(1, 1, 0..3).await, [Some(3), Some(3), Some(0), Some(0)]);
    assert_eq!(append(1, 1, 0..3).await, [Some(3), Some(0), Some(3), None], "the same again");
    assert_eq!(append(1, 2, 1..5).await, [Some(5), Some(2), Some(2), Some(3)], "overlapping");
    assert_eq!(append(1, 1, 0..1).await, [Some(1), Some(0), Some(1), None], "long ago");
    assert_eq!(append(2, 1, 5..6).await, [Some(1), Some(1), Some(0), Some(5)], "another writer");
    assert_eq!(append(1, 10, 6..7).await, [Some(10), Some(1), Some(0), Some(6)], "a gap is taken");
    assert_eq!(numbers(&server, table).await, (0..7).collect::<Vec<_>>());
    let ack = server.append("e/p/other", FRAMED, framed(writer(1), 1, &rows(0..1))).await.expect(200).json();
    assert_eq!(ack["n_stored"], 1, "numbers are a table's own");
    let path = format!("/tables/{table}/rows?writer={}&seq=10", writer(1));
    let request = server.request(reqwest::Method::POST, &path).header("content-type", NDJSON);
    let ack = server.send(request.body("{\"n\":6}\n{\"n\":7}")).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["n_duplicate"]), (&json!(1), &json!(1)), "writer and seq in the address");
}

#[tokio::test]
async fn the_same_request_many_times_at_once_is_stored_once() {
    let server = Server::start();
    let body = framed(writer(3), 1, &rows(0..50));
    let requests = (0..24).map(|_| server.append("e/p/t", FRAMED, body.clone()));
    let acks = futures::future::join_all(requests).await;
    let stored: u64 = acks.into_iter().map(|ack| ack.expect(200).json()["n_stored"].as_u64().unwrap()).sum();
    assert_eq!(stored, 50);
    assert_eq!(numbers(&server, "e/p/t").await, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_writers_at_once_make_one_total_order_that_keeps_theirs() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    let write = async |byte: u8| {
        for seq in 1..=100_u64 {
            let row = format!("{{\"w\":{byte},\"i\":{seq}}}");
            server.append("e/p/t", FRAMED, framed(writer(byte), seq, &[row])).await.expect(200);
        }
    };
    futures::join!(write(1), write(2));
    let check = async |server: &Server| {
        let rows = server.rows("e/p/t", "system=true").await;
        assert_eq!(rows.len(), 200);
        for (idx, row) in rows.iter().enumerate() {
            assert_eq!(row["_offset"]["$i64"], idx.to_string(), "offsets are dense");
        }
        for byte in [1, 2] {
            let own: Vec<_> = rows.iter().filter(|row| row["w"] == byte).collect();
            let expect: Vec<u64> = (1..=100).collect();
            assert_eq!(own.iter().map(|row| row["i"].as_u64().unwrap()).collect::<Vec<_>>(), expect);
            assert!(own.iter().all(|row| row["_writer"] == writer(byte).to_string()));
        }
    };
    check(&server).await;
    server.stop().await;
    check(&Server::start_on(&data, &[])).await;
}

#[tokio::test]
async fn rows_that_share_no_columns_cost_no_more_than_they_hold() {
    let server = Server::start_with(&["--max-columns", "1500"]);
    let lines: Vec<String> = (0..2000).map(|n| format!("{{\"c{n}\":1}}")).collect();
    let ack = server.append("e/p/t", NDJSON, lines.join("\n")).await.expect(200).json();
    assert_eq!(ack["n_stored"], 1500);
    assert_eq!(ack["refused"][0]["code"], "too_many_columns");
    let ack = server.append("e/p/t", NDJSON, "{\"c1500\":1}\n{\"c1\":2}").await.expect(200).json();
    assert_eq!(ack["n_stored"], 1, "the table's columns count over all requests");
    let rows = server.rows("e/p/t", "columns=c1,c7&from=1&limit=1500").await;
    assert_eq!(rows[0], json!({"c1": 1, "c7": null}));
    assert_eq!(rows[1499], json!({"c1": 2, "c7": null}));
}

#[tokio::test]
async fn many_requests_at_once_are_all_stored() {
    let server = Server::start();
    let requests = (0..300_u64).map(|n| server.append("e/p/t", NDJSON, format!("{{\"n\":{n}}}")));
    let acks = futures::future::join_all(requests).await;
    let mut offsets: Vec<u64> =
        acks.into_iter().map(|ack| ack.expect(200).json()["first_offset"].as_u64().unwrap()).collect();
    let stored = numbers(&server, "e/p/t").await;
    for (n, offset) in offsets.iter().enumerate() {
        assert_eq!(stored[*offset as usize], n as u64, "the answer tells where the row is");
    }
    offsets.sort_unstable();
    assert_eq!(offsets, (0..300).collect::<Vec<_>>());
}
