//! Stopping in good order: what was taken is finished, tails are closed, and it takes no longer than two seconds.

use std::time::Duration;

use streamtable_tests::{DataDir, Server, Tail, framed, writer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn open_tails_are_closed() {
    let server = Server::start();
    server.append_lines("e/p/t", "{\"a\":1}").await;
    let mut tails = Vec::new();
    for _ in 0..5 {
        tails.push(Tail::open(&server, "e/p/t", "").await);
        tails.push(Tail::open(&server, "e/p/none", "").await);
    }
    server.ask_to_stop();
    for tail in tails {
        assert_eq!(tail.closed().await, Some((1001, "the server is stopping".to_owned())));
    }
    let (status, time) = server.ended().await;
    assert!(status.success() && time < LIMIT, "{status} after {time:?}");
}

#[tokio::test]
async fn a_server_can_be_stopped_from_the_moment_it_listens() {
    for _ in 0..10 {
        // It would be killed by the signal if it did not wait for it yet.
        Server::start().stop().await;
    }
}

#[tokio::test]
async fn a_reader_that_stopped_reading_holds_up_nothing() {
    let server = Server::start();
    let tail = Tail::open(&server, "e/p/t", "from=0").await;
    let row = format!("{{\"pad\":\"{}\"}}", "x".repeat(1 << 20));
    for seq in 1..=24 {
        server.append("e/p/t", "text/plain", framed(writer(1), seq, std::slice::from_ref(&row))).await.expect(200);
    }
    server.ask_to_stop();
    let (status, time) = server.ended().await;
    assert!(status.success() && time < LIMIT + Duration::from_secs(1), "{status} after {time:?}");
    drop(tail);
}

#[tokio::test]
async fn requests_under_way_are_finished_or_cut_off_in_time() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    // One that is being sent, and finishes after the server was told to stop.
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let head = |n_bytes: usize| {
        format!(
            "POST /api/v1/tables/e/p/slow/rows HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: {n_bytes}\r\n\r\n"
        )
    };
    let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
    slow.write_all(format!("{}{{\"a\":1}}\n", head(16)).as_bytes()).await.unwrap();
    // One that never finishes.
    let mut stuck = tokio::net::TcpStream::connect(&address).await.unwrap();
    stuck.write_all(head(1000).as_bytes()).await.unwrap();
    // And many that are quick.
    let write = async {
        let mut n_acked = 0_u64;
        for seq in 1.. {
            let body = framed(writer(1), seq, &[format!("{{\"n\":{seq}}}")]);
            let request =
                server.request(reqwest::Method::POST, "/tables/e/p/t/rows").header("content-type", "text/plain");
            match server.try_send(request.body(body)).await {
                Ok(answer) if answer.status == 200 => n_acked = seq,
                _ => break,
            }
        }
        n_acked
    };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.ask_to_stop();
        tokio::time::sleep(Duration::from_millis(200)).await;
        slow.write_all(b"{\"a\":2}\n").await.unwrap();
        let mut answer = vec![0; 12];
        slow.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 200");
    };
    let (n_acked, ()) = futures::join!(write, stop);
    let (status, time) = server.ended().await;
    assert!(status.success() && time < LIMIT, "{status} after {time:?}");
    assert!(n_acked > 5);
    assert!(!data.path().join("streamtable.db-wal").exists(), "the log is folded in");

    let server = Server::start_on(&data, &[]);
    assert_eq!(server.rows("e/p/slow", "").await.len(), 2);
    let n_rows = server.rows("e/p/t", "").await.len() as u64;
    assert!(n_rows == n_acked || n_rows == n_acked + 1, "{n_rows} rows of {n_acked} acknowledged");
}
