//! Very many tables, very many columns, very many readers: all are there, each whole, before and after a restart.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::Value;
use serde_json::json;
use streamtable_tests::{DataDir, Server, Tail, framed, writer};

const N_TABLES: usize = 2_000;
const N_COLUMNS: usize = 2_000;
const N_WIDE_ROWS: usize = 20;
const N_MAKERS: usize = 16;
const N_READERS: usize = 300;

fn table(n: usize) -> String {
    format!("e/many/t{n:05}")
}

async fn make_tables(server: &Arc<Server>) {
    let makers = (0..N_MAKERS).map(|maker| {
        let server = Arc::clone(server);
        tokio::spawn(async move {
            for n in (maker..N_TABLES).step_by(N_MAKERS) {
                server.append_lines(&table(n), &format!("{{\"n\":{n}}}")).await;
            }
        })
    });
    for maker in makers.collect::<Vec<_>>() {
        maker.await.expect("every table is made");
    }
}

fn wide_rows(first: usize) -> Vec<String> {
    let row = |n: usize| {
        let cells: Vec<String> =
            (0..N_COLUMNS).map(|column| format!("\"c{column}\":{}", n * N_COLUMNS + column)).collect();
        format!("{{{}}}", cells.join(","))
    };
    (first..first + N_WIDE_ROWS).map(row).collect()
}

async fn check(server: &Server) {
    let list = server.get("/tables").await.expect(200).json();
    let names: Vec<&str> =
        list["tables"].as_array().expect("a list").iter().filter_map(|table| table["name"].as_str()).collect();
    let expect: BTreeSet<String> = (0..N_TABLES).map(table).chain(["e/p/wide".to_owned()]).collect();
    assert!(names.iter().copied().eq(expect.iter().map(String::as_str)), "each once, by name");

    let info = server.get("/tables/e/p/wide").await.expect(200).json();
    assert_eq!((info["n_rows"].as_u64(), info["columns"].as_array().map(Vec::len)), (Some(20), Some(N_COLUMNS)));
    let rows = Tail::open(server, "e/p/wide", "from=0").await.take(N_WIDE_ROWS).await;
    for (n, row) in rows.iter().enumerate() {
        for column in [0, 1, 999, N_COLUMNS - 1] {
            let expect = (n * N_COLUMNS + column) as f64;
            assert_eq!(row.get(&format!("c{column}")).and_then(Value::as_f64), Some(expect), "row {n}");
        }
    }
    let question = json!({ "query": r#"table("e/p/wide").rows().sort(row => row["c7"], "desc")"#, "rows": 1, "columns": ["c1999"] });
    let request = server.request(reqwest::Method::POST, "/query").json(&question);
    let answer = server.send(request).await.expect(200).json();
    assert_eq!(answer["rows"][0]["c1999"], json!((N_WIDE_ROWS * N_COLUMNS - 1) as f64), "{answer}");

    for n in [0, 1, N_TABLES / 2, N_TABLES - 1] {
        assert_eq!(server.rows(&table(n), "").await, [json!({ "n": n as f64 })]);
    }
}

#[tokio::test]
async fn many_tables_and_many_columns_are_all_there_after_a_restart() {
    let data = DataDir::default();
    let server = Arc::new(Server::start_on(&data, &[]));
    make_tables(&server).await;
    server.append("e/p/wide", "text/plain", framed(writer(1), 1, &wide_rows(0))).await.expect(200);
    check(&server).await;
    Arc::into_inner(server).expect("its makers have ended").stop().await;
    let server = Server::start_on(&data, &[]);
    check(&server).await;
    let again = server.append("e/p/wide", "text/plain", framed(writer(1), 1, &wide_rows(0))).await.expect(200).json();
    assert_eq!((again["n_stored"].as_u64(), again["n_duplicate"].as_u64()), (Some(0), Some(20)), "{again}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_readers_is_fed() {
    let server = Server::start();
    let mut tails = Vec::new();
    for _ in 0..N_READERS {
        tails.push(Tail::open(&server, "e/p/t", "").await);
    }
    for batch in 0..5 {
        let rows: Vec<String> = (0..50).map(|n| format!("{{\"n\":{}}}", batch * 50 + n)).collect();
        server.append("e/p/t", "text/plain", framed(writer(1), batch * 50 + 1, &rows)).await.expect(200);
    }
    for tail in &mut tails {
        let rows = tail.take(250).await;
        let numbers = rows.iter().map(|row| row.get("n").and_then(Value::as_f64));
        assert!(numbers.eq((0..250).map(|n| Some(f64::from(n)))), "in order, none missed, none twice");
    }
}
