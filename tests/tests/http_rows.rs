//! Reading back: every cell type exactly, in every format; ranges, filters, columns.

use std::io::Read;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;
use flate2::read::GzDecoder;
use serde_json::{Value as Json, json};
use streamtable_tests::{Answer, DataDir, Server, framed, writer};

/// A row of every cell type, as JSON in the form the server writes.
const EVERY_TYPE: &str = concat!(
    r#"{"null":null,"yes":true,"no":false,"number":0.1,"big":1e300,"tiny":5e-324,"nan":{"$f64":"NaN"},"#,
    r#""inf":{"$f64":"Infinity"},"neg inf":{"$f64":"-Infinity"},"zero":-0.0,"int":{"$i64":"1152921504606846976"},"#,
    r#""least":{"$i64":"-9223372036854775808"},"text":"","é 🦀":"日本\n\u0000\"\\","time":{"$ts":1700000000123456},"#,
    r#""list":[1,"a",null,[true],{"$ts":-1}],"object":{"b":{"c":[{"d":{"$bytes":"AP8="}}]},"__proto__":{"x":1}},"#,
    r#""bytes":{"$bytes":"AAEC/w=="},"image":{"$media":"data:image/png;base64,iVBORw0KGgo="},"a.b":1,"":2,"#,
    r#""__proto__":{"polluted":true},"constructor":"c","literal":{"$obj":{"$f64":"NaN"}}}"#,
);

#[tokio::test]
async fn every_cell_type_comes_back_exactly() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    server.append("e/p/t", "text/plain", framed(writer(1), 1, &[EVERY_TYPE.to_owned()])).await.expect(200);
    check_every_type(&server).await;
    server.stop().await;
    check_every_type(&Server::start_on(&data, &[])).await;
}

async fn check_every_type(server: &Server) {
    // The bytes themselves are compared: a parser in between would hide a lost digit or sign.
    let answer = server.get("/tables/e/p/t/rows?format=ndjson").await.expect(200);
    assert_eq!(answer.text(), format!("{EVERY_TYPE}\n"));
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let answer = server.get("/tables/e/p/t/rows").await.expect(200);
    assert_eq!(answer.text(), format!("[\n{EVERY_TYPE}\n]\n"));

    let batch = arrow(&server.get("/tables/e/p/t/rows?format=arrow").await.expect(200)).remove(0);
    let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("{name}"));
    let float = |name: &str| column(name).as_primitive::<Float64Type>().value(0);
    assert!(float("nan").is_nan());
    assert_eq!(float("zero").to_bits(), (-0.0_f64).to_bits());
    assert_eq!((float("inf"), float("neg inf"), float("tiny")), (f64::INFINITY, f64::NEG_INFINITY, 5e-324));
    assert_eq!(column("int").as_primitive::<Int64Type>().value(0), 1 << 60);
    assert_eq!(column("least").as_primitive::<Int64Type>().value(0), i64::MIN);
    assert_eq!(column("time").as_primitive::<TimestampMicrosecondType>().value(0), 1_700_000_000_123_456);
    assert_eq!(column("é 🦀").as_string::<i32>().value(0), "日本\n\0\"\\");
    assert_eq!(column("text").as_string::<i32>().value(0), "");
    assert_eq!(column("bytes").as_binary::<i32>().value(0), [0, 1, 2, 255]);
    assert_eq!(column("image").as_struct().column(0).as_string::<i32>().value(0), "image/png");
    assert!(column("yes").as_boolean().value(0) && !column("no").as_boolean().value(0));
    assert_eq!(column("null").logical_null_count(), 1);
    assert_eq!(column("__proto__").as_string::<i32>().value(0), r#"{"polluted":true}"#);
    assert_eq!(column("").as_primitive::<Float64Type>().value(0), 2.0);

    let csv =
        server.get("/tables/e/p/t/rows?format=csv&columns=yes,nan,zero,int,time,text,bytes,image,a.b,__proto__,").await;
    let text = csv.expect(200).text();
    let (header, row) = text.split_once("\r\n").expect("two lines");
    assert_eq!(header, "yes,nan,zero,int,time,text,bytes,image,a.b,__proto__,");
    let expect =
        "true,NaN,-0,1152921504606846976,2023-11-14T22:13:20.123456Z,,AAEC/w==,\"data:image/png;base64,iVBORw0KGgo=\"";
    assert_eq!(row, format!("{expect},1,\"{{\"\"polluted\"\":true}}\",2\r\n"));

    let info = server.get("/tables/e/p/t").await.expect(200).json();
    let columns = info["columns"].as_array().expect("a list").iter();
    let types: Vec<&str> = columns.map(|column| column["type"].as_str().expect("a name")).collect();
    assert_eq!(
        types.join(" "),
        "null bool bool float float float float float float float int int text text time nested \
         nested bytes media float float nested text nested"
            .replace("         ", "")
    );
}

fn arrow(answer: &Answer) -> Vec<RecordBatch> {
    assert_eq!(answer.header("content-type"), "application/vnd.apache.arrow.stream");
    let reader = StreamReader::try_new(&answer.body[..], None).expect("an Arrow stream");
    reader.map(|batch| batch.expect("a whole batch")).collect()
}

#[tokio::test]
async fn a_column_of_many_types_keeps_every_value() {
    let server = Server::start();
    let cells = [
        "1",
        "\"a\"",
        "{\"$i64\":\"5\"}",
        "null",
        "true",
        "{\"$ts\":7}",
        "[1]",
        "{\"$media\":\"data:image/png;base64,AA==\"}",
    ];
    for cell in cells {
        server.append_lines("e/p/t", &format!("{{\"x\":{cell}}}")).await;
    }
    let text = server.get("/tables/e/p/t/rows?format=ndjson").await.text();
    let expect: String = cells.iter().map(|cell| format!("{{\"x\":{cell}}}\n")).collect();
    assert_eq!(text, expect);
    assert_eq!(server.get("/tables/e/p/t").await.json()["columns"], json!([{"name": "x", "type": "mixed"}]));
    let batches = arrow(&server.get("/tables/e/p/t/rows?format=arrow").await);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), cells.len());

    server.append_lines("e/p/wide", "{\"x\":{\"$i64\":\"1152921504606846977\"}}\n{\"x\":0.5}").await;
    let text = server.get("/tables/e/p/wide/rows?format=ndjson").await.text();
    assert_eq!(text, "{\"x\":{\"$i64\":\"1152921504606846977\"}}\n{\"x\":0.5}\n");
    assert_eq!(server.get("/tables/e/p/wide").await.json()["columns"], json!([{"name": "x", "type": "float"}]));
}

#[tokio::test]
async fn rows_with_other_columns_have_nulls() {
    let server = Server::start();
    server.append_lines("e/p/t", "{\"a\":1}\n{\"b\":2}").await;
    server.append_lines("e/p/t", "{\"c\":3}\n{}").await;
    let expect = json!([
        {"a": 1, "b": null, "c": null},
        {"a": null, "b": 2, "c": null},
        {"a": null, "b": null, "c": 3},
        {"a": null, "b": null, "c": null},
    ]);
    assert_eq!(Json::from(server.rows("e/p/t", "").await), expect);
    assert_eq!(server.get("/tables/e/p/t/rows?format=csv").await.text(), "a,b,c\r\n1,,\r\n,2,\r\n,,3\r\n,,\r\n");
}

async fn numbered(server: &Server, n_rows: u64, rows_a_request: usize) {
    let rows: Vec<String> = (0..n_rows).map(|n| format!("{{\"n\":{n},\"even\":{}}}", n % 2 == 0)).collect();
    for chunk in rows.chunks(rows_a_request) {
        server.append_lines("e/p/t", &chunk.join("\n")).await;
    }
}

#[tokio::test]
async fn any_range_can_be_read() {
    let server = Server::start();
    numbered(&server, 100, 7).await;
    for (from, limit) in [(0, 100), (0, 1), (6, 2), (7, 7), (50, 1000), (99, 5), (100, 5), (1000, 5), (0, 0)] {
        let rows = server.rows("e/p/t", &format!("from={from}&limit={limit}")).await;
        let got: Vec<u64> = rows.iter().map(|row| row["n"].as_u64().unwrap()).collect();
        assert_eq!(got, (0..100).skip(from).take(limit).collect::<Vec<u64>>(), "from {from}, {limit} rows");
    }
    let rows = server.rows("e/p/t", "from=97&system=true").await;
    assert_eq!(rows[0]["_offset"], json!({"$i64": "97"}));
    assert_eq!((&rows[0]["_writer"], &rows[0]["_seq"]), (&json!(null), &json!(null)), "nobody numbered them");
    assert!(rows[0]["_received"]["$ts"].as_i64().unwrap() > 1_700_000_000_000_000);
    assert_eq!(
        server.rows("e/p/t", "columns=_offset,even&limit=1").await,
        [json!({"_offset": {"$i64": "0"}, "even": true})]
    );
    for format in ["csv", "arrow", "ndjson"] {
        let whole = server.get(&format!("/tables/e/p/t/rows?format={format}&from=100")).await.expect(200);
        assert!(whole.body.len() < 1000, "no rows in {format}");
    }
}

#[tokio::test]
async fn a_filter_lets_rows_pass() {
    let server = Server::start();
    numbered(&server, 100, 33).await;
    let rows = server.rows("e/p/t", "filter=row%5B%22n%22%5D%20%3E=%2090%20%26%26%20row%5B%22even%22%5D").await;
    assert_eq!(rows.iter().map(|row| row["n"].as_u64().unwrap()).collect::<Vec<_>>(), [90, 92, 94, 96, 98]);
    let rows = server.rows("e/p/t", "filter=row%5B%22even%22%5D&from=10&limit=3&columns=n").await;
    assert_eq!(rows, [json!({"n": 10}), json!({"n": 12}), json!({"n": 14})], "the limit counts what passes");
    let rows = server.rows("e/p/t", "filter=row%5B%22_offset%22%5D%20==%205").await;
    assert_eq!(rows[0]["n"], 5);
    assert!(server.rows("e/p/t", "filter=row%5B%22n%22%5D%20%3E%20100").await.is_empty());
}

#[tokio::test]
async fn a_large_table_is_read_whole_in_every_format() {
    let server = Server::start();
    let pad = "x".repeat(100);
    let rows: Vec<String> = (0..60_000).map(|n| format!("{{\"n\":{n},\"pad\":\"{pad}\"}}")).collect();
    for (idx, chunk) in rows.chunks(20_000).enumerate() {
        server.append("e/p/t", "text/plain", framed(writer(1), 1 + 20_000 * idx as u64, chunk)).await.expect(200);
    }
    let json = server.rows("e/p/t", "columns=n").await;
    assert!(json.iter().enumerate().all(|(idx, row)| row["n"] == idx) && json.len() == 60_000);
    let batches = arrow(&server.get("/tables/e/p/t/rows?format=arrow").await);
    let numbers = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Float64Type>().values().to_vec());
    assert!(numbers.eq((0..60_000).map(f64::from)));
    let csv = server.get("/tables/e/p/t/rows?format=csv").await.text();
    assert_eq!(csv.lines().count(), 60_001);
    let request = server.request(reqwest::Method::GET, "/tables/e/p/t/rows").header("accept-encoding", "gzip");
    let zipped = request.send().await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let (zipped, mut plain) = (zipped.bytes().await.unwrap(), Vec::new());
    GzDecoder::new(&zipped[..]).read_to_end(&mut plain).unwrap();
    assert!(plain == server.get("/tables/e/p/t/rows").await.body, "gzip changes nothing");
    assert!(zipped.len() * 4 < plain.len());
}

#[tokio::test]
async fn tables_are_listed_with_what_they_hold() {
    let server = Server::start();
    assert_eq!(server.get("/tables").await.expect(200).json(), json!({"tables": []}));
    server.append_lines("b/p/t", "{\"x\":1}\n{\"x\":2}").await;
    server.append_lines("a/p/t", "{\"y\":\"z\"}").await;
    let list = server.get("/tables").await.json();
    let names: Vec<&str> = list["tables"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/p/t", "b/p/t"]);
    let info = server.get("/tables/b/p/t").await.expect(200).json();
    assert_eq!(info, list["tables"][1]);
    assert_eq!((&info["n_rows"], &info["columns"]), (&json!(2), &json!([{"name": "x", "type": "float"}])));
    assert_eq!(info["rows_per_second"], 0.2);
    assert!(info["n_bytes"].as_u64().unwrap() > 100 && info["last_received_micros"].as_i64().is_some());
}
