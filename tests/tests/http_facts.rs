//! What a column holds, as a plain reading of the rows tells it.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use streamtable_tests::Server;

const TABLE: &str = "e/p/t";

async fn facts(server: &Server, params: &str) -> Json {
    server.get(&format!("/tables/{TABLE}/facts?{params}")).await.expect(200).json()
}

async fn append(server: &Server, range: std::ops::Range<u64>) {
    let line = |n: u64| match n % 10 {
        0 => format!("{{\"n\":{n}}}"),
        _ => format!("{{\"n\":{n},\"few\":\"f{}\",\"when\":{{\"$ts\":{}}}}}", n * n % 7, n * 1000),
    };
    server.append_lines(TABLE, &range.map(line).collect::<Vec<_>>().join("\n")).await;
}

#[tokio::test]
async fn ranges_histograms_and_values_are_those_of_the_rows() {
    let server = Server::start();
    append(&server, 0..900).await;
    append(&server, 900..1000).await;
    let n = facts(&server, "column=n&bins=4&values=3").await;
    assert_eq!((&n["range"], &n["histogram"]), (&json!([0.0, 999.0]), &json!([250, 250, 250, 250])));
    assert_eq!(n["is_complete"], json!(false));
    assert_eq!(n["values"], json!([0, 1, 2].map(|n| json!({"value": n, "n_rows": 1}))), "equals by value");

    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for n in (0..1000_u64).filter(|n| n % 10 != 0) {
        *counts.entry(format!("f{}", n * n % 7)).or_default() += 1;
    }
    let few = facts(&server, "column=few").await;
    assert_eq!((&few["range"], &few["histogram"], &few["is_complete"]), (&json!(null), &json!([]), &json!(true)));
    let told = few["values"].as_array().unwrap();
    for (value, n_rows) in &counts {
        assert!(told.contains(&json!({"value": value, "n_rows": n_rows})), "{value}");
    }
    assert!(told.contains(&json!({"value": null, "n_rows": 100})));
    assert_eq!(told.len(), counts.len() + 1);
    let counts: Vec<u64> = told.iter().map(|value| value["n_rows"].as_u64().unwrap()).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "the most frequent first");

    let when = facts(&server, "column=when&values=1").await;
    assert_eq!(when["range"], json!([1000.0, 999_000.0]));
    assert_eq!(when["values"][0], json!({"value": null, "n_rows": 100}));
    assert_eq!(facts(&server, "column=_offset&bins=2").await["histogram"], json!([500, 500]));
    // A column that a query computes, or puts in the place of the table's.
    let query = r#"table("e/p/t").rows().with_columns(row => {"half": row["n"] / 2, "n": row["n"] > 9})"#;
    let query =
        query.replace('"', "%22").replace(' ', "%20").replace('>', "%3E").replace('{', "%7B").replace('}', "%7D");
    assert_eq!(facts(&server, &format!("column=half&query={query}")).await["range"], json!([0.0, 499.5]));
    let n = facts(&server, &format!("column=n&query={query}")).await;
    assert_eq!(n["values"], json!([{"value": true, "n_rows": 990}, {"value": false, "n_rows": 10}]));
    // Rows that were acknowledged count at once.
    append(&server, 1000..1001).await;
    assert_eq!(facts(&server, "column=n").await["range"], json!([0.0, 1000.0]));
}

#[tokio::test]
async fn what_is_not_there_is_told_by_its_code() {
    let server = Server::start();
    append(&server, 0..3).await;
    let code = async |path: &str, status: u16| server.get(path).await.expect(status).code().to_owned();
    let of = |params: &str| format!("/tables/{TABLE}/facts{params}");
    assert_eq!(code("/tables/e/p/none/facts?column=n", 404).await, "unknown_table");
    assert_eq!(code(&of("?column=none"), 400).await, "unknown_column");
    for params in ["", "?column=n&bins=x", "?columns=n"] {
        assert_eq!(code(&of(params), 400).await, "bad_parameter", "{params}");
    }
    for query in ["table(", "table(%22e/p/other%22).rows()"] {
        assert_eq!(code(&of(&format!("?column=n&query={query}")), 400).await, "bad_query", "{query}");
    }
    assert_eq!(code(&of("?column=n&values=10001"), 400).await, "too_many_rows");
    let small = Server::start_with(&["--max-query-memory-bytes", "1"]);
    append(&small, 0..3).await;
    assert_eq!(small.get(&of("?column=n")).await.expect(422).code(), "table_too_large");
}
