//! Files in: what is exported comes back, what is sent twice is stored once, what is bad is named, what is too large stops.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{Answer, DataDir, Server, framed, writer};

const CSV: &str = "text/csv";
const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";
const ARROW: &str = "application/vnd.apache.arrow.stream";
const PARQUET: &str = "application/vnd.apache.parquet";
const FORMATS: [(&str, &str); 5] =
    [("csv", CSV), ("ndjson", NDJSON), ("json", JSON), ("arrow", ARROW), ("parquet", PARQUET)];

const EVERY_TYPE: [&str; 3] = [
    concat!(
        r#"{"yes":true,"number":0.1,"big":1e300,"tiny":5e-324,"nan":{"$f64":"NaN"},"inf":{"$f64":"-Infinity"},"zero":-0.0,"#,
        r#""int":{"$i64":"9223372036854775807"},"text":"a,\"b\"\r\n日本","digits":"007","time":{"$ts":1700000000123456},"#,
        r#""list":[1,"a",null,[true],{"$ts":-1}],"object":{"b":{"$bytes":"AP8="}},"bytes":{"$bytes":"AAEC/w=="},"#,
        r#""image":{"$media":"data:image/png;base64,iVBORw0KGgo="},"a.b":1,"":2,"mixed":1,"late":null}"#
    ),
    concat!(
        r#"{"yes":false,"number":3,"big":null,"tiny":null,"nan":1,"inf":null,"zero":0,"#,
        r#""int":{"$i64":"-1"},"text":"x","digits":"1","time":{"$ts":-1},"#,
        r#""list":[],"object":{"$obj":{"$f64":"NaN"}},"bytes":{"$bytes":"aGk="},"#,
        r#""image":null,"a.b":null,"":null,"mixed":{"$ts":1700000000000000},"late":null}"#
    ),
    concat!(
        r#"{"yes":null,"number":null,"big":null,"tiny":null,"nan":null,"inf":null,"zero":null,"#,
        r#""int":null,"text":null,"digits":null,"time":null,"list":null,"object":null,"bytes":null,"#,
        r#""image":null,"a.b":null,"":null,"mixed":["a"],"late":"yes"}"#
    ),
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn what_is_exported_comes_back_in_every_format() {
    let server = Server::start();
    server.append("e/p/t", "text/plain", framed(writer(1), 1, &EVERY_TYPE.map(str::to_owned))).await.expect(200);
    let expect = server.get("/tables/e/p/t/rows?format=ndjson").await.expect(200).text();
    assert_eq!(expect, format!("{}\n", EVERY_TYPE.join("\n")));
    let columns = server.get("/tables/e/p/t").await.json()["columns"].clone();
    let types: Json = columns
        .as_array()
        .expect("a list")
        .iter()
        .map(|c| (c["name"].as_str().expect("a name").to_owned(), c["type"].clone()))
        .collect();
    let mut files = Vec::new();
    for (format, content_type) in FORMATS {
        let file = server.get(&format!("/tables/e/p/t/rows?format={format}")).await.expect(200).body;
        files.push((format, content_type, file));
    }
    for (format, content_type, file) in files {
        let params = if format == "csv" { format!("types={}", encoded(&types.to_string())) } else { String::new() };
        let table = format!("e/p/{format}");
        let ack = server.import(&table, &params, content_type, file.clone()).await.expect(200).json();
        assert_eq!(ack, json!({"acked_seq": 0, "n_stored": 3, "n_duplicate": 0, "first_offset": 0}), "{format}");
        let got = server.get(&format!("/tables/{table}/rows?format=ndjson")).await.expect(200).text();
        assert_eq!(got.lines().collect::<Vec<_>>(), expect.lines().collect::<Vec<_>>(), "{format}");
        // Into the table itself, whose types CSV then needs not be told.
        server.import("e/p/t", "", content_type, file).await.expect(200);
        let got = server.get("/tables/e/p/t/rows?format=ndjson&from=3").await.expect(200).text();
        assert!(got.ends_with(&expect), "{format} into its own table: {got}");
    }
}

/// Without types CSV says less, but loses no text.
#[tokio::test]
async fn csv_of_other_programs_is_read_as_it_looks() {
    let server = Server::start();
    let file = "\u{feff}id,zip,when,ok,note\r\n1,02139,2024-01-02T03:04:05Z,true,\r\n9007199254740993,,2024,False,\"a,\nb\"\r\n";
    server.import("e/p/t", "", CSV, file).await.expect(200);
    let rows = server.rows("e/p/t", "").await;
    assert_eq!(
        rows[0],
        json!({"id": 1, "zip": "02139", "when": {"$ts": 1_704_164_645_000_000_u64}, "ok": true, "note": null})
    );
    assert_eq!(rows[1]["id"], json!({"$i64": "9007199254740993"}));
    assert_eq!(rows[1]["note"], "a,\nb");
    let types = encoded(r#"{"id":"int"}"#);
    let ack = server.import("e/p/t", &format!("types={types}"), CSV, "id\nx\n3\n1,2\n").await.expect(200).json();
    let refused: Vec<_> =
        ack["refused"].as_array().expect("a list").iter().map(|r| (r["index"].clone(), r["code"].clone())).collect();
    assert_eq!(refused, [(json!(0), json!("bad_cell")), (json!(2), json!("bad_csv"))]);
    assert_eq!(ack["n_stored"], 1);
}

#[tokio::test]
async fn a_file_that_is_sent_again_is_stored_once() {
    let server = Server::start();
    let rows: Vec<String> = (0..120_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let (whole, half) = (rows.join("\n"), rows[..70_000].join("\n"));
    let params = format!("writer={}", writer(7));
    let ack = server.import("e/p/t", &params, NDJSON, half).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["acked_seq"]), (&json!(70_000), &json!(70_000)));
    let ack = server.import("e/p/t", &params, NDJSON, whole.clone()).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["n_duplicate"]), (&json!(50_000), &json!(70_000)));
    assert_eq!((&ack["acked_seq"], &ack["first_offset"]), (&json!(120_000), &json!(70_000)));
    let again = server.import("e/p/t", &params, NDJSON, whole).await.expect(200).json();
    assert_eq!((&again["n_stored"], &again["first_offset"]), (&json!(0), &json!(null)));
    let got = server.rows("e/p/t", "").await;
    assert!(got.len() == 120_000 && got.iter().enumerate().all(|(n, row)| row["n"] == n));
}

/// The connection breaks in the middle of a row: its beginning is a row too, and must not take the number of the whole.
#[tokio::test]
async fn an_import_that_breaks_off_is_finished_by_sending_it_again() {
    let server = Server::start();
    let rows: Vec<String> = (0..60_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let whole = rows.join("\n");
    let cut = whole.len() - 1;
    let head = format!(
        "POST /api/v1/tables/e/p/t/import?writer={} HTTP/1.1\r\nHost: x\r\nContent-Type: {NDJSON}\r\nContent-Length: {}\r\n\r\n{}",
        writer(7),
        whole.len(),
        &whole[..cut]
    );
    let address = server.url().strip_prefix("http://").expect("an address");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.expect("the server reads");
    drop(stream);
    let ack = server.import("e/p/t", &format!("writer={}", writer(7)), NDJSON, whole).await.expect(200).json();
    assert_eq!(ack["acked_seq"], 60_000);
    let got = server.rows("e/p/t", "").await;
    assert!(got.len() == 60_000 && got.iter().enumerate().all(|(n, row)| row["n"] == n));
}

#[tokio::test]
async fn rows_are_refused_by_their_index_and_the_others_stored() {
    let server = Server::start_with(&["--max-row-bytes", "100", "--max-columns", "2"]);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(200));
    let lines = [
        "{\"a\":1}",
        "[]",
        "{\"_seq\":1}",
        "{",
        &large,
        "{\"a\":1,\"b\":1,\"c\":1}",
        "{\"a\":{\"$i64\":\"x\"}}",
        "{\"a\":2}",
    ];
    let expect = ["not_a_row", "system_column", "bad_json", "row_too_large", "too_many_columns", "bad_tag"]
        .map(|code| json!(code));
    let check = |answer: Answer, n_refused: usize| {
        let ack = answer.expect(200).json();
        let codes: Vec<Json> = ack["refused"].as_array().expect("a list").iter().map(|r| r["code"].clone()).collect();
        assert_eq!(codes.len(), n_refused);
        assert!(codes.iter().all(|code| expect.contains(code)), "{codes:?}");
        assert_eq!(ack["n_stored"], 2);
    };
    check(server.import("e/p/lines", "", NDJSON, lines.join("\n")).await, 6);
    // In a list a row that does not end swallows what follows it.
    let items: Vec<&str> = lines.into_iter().filter(|line| *line != "{").collect();
    check(server.import("e/p/list", "", JSON, format!("[{}]", items.join(","))).await, 5);
    for table in ["e/p/lines", "e/p/list"] {
        assert_eq!(server.rows(table, "").await, [json!({"a": 1}), json!({"a": 2})]);
    }
    let ack = server.import("e/p/none", "", NDJSON, "[]\n1\n").await.expect(422).json();
    assert_eq!(ack["refused"].as_array().map(Vec::len), Some(2));
    server.get("/tables/e/p/none").await.expect(404);
}

#[tokio::test]
async fn files_that_are_none_have_codes_and_disturb_nothing() {
    let server = Server::start_with(&["--max-import-bytes", "400000", "--max-row-bytes", "1000"]);
    server.append_lines("e/p/t", "{\"a\":1}").await;
    let before = server.get("/tables/e/p/t").await.expect(200).text();
    let parquet = server.get("/tables/e/p/t/rows?format=parquet").await.expect(200).body;
    let arrow = server.get("/tables/e/p/t/rows?format=arrow").await.expect(200).body;
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("a Vec takes every byte");
        encoder.finish().expect("a Vec takes every byte")
    };
    let bomb = gzip(&vec![b' '; 10 << 20]);
    assert!(bomb.len() < 20_000);
    let torn = gzip(b"{\"a\":1}");
    let cases: Vec<(&str, &str, Vec<u8>, u16, &str)> = vec![
        ("", JSON, b"{\"a\":".to_vec(), 400, "bad_json"),
        ("", JSON, b"[{}".to_vec(), 400, "bad_json"),
        ("", CSV, b"a,a\n1,2\n".to_vec(), 400, "bad_csv"),
        ("", CSV, [b"a\n\"".to_vec(), b"x\n".repeat(150_000)].concat(), 413, "row_too_large"),
        ("", PARQUET, b"PAR1nothingPAR1".to_vec(), 400, "bad_parquet"),
        ("", PARQUET, parquet[..parquet.len() - 9].to_vec(), 400, "bad_parquet"),
        ("", PARQUET, Vec::new(), 400, "bad_parquet"),
        ("", ARROW, b"\xff\xff\xff\xff\x10\0\0\0nothing to be read".to_vec(), 400, "bad_arrow"),
        ("", ARROW, arrow[..arrow.len() / 2].to_vec(), 400, "bad_arrow"),
        ("", NDJSON, bomb.clone(), 413, "request_too_large"),
        ("", PARQUET, bomb.clone(), 413, "request_too_large"),
        ("", NDJSON, torn[..torn.len() / 2].to_vec(), 400, "bad_gzip"),
        ("", NDJSON, vec![b' '; 400_001], 413, "request_too_large"),
        ("", "text/plain", b"x".to_vec(), 415, "unsupported_media_type"),
        ("", "image/png", b"x".to_vec(), 415, "unsupported_media_type"),
        ("types=%7B%7D", NDJSON, b"{}".to_vec(), 400, "bad_parameter"),
        ("types=x", CSV, b"a\n1\n".to_vec(), 400, "bad_parameter"),
        ("types=%7B%22a%22:%22x%22%7D", CSV, b"a\n1\n".to_vec(), 400, "bad_parameter"),
        ("seq=1", CSV, b"a\n1\n".to_vec(), 400, "bad_parameter"),
        ("writer=xyz", CSV, b"a\n1\n".to_vec(), 400, "bad_writer"),
    ];
    for (params, content_type, body, status, code) in cases {
        let what = format!("{content_type} {params} {} bytes", body.len());
        let answer = server.import("e/p/t", params, content_type, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}: {}", answer.text());
    }
    let request = server.request(Method::POST, "/tables/e/p/t/import").header("content-type", CSV);
    assert_eq!(
        server.send(request.header("content-encoding", "br").body("x")).await.expect(415).code(),
        "unsupported_encoding"
    );
    assert_eq!(server.import("e/p/a%20b", "", CSV, "a\n").await.expect(400).code(), "name_bad_character");
    assert_eq!(server.get("/tables/e/p/t").await.expect(200).text(), before, "nothing was stored");
    let left: Vec<_> =
        std::fs::read_dir(server.data().path()).expect("it is there").flatten().map(|e| e.file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("streamtable.")), "{left:?}");
}

/// What was stored before a fault is told, and what is right is not stored twice by sending it again.
#[tokio::test]
async fn a_fault_far_into_a_file_says_how_far_it_came() {
    let server = Server::start();
    let good: Vec<String> = (0..110_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let params = format!("writer={}", writer(3));
    let broken = format!("[{},", good.join(","));
    let answer = server.import("e/p/t", &params, JSON, broken).await.expect(400);
    assert_eq!(answer.code(), "bad_json");
    let message = answer.json()["error"]["message"].as_str().expect("a text").to_owned();
    assert!(message.contains("110000 rows had been read by then and 100000 of them stored"), "{message}");
    let ack = server.import("e/p/t", &params, JSON, format!("[{}]", good.join(","))).await.expect(200).json();
    assert_eq!((&ack["n_stored"], &ack["n_duplicate"]), (&json!(10_000), &json!(100_000)));
}

#[tokio::test]
async fn a_full_disk_and_a_full_house_say_so() {
    let server = Server::start_with(&["--max-imports", "0"]);
    let answer = server.import("e/p/t", "", NDJSON, "{\"a\":1}").await.expect(503);
    assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("imports_full", "5"));
    server.append_lines("e/p/t", "{\"a\":1}").await;
    server.stop().await;

    let data = DataDir::default();
    let server = Server::start_on(&data, &["--max-data-bytes", "1000000"]);
    server.append_lines("e/p/t", "{\"a\":1}").await;
    let rows: String =
        (0..30_000_u64).map(|n| format!("{{\"a\":\"{:0200x}\"}}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    assert_eq!(server.import("e/p/t", "", NDJSON, rows.clone()).await.expect(507).code(), "disk_full");
    server.stop().await;
    let server = Server::start_on(&data, &[]);
    assert_eq!(server.rows("e/p/t", "limit=1").await, [json!({"a": 1})]);
    server.import("e/p/t", "", NDJSON, rows).await.expect(200);
}

#[tokio::test]
async fn a_gzipped_file_is_known_by_its_header_or_by_its_bytes() {
    let server = Server::start();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"a\n1\n").expect("a Vec takes every byte");
    let bytes = encoder.finish().expect("a Vec takes every byte");
    server.import("e/p/t", "", CSV, bytes.clone()).await.expect(200);
    let request = server.request(Method::POST, "/tables/e/p/t/import").header("content-type", CSV);
    server.send(request.header("content-encoding", "gzip").body(bytes)).await.expect(200);
    assert_eq!(server.rows("e/p/t", "").await, [json!({"a": 1}), json!({"a": 1})]);
}
