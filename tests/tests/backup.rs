//! A backup that is made while writers go on: it opens, and has what was acknowledged before it began.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use streamtable_tests::{DataDir, Server, framed, writer};

const N_WRITERS: u8 = 4;
const TABLE: &str = "e/p/t";

fn backup(data: &DataDir, to: &std::path::Path) -> (bool, String) {
    let (data, to) = (data.path().to_str().expect("a text"), to.to_str().expect("a text"));
    let (status, text) = Server::run_command(&["backup", "--data", data, "--to", to]);
    (status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_writers_go_on_is_whole() {
    let data = DataDir::default();
    let server = Server::start_on(&data, &[]);
    let acked: Vec<AtomicU64> = (0..N_WRITERS).map(|_| AtomicU64::new(0)).collect();
    let done = AtomicBool::new(false);
    let writers = (0..N_WRITERS).map(|byte| {
        let (server, acked, done) = (&server, &acked[usize::from(byte)], &done);
        async move {
            let mut seq = 1;
            while !done.load(Ordering::Relaxed) {
                let rows: Vec<String> = (seq..seq + 20).map(|n| format!("{{\"w\":{byte},\"i\":{n}}}")).collect();
                server.append(TABLE, "text/plain", framed(writer(byte), seq, &rows)).await.expect(200);
                seq += 20;
                acked.store(seq - 1, Ordering::Relaxed);
            }
        }
    });
    let folders: Vec<DataDir> = (0..3).map(|_| DataDir::default()).collect();
    let backups = async {
        let mut before = Vec::new();
        for folder in &folders {
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
            before.push(acked.iter().map(|acked| acked.load(Ordering::Relaxed)).collect::<Vec<_>>());
            let (from, to) = (data.clone(), folder.journal());
            let made = tokio::task::spawn_blocking(move || backup(&from, &to)).await.expect("it ends");
            assert!(made.0 && made.1.contains("bytes written to"), "{}", made.1);
        }
        done.store(true, Ordering::Relaxed);
        before
    };
    let (_, before) = futures::join!(futures::future::join_all(writers), backups);
    for (folder, before) in folders.iter().zip(before) {
        let restored = Server::start_on(folder, &[]);
        let mut last = [0; N_WRITERS as usize];
        for (offset, row) in restored.rows(TABLE, "system=true").await.iter().enumerate() {
            assert_eq!(row["_offset"]["$i64"], offset.to_string());
            let (byte, i) = (row["w"].as_u64().expect("a number") as usize, row["i"].as_u64().expect("a number"));
            assert_eq!(i, last[byte] + 1, "none lost, none doubled, in order");
            last[byte] = i;
        }
        assert!(before.iter().zip(last).all(|(acked, there)| there >= *acked && *acked > 0), "{last:?} of {before:?}");
        // A writer that sends again what the backup has goes on.
        let rows = [format!("{{\"w\":0,\"i\":{}}}", last[0]), format!("{{\"w\":0,\"i\":{}}}", last[0] + 1)];
        let ack = restored.append(TABLE, "text/plain", framed(writer(0), last[0], &rows)).await.expect(200).json();
        assert_eq!((ack["n_stored"].as_u64(), ack["n_duplicate"].as_u64()), (Some(1), Some(1)));
    }
    let n_rows: u64 = acked.iter().map(|acked| acked.load(Ordering::Relaxed)).sum();
    assert_eq!(server.rows(TABLE, "").await.len() as u64, n_rows, "the server saw nothing of it");
    // Whether a server runs or not.
    server.stop().await;
    let stopped = DataDir::default();
    assert!(backup(&data, &stopped.journal()).0);
    assert_eq!(Server::start_on(&stopped, &[]).rows(TABLE, "").await.len() as u64, n_rows);
}

#[test]
fn what_cannot_be_copied_is_named_and_nothing_is_left_behind() {
    let (data, to) = (DataDir::default(), DataDir::default());
    let (is_made, text) = backup(&data, &to.journal());
    assert!(!is_made && text.contains("no backup was made"), "{text}");
    drop(Server::start_on(&data, &[]));
    std::fs::write(to.path().join("there"), "mine").expect("it can be written");
    let (is_made, text) = backup(&data, &to.path().join("there"));
    assert!(!is_made && text.contains("there is such a file already"), "{text}");
    assert_eq!(std::fs::read(to.path().join("there")).expect("it is there"), b"mine");
    let (is_made, text) = backup(&data, &to.path().join("no").join("such"));
    assert!(!is_made && text.contains("no backup was made"), "{text}");
    std::fs::write(data.journal(), "this is not a database, but long enough to be one, if it were").expect("it can be");
    let (is_made, text) = backup(&data, &to.journal());
    assert!(!is_made && text.contains("is not a StreamTable journal"), "{text}");
    assert_eq!(std::fs::read_dir(to.path()).expect("it is there").count(), 1);
}
