//! The Rust client and a server that speaks TLS. Whom a process trusts is settled when it first connects, so each trust has a
//! process of its own: this program, run again.

use std::process::Command;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use streamtable::{DeliveryError, Notice, Options, Row, RowsQuery, StreamTable, TailEvent};
use streamtable_tests::{Certificate, CertificateFiles, DataDir, Server};

const PATIENCE: Duration = Duration::from_secs(30);
/// Says to the program that was run again where the server is.
const SERVER: &str = "STREAMTABLE_TEST_SERVER";
/// Where a program finds whom it trusts.
const TRUSTED: &str = "SSL_CERT_FILE";

/// Runs this program again, as one that trusts the certificates of a file, for one of its tests.
fn run_again(test: &str, server: &Server, trusted: &std::path::Path) {
    let mut program = Command::new(std::env::current_exe().expect("it runs"));
    program.args(["--exact", test, "--nocapture"]).env(SERVER, server.url()).env(TRUSTED, trusted);
    let output = program.env_remove("SSL_CERT_DIR").output().expect("it is a program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn open(server: String) -> StreamTable {
    let options = Options { server, max_retry_millis: 200, ..Options::default() };
    StreamTable::new("e/p/t", options).expect("the name is one")
}

#[tokio::test]
async fn rows_go_and_come_over_tls() {
    let Ok(server) = std::env::var(SERVER) else {
        let data = DataDir::default();
        let files = CertificateFiles::create(&data, &Certificate::generate());
        let flags = files.flags();
        let server = Server::start_on(&data, &flags.each_ref().map(String::as_str));
        return run_again("rows_go_and_come_over_tls", &server, &files.cert);
    };
    assert!(server.starts_with("https://"));
    let table = open(server);
    table.log((0..3).map(|n| Row::from_iter([("n", n)])).collect::<Vec<Row>>()).unwrap();
    let all = async {
        table.flush().await;
        assert_eq!(table.rows(RowsQuery::default()).try_collect::<Vec<Row>>().await.unwrap().len(), 3);
        let mut tail = table.subscribe(Some(0));
        assert!(matches!(tail.next().await, Some(TailEvent::Hello { next_offset: 3, .. })));
        assert!(matches!(tail.next().await, Some(TailEvent::Batch(stored)) if stored.batch.n_rows() == 3));
    };
    tokio::time::timeout(PATIENCE, all).await.expect("it is done in time");
}

#[tokio::test]
async fn rows_wait_where_the_certificate_is_not_trusted() {
    let Ok(server) = std::env::var(SERVER) else {
        let (data, others) = (DataDir::default(), DataDir::default());
        let files = CertificateFiles::create(&data, &Certificate::generate());
        let other = CertificateFiles::create(&others, &Certificate::generate());
        let flags = files.flags();
        let server = Server::start_on(&data, &flags.each_ref().map(String::as_str));
        return run_again("rows_wait_where_the_certificate_is_not_trusted", &server, &other.cert);
    };
    let table = open(server);
    let mut notices = table.notices();
    table.log(Row::from_iter([("n", 1)])).unwrap();
    let told = async {
        loop {
            if let Ok(Notice::Error(DeliveryError::Network(reason))) = notices.recv().await {
                return reason;
            }
        }
    };
    let reason = tokio::time::timeout(PATIENCE, told).await.expect("it is told in time");
    assert!(reason.contains("certificate"), "{reason}");
    assert_eq!((table.status().queued, table.status().rejected), (1, 0), "it waits");
    let mut tail = table.subscribe(None);
    let event = tokio::time::timeout(PATIENCE, tail.next()).await.expect("it is told in time");
    let Some(TailEvent::Reconnecting { reason, .. }) = event else { panic!("it may not follow: {event:?}") };
    assert!(reason.contains("certificate"), "{reason}");
}
