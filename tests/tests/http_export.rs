//! Whole tables as files: Parquet that other programs read, every column in every format, memory that does not grow.

use bytes::Bytes;
use futures::StreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use streamtable_tests::{DataDir, Server};

const FORMATS: [&str; 5] = ["json", "ndjson", "csv", "arrow", "parquet"];

#[tokio::test]
async fn parquet_is_one_file_of_bounded_row_groups() {
    let server = Server::start();
    // Random-looking text, so that nothing is small by compression.
    let text = |n: u64| format!("{:016x}", (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for first in (0..300_000).step_by(50_000) {
        let rows: Vec<String> =
            (first..first + 50_000).map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}", text(n))).collect();
        server.append_lines("e/p/t", &rows.join("\n")).await;
    }
    server.append_lines("e/p/t", "{\"late\":{\"$i64\":\"7\"}}").await;
    let answer = server.get("/tables/e/p/t/rows?format=parquet").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/vnd.apache.parquet");
    let file = SerializedFileReader::new(answer.body.clone()).expect("it is a Parquet file");
    let groups = file.metadata().row_groups();
    assert!(groups.len() > 1 && groups.iter().all(|group| group.num_rows() <= 256 << 10));
    let reader = ParquetRecordBatchReaderBuilder::try_new(answer.body).expect("it is a Parquet file");
    let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["n", "t", "late"]);
    let n_rows: usize = reader.build().expect("it can be read").map(|batch| batch.expect("a batch").num_rows()).sum();
    assert_eq!(n_rows, 300_001);

    let filtered = "/tables/e/p/t/rows?format=parquet&columns=t,_offset&filter=row%5B%22n%22%5D%20%3C%203";
    let answer = server.get(filtered).await.expect(200);
    let reader = ParquetRecordBatchReaderBuilder::try_new(answer.body).expect("it is a Parquet file");
    assert_eq!((reader.metadata().file_metadata().num_rows(), reader.schema().fields().len()), (3, 2));
}

#[tokio::test]
async fn browsers_are_told_to_keep_the_file() {
    let server = Server::start();
    server.append_lines("e/p/my.table", "{\"a\":1}").await;
    for format in FORMATS {
        let answer = server.get(&format!("/tables/e/p/my.table/rows?format={format}&download=true")).await.expect(200);
        assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"my.table.{format}\""));
        let answer = server.get(&format!("/tables/e/p/my.table/rows?format={format}")).await.expect(200);
        assert_eq!(answer.header("content-disposition"), "");
    }
    assert_eq!(server.get("/tables/e/p/my.table/rows?format=xlsx").await.expect(400).code(), "bad_parameter");
    assert_eq!(server.get("/tables/e/p/my.table/rows?download=maybe").await.expect(400).code(), "bad_parameter");
}

/// A batch of narrow rows in a table of many columns grows a hundredfold when every column is written.
#[tokio::test]
async fn a_table_of_many_columns_is_written_in_small_pieces() {
    let server = Server::start();
    let wide: Vec<String> = (0..2000).map(|n| format!("\"column {n}\":1")).collect();
    server.append_lines("e/p/t", &format!("{{{}}}", wide.join(","))).await;
    server.append_lines("e/p/t", &"{\"column 7\":1}\n".repeat(8_000)).await;
    for format in FORMATS {
        let (n_bytes, n_peak) = peak_while(&server, &format!("format={format}")).await;
        assert!(n_peak < 120 << 20, "{format}: {n_peak} bytes of memory for {n_bytes}");
    }
}

/// `STREAMTABLE_EXPORT_ROWS=2000000` for a table as large as the promise.
#[tokio::test]
async fn memory_does_not_grow_with_the_table() {
    let n_rows: u64 = std::env::var("STREAMTABLE_EXPORT_ROWS").map_or(600_000, |text| text.parse().expect("a number"));
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    let line = |n: u64| {
        let text: String = (0..24).map(|salt| format!("{:016x}", mixed(n * 24 + salt))).collect();
        format!("{{\"n\":{n},\"x\":0.{},\"text\":\"{text}\"}}\n", mixed(n))
    };
    let chunks = (0..n_rows.div_ceil(1000)).map(move |chunk| {
        let lines: String = (chunk * 1000..n_rows.min(chunk * 1000 + 1000)).map(line).collect();
        Ok::<_, std::io::Error>(Bytes::from(lines))
    });
    reset_peak(&server);
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let ack = server.import("e/p/t", "", "application/x-ndjson", body).await.expect(200).json();
    assert_eq!(ack["n_stored"], n_rows);
    let n_peak = peak(&server);
    println!("import of {n_rows} rows: a peak of {} MB", n_peak >> 20);
    assert!(n_peak < 150 << 20, "the import took {n_peak} bytes of memory");
    server.stop().await;

    let server = Server::start_on(&data, &[]);
    for format in FORMATS {
        let (n_bytes, n_peak) = peak_while(&server, &format!("format={format}")).await;
        println!("{format}: {} MB with a peak of {} MB", n_bytes >> 20, n_peak >> 20);
        // A row group of Parquet is held until it is complete.
        let max_peak = if format == "parquet" { 220 << 20 } else { 150 << 20 };
        assert!(n_peak < max_peak, "{format}: {n_peak} bytes of memory for {n_bytes}");
        assert!(n_bytes > n_rows * 190);
    }
}

/// A number that looks random, so that text made of it cannot be compressed away (the finalizer of SplitMix64).
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// Reads the rows of `e/p/t` to the end, keeping nothing; says how many bytes came, and the most memory the server had.
async fn peak_while(server: &Server, params: &str) -> (u64, u64) {
    reset_peak(server);
    let request = server.request(reqwest::Method::GET, &format!("/tables/e/p/t/rows?{params}"));
    let response = request.send().await.expect("it answers");
    assert_eq!(response.status(), 200);
    let mut n_bytes = 0;
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        n_bytes += piece.expect("the answer is whole").len() as u64;
    }
    (n_bytes, peak(server))
}

fn reset_peak(server: &Server) {
    let path = format!("/proc/{}/clear_refs", server.process_id());
    std::fs::write(path, "5").expect("the peak of a process of our own can be reset");
}

/// The most memory the process had at a time, in bytes.
fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a process has a peak");
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
    kib << 10
}
