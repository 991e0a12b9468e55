//! Queries: what the engine answers is what a plain reading of the rows gives, once and live.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};
use streamtable_tests::{Answer, DataDir, Server};

const TABLE: &str = "e/p/t";

async fn post(server: &Server, question: &Json) -> Answer {
    server.send(server.request(Method::POST, "/query").body(question.to_string())).await
}

/// The answer to a question, which must have one.
async fn ask(server: &Server, question: &Json) -> Json {
    post(server, question).await.expect(200).json()
}

fn query(ops: &str) -> String {
    format!("table(\"{TABLE}\").rows(){ops}")
}

fn question(ops: &str) -> Json {
    json!({"query": query(ops), "rows": 10_000})
}

/// Rows with numbers, whole numbers, few texts, many texts, nulls and cells that are not there.
async fn append(server: &Server, range: std::ops::Range<u64>) {
    let mut lines = String::new();
    for n in range {
        let noise = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let _ = write!(lines, "{{\"n\":{n},\"x\":{},\"big\":{{\"$i64\":\"{noise}\"}}", (noise % 1000) as f64 / 8.0);
        let _ = write!(lines, ",\"few\":\"f{}\",\"many\":\"m{}\"", noise % 7, noise % 911);
        if n % 5 != 0 {
            let _ = write!(lines, ",\"gap\":{}", noise % 100);
        }
        lines.push_str("}\n");
    }
    server.append_lines(TABLE, &lines).await;
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| out + &format!("%{byte:02X}"))
}

/// What a row is ordered by: nulls last whichever way.
fn number(row: &Json, column: &str) -> f64 {
    let cell = &row[column];
    let tagged = || cell["$i64"].as_str().map_or(f64::INFINITY, |int| int.parse().expect("a whole number"));
    cell.as_f64().unwrap_or_else(tagged)
}

#[tokio::test]
async fn a_filter_passes_the_rows_that_a_scan_finds() {
    let server = Server::start();
    append(&server, 0..3000).await;
    for filter in [
        "row[\"x\"] < 20",
        "row[\"x\"] >= 20 && row[\"few\"] == \"f3\"",
        "row[\"few\"] == \"f1\" || row[\"n\"] > 2990",
        "row[\"gap\"] == null",
        "row[\"gap\"] > 50",
        "row[\"many\"].contains(\"m9\")",
        "row[\"_offset\"] > 2000 && row[\"_offset\"] <= 2003",
        "row[\"none\"] == 1",
        "row[\"big\"] > 1000000",
    ] {
        let expect = server.rows(TABLE, &format!("filter={}", percent_encoded(filter))).await;
        let got = ask(&server, &question(&format!(".filter(row => {filter})"))).await;
        assert_eq!(got["rows"], Json::from(expect.clone()), "{filter}");
        assert_eq!((&got["n_rows"], &got["next_offset"]), (&json!(expect.len()), &json!(3000)), "{filter}");
    }
}

#[tokio::test]
async fn a_sort_orders_as_a_list_is_sorted_and_pages_join_up() {
    let server = Server::start();
    append(&server, 0..2500).await;
    let rows = server.rows(TABLE, "").await;
    for (column, descending) in [("x", false), ("x", true), ("gap", false), ("gap", true), ("big", true)] {
        let mut expect = rows.clone();
        expect.sort_by(|a, b| {
            let (a, b) = (number(a, column), number(b, column));
            let order = a.total_cmp(&b);
            if descending && a.is_finite() && b.is_finite() { order.reverse() } else { order }
        });
        let direction = if descending { "desc" } else { "asc" };
        let sort = query(&format!(".sort(row => row[\"{column}\"], \"{direction}\")"));
        let mut got = Vec::new();
        while got.len() < expect.len() {
            let page = ask(&server, &json!({"query": sort, "first": got.len(), "rows": 700})).await;
            assert_eq!((&page["first"], &page["n_rows"]), (&json!(got.len()), &json!(2500)));
            let ids = page["row_ids"].as_array().expect("a list");
            let rows = page["rows"].as_array().expect("a list");
            assert!(ids.iter().zip(rows).all(|(id, row)| row["n"].as_u64() == id.as_u64()), "ids are offsets");
            got.extend(rows.clone());
        }
        assert!(got == expect, "by {column}, {direction}");
    }
}

#[tokio::test]
async fn groups_have_the_figures_of_their_rows() {
    let server = Server::start();
    append(&server, 0..3000).await;
    let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for row in server.rows(TABLE, "").await {
        groups.entry(row["few"].as_str().expect("a text").to_owned()).or_default().push(number(&row, "x"));
    }
    let figures =
        "[rows.count(), rows[\"x\"].sum(), rows[\"x\"].min(), rows[\"x\"].max(), rows[\"many\"].countDistinct()]";
    let ops = format!(".groupby(row => row[\"few\"], rows => {figures}).sort(row => row[\"few\"])");
    let got = ask(&server, &question(&ops)).await;
    let names: Vec<&str> = got["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["few", "count", "sum(x)", "min(x)", "max(x)", "countDistinct(many)"]);
    assert_eq!((&got["n_rows"], &got["estimates"]), (&json!(groups.len()), &json!([])));
    for (row, (key, numbers)) in got["rows"].as_array().unwrap().iter().zip(&groups) {
        assert_eq!((row["few"].as_str(), &row["count"]), (Some(&key[..]), &json!({"$i64": numbers.len().to_string()})));
        // The numbers are eighths, so that no order of adding loses a digit.
        assert_eq!(number(row, "sum(x)"), numbers.iter().sum::<f64>());
        assert_eq!(number(row, "min(x)"), numbers.iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(number(row, "max(x)"), numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }
    let quantile = ask(&server, &question(".groupby(row => [], rows => [rows[\"n\"].median()])")).await;
    assert_eq!((&quantile["rows"][0]["median(n)"], &quantile["estimates"]), (&json!(1499.5), &json!([])));
    append(&server, 3000..5000).await;
    let quantile = ask(&server, &question(".groupby(row => [], rows => [rows[\"n\"].median()])")).await;
    assert_eq!(quantile["estimates"], json!(["median(n)"]), "more than 4,000 numbers");
    assert!((quantile["rows"][0]["median(n)"].as_f64().unwrap() / 2499.5 - 1.0).abs() < 0.005);
}

#[tokio::test]
async fn computed_columns_are_shown_filtered_sorted_and_grouped_by() {
    let server = Server::start();
    append(&server, 0..2000).await;
    let rows = server.rows(TABLE, "").await;
    let half = |row: &Json| number(row, "x") / 2.0;
    let with = ".with_columns(row => {\"half\": row[\"x\"] / 2, \"few\": row[\"few\"].upper()})";

    let got =
        ask(&server, &question(&format!("{with}.filter(row => row[\"half\"] < 10).sort(row => row[\"half\"])"))).await;
    let column = |idx: usize| (got["columns"][idx]["name"].clone(), got["columns"][idx]["type"].clone());
    assert_eq!((column(3), column(6)), ((json!("few"), json!("text")), (json!("half"), json!("float"))));
    let mut expect: Vec<&Json> = rows.iter().filter(|row| half(row) < 10.0).collect();
    expect.sort_by(|a, b| half(a).total_cmp(&half(b)));
    assert_eq!(got["rows"].as_array().unwrap().len(), expect.len());
    for (got, row) in got["rows"].as_array().unwrap().iter().zip(expect) {
        assert_eq!((&got["n"], number(got, "half")), (&row["n"], half(row)));
        assert_eq!(got["few"], json!(row["few"].as_str().unwrap().to_uppercase()));
    }

    let ops = format!("{with}.groupby(row => row[\"few\"], rows => rows[\"half\"].max()).sort(row => row[\"few\"])");
    let got = ask(&server, &question(&ops)).await;
    let of = |name: &str| rows.iter().filter(|row| row["few"] == name).map(half).fold(0.0, f64::max);
    let got: Vec<(String, f64)> =
        got["rows"].as_array().unwrap().iter().map(|row| (row["few"].to_string(), number(row, "max(half)"))).collect();
    assert_eq!(got, (0..7).map(|n| (format!("\"F{n}\""), of(&format!("f{n}")))).collect::<Vec<_>>());

    let ops = ".map(row => {\"gap\": row[\"gap\"] ?? -1, \"kind\": row[\"n\"] % 2 == 0 ? \"even\" : \"odd\"})";
    let got = ask(&server, &json!({"query": query(ops), "rows": 2, "columns": ["kind", "gap", "_offset"]})).await;
    assert_eq!(got["columns"].as_array().unwrap().len(), 2, "map keeps no other columns");
    assert_eq!(got["rows"][0], json!({"kind": "even", "gap": -1, "_offset": {"$i64": "0"}}));
    assert_eq!(got["rows"][1], json!({"kind": "odd", "gap": rows[1]["gap"], "_offset": {"$i64": "1"}}));
    let gone = json!({"query": query(ops), "columns": ["n"]});
    assert_eq!(post(&server, &gone).await.expect(400).code(), "unknown_column");
}

#[tokio::test]
async fn a_window_is_the_one_that_was_asked_for() {
    let server = Server::start();
    append(&server, 0..1000).await;
    let by_n = query(".sort(row => row[\"n\"], \"desc\")");
    let first = |answer: &Json| (answer["first"].clone(), answer["rows"].as_array().unwrap().len());
    let answer = ask(&server, &json!({"query": by_n})).await;
    assert_eq!((first(&answer), &answer["row_ids"][0]), ((json!(0), 100), &json!(999)), "the first hundred");
    let answer = ask(&server, &json!({"query": by_n, "around": 500, "above": 3, "rows": 10})).await;
    assert_eq!((first(&answer), &answer["row_ids"][3]), ((json!(496), 10), &json!(500)));
    let answer = ask(&server, &json!({"query": by_n, "around": 999, "above": 3, "rows": 10})).await;
    assert_eq!(first(&answer), (json!(0), 10), "no row stands above the first");
    let answer = ask(&server, &json!({"query": by_n, "around": 5000, "above": 3, "first": 7, "rows": 10})).await;
    assert_eq!(first(&answer), (json!(7), 10), "that row is not there");
    let answer = ask(&server, &json!({"query": by_n, "first": 995})).await;
    assert_eq!(first(&answer), (json!(995), 5));
    let answer = ask(&server, &json!({"query": by_n, "first": 5000})).await;
    assert_eq!(first(&answer), (json!(1000), 0));
    let answer = ask(&server, &json!({"query": by_n, "rows": 10, "first": 3, "around": 50, "at_end": true})).await;
    assert_eq!(first(&answer), (json!(990), 10));
    let answer = ask(&server, &json!({"query": by_n, "rows": 5000, "at_end": true})).await;
    assert_eq!(first(&answer), (json!(0), 1000));
    let answer = ask(&server, &json!({"query": by_n, "rows": 3, "before": 10, "at_end": true})).await;
    assert_eq!(
        (&answer["row_ids"], &answer["n_rows"], &answer["next_offset"]),
        (&json!([2, 1, 0]), &json!(10), &json!(1000))
    );
    let counted = query(".groupby(row => [], rows => [rows.count()])");
    assert_eq!(ask(&server, &json!({"query": counted, "before": 7})).await["rows"], json!([{"count": {"$i64": "7"}}]));
    let answer = ask(&server, &json!({"query": by_n, "rows": 0, "request": 5})).await;
    assert_eq!((first(&answer), &answer["n_rows"]), ((json!(0), 0), &json!(1000)));
    let columns = json!(["_offset", "few", "_offset"]);
    let answer = ask(&server, &json!({"query": by_n, "rows": 1, "columns": columns})).await;
    assert_eq!(answer["rows"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["_offset", "few"]);
    assert_eq!(answer["rows"][0]["_offset"], json!({"$i64": "999"}));
    assert_eq!(answer["columns"].as_array().unwrap().len(), 6, "the view's columns are told whole");
}

#[tokio::test]
async fn cells_are_written_as_rows_are_read() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    let row = concat!(
        r#"{"null":null,"yes":true,"nan":{"$f64":"NaN"},"zero":{"$f64":"-0"},"int":{"$i64":"-9223372036854775808"},"#,
        r#""text":"é\u0000\"","time":{"$ts":1700000000123456},"list":[1,[{"$ts":-1}],{"$bytes":"AP8="}],"#,
        r#""media":{"$media":"data:image/png;base64,iVBORw0KGgo="},"":2,"__proto__":{"x":{"$obj":{"$f64":"NaN"}}},"#,
        r#""bytes":{"$bytes":"AAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAAECAAEC"}}"#,
    );
    server.append_lines(TABLE, &format!("{row}\n{{\"other\":1,\"int\":\"text\"}}")).await;
    let same = async |server: &Server| {
        let rows = server.get("/tables/e/p/t/rows").await.text();
        let answer = post(server, &question("")).await.expect(200);
        let (_, got) = answer.text().split_once("\"rows\":[").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(got.strip_suffix("]}").unwrap().replace("},{", "},\n{"), rows.trim_matches(['[', ']', '\n']));
        assert_eq!(answer.header("cache-control"), "no-store");
    };
    same(&server).await;
    server.stop().await;
    same(&Server::start_on(&data, &[])).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_next_answer() {
    let server = Server::start();
    let ops = [
        "",
        ".filter(row => row[\"n\"] >= 10)",
        ".sort(row => row[\"x\"], \"desc\")",
        ".groupby(row => row[\"few\"], rows => [rows.count()])",
    ];
    let mut end = 0;
    for n_rows in [1, 20, 3, 500, 1, 70_000, 2] {
        append(&server, end..end + n_rows).await;
        end += n_rows;
        for ops in ops {
            let answer = ask(&server, &question(ops)).await;
            assert_eq!(answer["next_offset"], json!(end), "{ops}");
            let counted = match &answer["rows"][0]["count"] {
                Json::Null => answer["n_rows"].as_u64().unwrap(),
                _ => answer["rows"].as_array().unwrap().iter().map(|row| number(row, "count") as u64).sum(),
            };
            let expect = if ops.contains("filter") { end.saturating_sub(10) } else { end };
            assert_eq!(counted, expect, "{ops}");
        }
    }
}

#[tokio::test]
async fn many_may_ask_while_rows_come() {
    let server = Server::start();
    append(&server, 0..5000).await;
    let write = async {
        for batch in 0..40 {
            append(&server, 5000 + batch * 50..5050 + batch * 50).await;
        }
    };
    let read = async |ops: &str| {
        let mut at = 0;
        while at < 7000 {
            let answer = ask(&server, &json!({"query": query(ops), "rows": 700})).await;
            let next = answer["next_offset"].as_u64().unwrap();
            assert!(next >= at, "an answer never goes back");
            assert_eq!(answer["n_rows"], json!(next));
            at = next;
        }
    };
    let sorts = ["x", "gap", "few", "many", "big"].map(|column| format!(".sort(row => row[\"{column}\"])"));
    let readers = sorts.iter().cycle().take(12).map(|ops| read(ops));
    let all = async { futures::join!(write, futures::future::join_all(readers)) };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("what was written is soon answered");
    let end = ask(&server, &question(&sorts[1])).await;
    assert_eq!(end["n_rows"], json!(7000));
}
