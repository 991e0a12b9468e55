//! The Rust client's outbox: programs are killed, and so is the server; every row whose call returned is there, once, in its
//! writer's order.
//!
//! `STREAMTABLE_KILLS` asks for more kills than the twenty of an ordinary run.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use streamtable::{Notice, Options, Row, Storage, StreamTable};
use streamtable_tests::{DataDir, Server};

const TABLE: &str = "e/p/t";
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `native_writer`.
struct Writer {
    child: Child,
    lines: Receiver<String>,
}

impl Writer {
    fn start(server: &str, outbox: &Path, life: u64, n_rows: Option<u64>) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_native_writer")), server, outbox, life, n_rows)
    }

    /// Starts one that cannot make a file larger than so many KiB, as on a disk that is full.
    fn start_on_small_files(max_kib: u32, server: &str, outbox: &Path, life: u64, n_rows: u64) -> Self {
        let mut command = Command::new("bash");
        // Without the trap the system would kill the process instead of failing the write.
        let script = format!("trap '' XFSZ; ulimit -S -f {max_kib}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_native_writer"));
        Self::spawn(command, server, outbox, life, Some(n_rows))
    }

    fn spawn(mut command: Command, server: &str, outbox: &Path, life: u64, n_rows: Option<u64>) -> Self {
        command.arg(server).arg(outbox).args([TABLE, &life.to_string()]).args(n_rows.map(|n| n.to_string()));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the writer is built with the tests");
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.for_each(|line| drop(sender.send(line)));
        });
        Self { child, lines }
    }

    /// Makes room on its disk.
    #[cfg(target_os = "linux")]
    fn make_room(&self) {
        let args = ["--pid", &self.child.id().to_string(), "--fsize=unlimited"];
        let status = Command::new("prlimit").args(args).status();
        assert!(status.is_ok_and(|status| status.success()), "the limit of a child of ours can be raised");
    }

    /// The next line that it prints and that starts like this.
    fn line(&self, start: &str) -> String {
        let next = || self.lines.recv_timeout(PATIENCE).expect("it goes on");
        std::iter::repeat_with(next).find(|line| line.starts_with(start)).expect("it goes on")
    }

    /// Kills it as `kill -9` does; says the last row whose call returned.
    fn kill(mut self) -> u64 {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
        self.lines.iter().filter_map(|line| line.parse().ok()).last().unwrap_or(0)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn options(server: &str, outbox: &DataDir) -> Options {
    Options {
        server: server.to_owned(),
        outbox: Some(outbox.path().to_owned()),
        max_retry_millis: 200,
        ..Options::default()
    }
}

fn n_files(outbox: &DataDir, ending: &str) -> usize {
    let entries = std::fs::read_dir(outbox.path()).expect("the folder is there");
    entries
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some_and(|e| e == ending)))
        .count()
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it is done in time")
}

async fn until(mut is_so: impl FnMut() -> bool) {
    in_time(async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// The last number of each life, every number up to it being there once and in order, under one writer.
async fn lives(server: &Server) -> HashMap<u64, u64> {
    let mut lives: HashMap<u64, (u64, String)> = HashMap::new();
    let number =
        |cell: &serde_json::Value| cell["$i64"].as_str().and_then(|text| text.parse::<u64>().ok()).expect("a number");
    for row in server.rows(TABLE, "system=true").await {
        let writer = row["_writer"].as_str().expect("a writer").to_owned();
        let (last, known) = lives.entry(number(&row["life"])).or_insert((0, writer.clone()));
        assert_eq!(&writer, known, "each has its own writer");
        let (n, seq) = (number(&row["n"]), number(&row["_seq"]));
        assert_eq!((n, seq), (*last + 1, *last + 1), "life {}: none lost, none doubled, in order", row["life"]);
        *last = n;
    }
    lives.into_iter().map(|(life, (last, _))| (life, last)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_survive_the_kills_of_their_program_and_of_the_server() {
    let n_kills: u64 = std::env::var("STREAMTABLE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let (data, outbox) = (DataDir::default(), DataDir::default());
    let mut server = Server::start_on(&data, &[]);
    // The address stays when the server is started again.
    let url = server.url().to_owned();
    let address = url.strip_prefix("http://").expect("an address").to_owned();
    let restart = || Server::start_on(&data, &["--listen", &address]);
    let start = |life| Writer::start(&url, outbox.path(), life, None);
    let mut returned = HashMap::new();
    // Two at a time share the folder, so that each may find what the other left.
    let mut running = [(0, start(0)), (1, start(1))];
    for kill in 0..n_kills {
        // From the very start of the program to well into the stream.
        tokio::time::sleep(Duration::from_millis(kill * 53 % 223)).await;
        let next = kill + running.len() as u64;
        let (life, writer) = std::mem::replace(&mut running[kill as usize % 2], (next, start(next)));
        returned.insert(life, writer.kill());
        match kill % 5 {
            1 => server.kill_in_place(),
            3 => server = restart(),
            _ => {}
        }
    }
    returned.extend(running.map(|(life, writer)| (life, writer.kill())));
    drop(server);
    let server = restart();
    let table = StreamTable::new(TABLE, options(&url, &outbox)).expect("the folder can be written");
    until(|| n_files(&outbox, "rows") == 0).await;
    in_time(table.finish()).await;
    until(|| n_files(&outbox, "lock") == 0).await;
    assert_eq!(n_files(&outbox, "damaged"), 0);
    let lives = lives(&server).await;
    for (life, returned) in &returned {
        let there = lives.get(life).copied().unwrap_or(0);
        assert!(there >= *returned, "life {life}: {there} rows are there, {returned} were logged");
    }
    let n_rows: u64 = returned.values().sum();
    assert!(n_rows > n_kills * 50, "only {n_rows} rows were logged in all");
    eprintln!("{} lives, {n_rows} rows", returned.len());
}

#[tokio::test]
async fn an_open_table_finds_what_another_program_leaves() {
    let (data, outbox) = (DataDir::default(), DataDir::default());
    let server = Server::start_on(&data, &[]);
    let url = server.url().to_owned();
    let table = StreamTable::new(TABLE, options(&url, &outbox)).expect("the folder can be written");
    let mut notices = table.notices();
    in_time(table.flush()).await;
    server.kill();
    let writer = Writer::start(&url, outbox.path(), 1, None);
    writer.line("100");
    let returned = writer.kill();
    let server = Server::start_on(&data, &["--listen", url.strip_prefix("http://").expect("an address")]);
    until(|| n_files(&outbox, "rows") == 0).await;
    let there = lives(&server).await[&1];
    assert!(there >= returned, "{there} of {returned}");
    assert_eq!(table.status().recovered, there);
    let mut n_told = 0;
    while let Ok(notice) = notices.try_recv() {
        if let Notice::Recovered { table, n_rows } = notice {
            assert_eq!(table.to_string(), TABLE);
            n_told += n_rows;
        }
    }
    assert_eq!(n_told, there);
}

#[tokio::test]
async fn a_program_that_runs_for_a_moment_delivers_what_the_last_one_left() {
    let (data, outbox) = (DataDir::default(), DataDir::default());
    let server = Server::start_on(&data, &[]);
    let url = server.url().to_owned();
    server.kill();
    let returned = {
        let writer = Writer::start(&url, outbox.path(), 1, None);
        writer.line("50");
        writer.kill()
    };
    // The server is away still: nothing is waited for but what can be delivered.
    let writer = Writer::start(&url, outbox.path(), 2, Some(0));
    writer.line("finished");
    drop(writer);

    let server = Server::start_on(&data, &["--listen", url.strip_prefix("http://").expect("an address")]);
    let table = StreamTable::new(TABLE, options(&url, &outbox)).expect("the folder can be written");
    let row = Row::from_iter([("life", 3_i64), ("n", 1)]);
    table.log(row).expect("there is room");
    assert_eq!((table.status().storage, table.status().volatile), (Storage::Files, 0));
    in_time(table.finish()).await;
    let lives = lives(&server).await;
    assert!(lives[&1] >= returned, "{} of {returned}", lives[&1]);
    assert_eq!((lives[&3], table.status().recovered), (1, lives[&1]));
    until(|| n_files(&outbox, "lock") == 0).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_told_and_harms_nothing() {
    let (data, outbox) = (DataDir::default(), DataDir::default());
    let server = Server::start_on(&data, &[]);
    let url = server.url().to_owned();
    server.kill();
    let n_rows = 2_000;
    let start = |life| {
        let writer = Writer::start_on_small_files(64, &url, outbox.path(), life, n_rows);
        writer.line(&n_rows.to_string());
        let status = writer.lines.recv_timeout(PATIENCE).expect("it tells its status");
        let (n_volatile, rest) = status.split_once(' ').expect("it is a sentence");
        assert!(rest.starts_with("in Memory, told ") && rest.matches("storage_full").count() == 1, "{status}");
        let n_volatile: u64 = n_volatile.parse().expect("a count");
        assert!((1..n_rows).contains(&n_volatile), "{n_volatile}");
        (writer, n_volatile)
    };
    // One is killed, one gets room before it is killed, and one gets to the server.
    let ((killed, n_volatile), (saved, _), (finished, _)) = (start(1), start(2), start(3));
    killed.kill();
    saved.make_room();
    saved.line("safe");
    saved.kill();

    let server = Server::start_on(&data, &["--listen", url.strip_prefix("http://").expect("an address")]);
    finished.line("finished");
    let table = StreamTable::new(TABLE, options(&url, &outbox)).expect("the folder can be written");
    in_time(table.finish()).await;
    let lives = lives(&server).await;
    assert_eq!(lives[&1], n_rows - n_volatile, "what was in the file is there");
    assert_eq!(lives[&2], n_rows, "what was in memory alone was written after all");
    assert_eq!(lives[&3], n_rows, "what was in memory alone was sent from there");
    until(|| n_files(&outbox, "rows") == 0).await;
    assert_eq!(n_files(&outbox, "damaged"), 0);
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_an_error_at_once() {
    let file = DataDir::default();
    std::fs::write(file.path().join("file"), "").expect("the folder can be written");
    let options = Options { outbox: Some(file.path().join("file/outbox")), ..Options::default() };
    let error = StreamTable::new(TABLE, options).expect_err("a file is no folder");
    assert_eq!(error.code(), "storage_unavailable");
}
