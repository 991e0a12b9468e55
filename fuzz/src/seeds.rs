//! Inputs to begin with, one or more of each form that a target reads.

use std::path::PathBuf;
use std::{env, fs, io};

use model::{Batch, Schema, WriterId};
use wire::append::Header;
use wire::arrow::StreamEncoder;
use wire::files::ParquetEncoder;
use wire::stream::{Change, Message, MessageId, RowsOrigin, cut};

use crate::sample_rows;

/// Writes the inputs of a target into the folder that its command line names first, where libFuzzer then finds them.
///
/// # Panics
/// When they cannot be written.
pub(crate) fn plant(target: &str) {
    let folder = env::args().skip(1).find(|arg| !arg.starts_with('-')).map(PathBuf::from).filter(|dir| dir.is_dir());
    if let Some(dir) = folder {
        let put = |of: &str, name: &str, bytes: &[u8]| {
            if of == target { fs::write(dir.join(format!("seed-{name}")), bytes) } else { Ok(()) }
        };
        write_all(&put).expect("the folder can be written");
    }
}

fn write_all(put: &dyn Fn(&str, &str, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let (lines, batch) = (lines(), sample_rows().into_iter().collect::<Batch>());
    let mut schema = Schema::default();
    batch.merge_schema(&mut schema);
    let mut header = String::new();
    Header { writer: WriterId::from_bytes([7; 16]), seq: 17, key: Some("k".to_owned()) }.encode(&mut header);
    let list = format!("[{}]", lines.trim_end().replace('\n', ","));
    let csv = "b,i,f,t,s,y,m,n,x,other\ntrue,1,-0.5,2024-02-29T12:00:00Z,\"a,\"\"b\",AP8=,,[1],{},7\n,,,,,,,,,\n";
    let (mut arrow, mut parquet) = (StreamEncoder::new(schema.clone()), ParquetEncoder::new(schema));
    let arrow = [arrow.encode(&batch), arrow.finish()].concat();
    let parquet = [parquet.encode(&batch), parquet.finish()].concat();
    let frame = wire::arrow::encode_frame(3, &batch);

    let framed = format!("{header}{lines}");
    put("rows", "framed", framed.as_bytes())?;
    put("rows", "lines", lines.as_bytes())?;
    put("rows", "list", list.as_bytes())?;
    put("frame", "rows", &frame)?;
    for (kind, file) in [("c", csv.as_bytes()), ("l", lines.as_bytes()), ("j", list.as_bytes()), ("a", &arrow)] {
        put("files", kind, &[kind.as_bytes(), file].concat())?;
    }
    put("parquet", "rows", &parquet)?;
    for (idx, message) in messages(batch).iter().enumerate() {
        let body = message.encode();
        put("message", &format!("body-{idx}"), &body)?;
        put("message", &format!("piece-{idx}"), &cut(MessageId { lane: [9; 16], number: 5 }, &body)[0])?;
    }
    for (idx, text) in QUERIES.iter().enumerate() {
        put("query", &idx.to_string(), text.as_bytes())?;
        let asked = serde_json::json!({ "query": text.replace("\"t\"", "\"e/p/t\""), "first": 1, "rows": 5 });
        put("request", &format!("8-{idx}"), format!("\x08\n{asked}").as_bytes())?;
    }
    for (idx, text) in NAMES.iter().enumerate() {
        put("name", &idx.to_string(), text.as_bytes())?;
    }
    put("journal", "none", &[])?;
    put("journal", "two", &[2, 0, 1, 0, 1, 0, 0, 0, 5, 0, 32, 0, 9, 9, 9, 9])?;
    let writer = "writer=07070707070707070707070707070707&seq=1";
    let bodies: [(u8, &str, &[u8]); 12] = [
        (0, "", framed.as_bytes()),
        (1, writer, lines.as_bytes()),
        (2, "", list.as_bytes()),
        (3, "types=%7B%22x%22%3A%22mixed%22%7D", csv.as_bytes()),
        (4, writer, lines.as_bytes()),
        (5, "", list.as_bytes()),
        (6, "", &arrow),
        (7, "", &parquet),
        (9, "from=1&limit=2&format=csv&columns=int,text&system=true&filter=row%5B%22int%22%5D%3E1", b""),
        (9, "format=parquet", b""),
        (10, "", b"{\"max_age_seconds\":90,\"max_rows\":5}"),
        (11, "", b""),
    ];
    for (idx, (kind, query, body)) in bodies.into_iter().enumerate() {
        put("request", &idx.to_string(), &[&[kind], query.as_bytes(), b"\n", body].concat())?;
    }
    Ok(())
}

fn lines() -> String {
    let mut lines = String::new();
    for row in sample_rows() {
        wire::json::encode_row(row.iter(), &mut lines);
        lines.push('\n');
    }
    lines
}

fn messages(batch: Batch) -> Vec<Message> {
    let seqs = vec![4, 5, 9];
    let origin = Some(RowsOrigin { writer: WriterId::from_bytes([7; 16]), seqs, last_seq: 9 });
    let changes = [
        Change::Rows { origin, batches: vec![batch.clone()] },
        Change::Rows { origin: None, batches: vec![batch] },
        Change::Delete,
        Change::Retain(Some([Some(1), None, Some(3)])),
        Change::Retain(None),
        Change::Drop { created_micros: 7, first_offset: 9 },
    ];
    let table = model::TableName::parse("e/p/t").expect("it is a name");
    changes.map(|change| Message { received_micros: 1_700_000_000_000_000, table: table.clone(), change }).into()
}

const QUERIES: [&str; 12] = [
    r#"table("t").rows()"#,
    r#"table("t").rows().filter(row => row["a"] < 0.5 && !(row["text"].contains("x") || row["int"] == null))"#,
    r#"table("t").rows().sort(row => row["a"], "desc").limit(5).offset(1)"#,
    r#"table("t").rows().groupby(row => row["text"]).agg(count(), avg("a"), quantile("a", 0.9))"#,
    r#"table("t").rows().last("5m")"#,
    r#"table("t").rows().with_columns({ "b": row => row["a"] * 2 + 1 })"#,
    r#"table("t").rows().map(row => { "b": row["int"] % 3 })"#,
    r#"row["a"] + 1 - 2 * 3 / 4 % 5 ** 2"#,
    r#"row["text"].lower().matches("^a+$") ? 1 : "x""#,
    r#"row["time"].year() == 2024 && row["list"][0] != row["object"]["a.b"]"#,
    r#"-row["int"].abs().round() >= timestamp("2024-02-29T12:00:00Z")"#,
    r#"row => row["mixed"].length()"#,
];

const NAMES: [&str; 9] = [
    "t",
    "p/t",
    "e/p/t",
    "t\0p\0e",
    "5m",
    "sv-SE",
    "2024-02-29T12:00:00.000001+01:00",
    "^a+(b|c)$",
    "07070707070707070707070707070707",
];
