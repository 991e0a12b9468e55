//! Readers that follow a table while one writer appends to it: how long after its ack rows are with each.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Result;
use crate::ingest::Writer;
use crate::rows;
use crate::streamtable::{Appender, TABLE, start_on};
use crate::timing::Times;

/// The time between two appends.
const INTERVAL: Duration = Duration::from_millis(250);
/// How long rows may be on their way.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many readers come at a time: more than the system's queue of connections would be made to wait by it.
const N_COMING: usize = 64;
const KIND_TEXT: u8 = 1;
const KIND_BINARY: u8 = 2;
const KIND_PING: u8 = 9;
/// An empty pong under the mask that clients must have, of zeros.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// What was measured.
pub(crate) struct Tail {
    pub(crate) n_subscribers: usize,
    pub(crate) n_rows: usize,
    pub(crate) p50_millis: f64,
    pub(crate) p99_millis: f64,
    /// Until the last of all subscribers had the rows: the median append, and the worst.
    pub(crate) last_p50_millis: f64,
    pub(crate) last_max_millis: f64,
    pub(crate) rest_bytes: u64,
    pub(crate) load_bytes: u64,
}

/// When each binary message of a reader came.
type Arrivals = Arc<Mutex<Vec<Vec<Instant>>>>;

/// Measures so many readers of appends of `n_rows`.
pub(crate) fn measure(server: &Path, n_subscribers: usize, n_rows: usize, seconds: u64) -> Result<Tail> {
    let dir = tempfile::tempdir()?;
    let process = start_on(server, dir.path())?;
    let rest_bytes = process.rss();
    let n_appends = (seconds * 1000 / INTERVAL.as_millis() as u64).max(1) as usize;
    let body = rows::lines(0, n_rows);
    let mut writer = Appender::open(&process.address, TABLE, 0)?;
    let arrivals: Arrivals = Arc::new(Mutex::new(vec![Vec::new(); n_subscribers]));
    // What reads shares its cores with the server, so it has one thread only.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let ready = Arc::new(Semaphore::new(0));
    let (address, seen, told) = (process.address.clone(), Arc::clone(&arrivals), Arc::clone(&ready));
    let readers = runtime.spawn(follow_all(address, n_subscribers, n_appends, seen, told));
    let all_ready = async { tokio::time::timeout(PATIENCE, ready.acquire_many(n_subscribers as u32)).await.map(drop) };
    runtime.block_on(all_ready).map_err(|_| "some readers were not let in")?;
    let watch = process.watch();
    let mut acks = Vec::with_capacity(n_appends);
    for _ in 0..n_appends {
        let start = Instant::now();
        writer.send(&body, n_rows)?;
        acks.push(Instant::now());
        std::thread::sleep(INTERVAL.saturating_sub(start.elapsed()));
    }
    runtime.block_on(async { tokio::time::timeout(PATIENCE, readers).await })???;
    let load_bytes = watch.most();
    let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    // The rows may be with a reader before their ack is with the writer.
    let after = |idx: usize, ack: Instant| arrivals.iter().map(move |times| times[idx].saturating_duration_since(ack));
    let all = acks.iter().enumerate().flat_map(|(idx, ack)| after(idx, *ack)).collect();
    let last = acks.iter().enumerate().filter_map(|(idx, ack)| after(idx, *ack).max()).collect();
    let (all, last) = (Times::of(all), Times::of(last));
    Ok(Tail {
        n_subscribers,
        n_rows,
        p50_millis: all.millis(0.5),
        p99_millis: all.millis(0.99),
        last_p50_millis: last.millis(0.5),
        last_max_millis: last.millis(1.0),
        rest_bytes,
        load_bytes,
    })
}

/// Reads until every reader has a message for each append.
async fn follow_all(
    address: String,
    n_subscribers: usize,
    n_appends: usize,
    arrivals: Arrivals,
    ready: Arc<Semaphore>,
) -> Result<()> {
    let mut readers: JoinSet<Result<()>> = JoinSet::new();
    let turns = Arc::new(Semaphore::new(N_COMING));
    for idx in 0..n_subscribers {
        let (address, arrivals, ready) = (address.clone(), Arc::clone(&arrivals), Arc::clone(&ready));
        let turns = Arc::clone(&turns);
        readers.spawn(async move {
            let turn = turns.acquire_owned().await?;
            let mut reader = Reader::open(&address, TABLE, "").await?;
            drop(turn);
            ready.add_permits(1);
            for _ in 0..n_appends {
                reader.next_frame().await?;
                let now = Instant::now();
                arrivals.lock().unwrap_or_else(PoisonError::into_inner)[idx].push(now);
            }
            Ok(())
        });
    }
    while let Some(ended) = readers.join_next().await {
        ended??;
    }
    Ok(())
}

/// A WebSocket that follows a table.
pub(crate) struct Reader {
    stream: BufReader<TcpStream>,
    message: Vec<u8>,
}

impl Reader {
    /// Follows a table, with more parameters where given (`&from=0`), and waits for the server's hello.
    pub(crate) async fn open(address: &str, table: &str, more: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut stream = BufReader::with_capacity(64 << 10, stream);
        let head = format!(
            "GET /api/v1/tail/{table}?format=arrow{more} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await?);
        }
        if !answer.starts_with(b"HTTP/1.1 101") {
            return Err(String::from_utf8_lossy(&answer).into_owned().into());
        }
        let mut reader = Self { stream, message: Vec::new() };
        let kind = reader.next_message().await?;
        if kind == KIND_TEXT && reader.message.starts_with(b"{\"type\":\"hello\"") {
            Ok(reader)
        } else {
            Err("no hello".into())
        }
    }

    /// The next frame of rows.
    pub(crate) async fn next_frame(&mut self) -> Result<&[u8]> {
        loop {
            match self.next_message().await? {
                KIND_BINARY => return Ok(&self.message),
                KIND_PING => self.stream.write_all(&PONG).await?,
                kind => return Err(format!("message {kind}: {}", String::from_utf8_lossy(&self.message)).into()),
            }
        }
    }

    /// Reads a message; says of which kind. The server sends each in one frame.
    async fn next_message(&mut self) -> Result<u8> {
        let (first, length) = (self.stream.read_u8().await?, self.stream.read_u8().await?);
        let n_bytes = match length {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            length => length.into(),
        };
        self.message.resize(usize::try_from(n_bytes)?, 0);
        self.stream.read_exact(&mut self.message).await?;
        Ok(first & 0x0f)
    }
}
