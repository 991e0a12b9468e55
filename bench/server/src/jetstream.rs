//! NATS JetStream's own publishing: a message a request, acknowledged when it is synced. Rows are bytes to it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::Result;
use crate::ingest::{System, Writer};
use crate::process::Process;

const STREAM: &str = "rows";
const MAX_START: Duration = Duration::from_secs(10);

/// What was acknowledged: the stream itself counts messages, not rows.
#[derive(Default)]
struct Sent {
    n_messages: AtomicU64,
    n_rows: AtomicU64,
}

/// A running node and its folder.
pub(crate) struct JetStream {
    process: Process,
    sent: Arc<Sent>,
    _dir: TempDir,
}

impl JetStream {
    /// Starts a node that syncs before it acknowledges, with one stream.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let store = dir.path().display();
        let config = format!("listen: \"{address}\"\njetstream {{ store_dir: \"{store}\", sync_interval: always }}\n");
        let path = dir.path().join("nats.conf");
        fs::write(&path, config)?;
        let child = Command::new(program).arg("-c").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let process = Process::listening(child, address.clone());
        let start = Instant::now();
        let mut connection = loop {
            match Connection::open(&address) {
                Ok(connection) => break connection,
                Err(error) if start.elapsed() > MAX_START => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let stream =
            format!("{{\"name\":\"{STREAM}\",\"subjects\":[\"{STREAM}\"],\"storage\":\"file\",\"num_replicas\":1}}");
        connection.ask(&format!("$JS.API.STREAM.CREATE.{STREAM}"), stream.as_bytes())?;
        Ok(Self { process, sent: Arc::default(), _dir: dir })
    }
}

impl System for JetStream {
    fn process(&self) -> &Process {
        &self.process
    }

    fn writer(&self, _: usize) -> Result<Box<dyn Writer>> {
        let connection = Connection::open(&self.process.address)?;
        Ok(Box::new(Publisher { connection, sent: Arc::clone(&self.sent) }))
    }

    fn n_stored(&self) -> Result<u64> {
        let info = Connection::open(&self.process.address)?.ask(&format!("$JS.API.STREAM.INFO.{STREAM}"), b"")?;
        let n_messages = info["state"]["messages"].as_u64().ok_or("the stream has no state")?;
        let n_sent = self.sent.n_messages.load(Ordering::Relaxed);
        if n_messages != n_sent {
            return Err(format!("the stream acknowledged {n_sent} messages and has {n_messages}").into());
        }
        Ok(self.sent.n_rows.load(Ordering::Relaxed))
    }
}

struct Publisher {
    connection: Connection,
    sent: Arc<Sent>,
}

impl Writer for Publisher {
    fn send(&mut self, lines: &str, n_rows: usize) -> Result<()> {
        self.connection.ask(STREAM, lines.as_bytes())?;
        self.sent.n_messages.fetch_add(1, Ordering::Relaxed);
        self.sent.n_rows.fetch_add(n_rows as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// A connection with one question at a time.
struct Connection {
    stream: BufReader<TcpStream>,
    inbox: String,
    out: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Result<Self> {
        static N_OPENED: AtomicU64 = AtomicU64::new(0);

        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let mut stream = BufReader::with_capacity(64 << 10, stream);
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if !line.starts_with("INFO ") {
            return Err(format!("{line:?} is not how NATS begins").into());
        }
        let inbox = format!("_INBOX.{}", N_OPENED.fetch_add(1, Ordering::Relaxed));
        let hello = format!("CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {inbox} 1\r\nPING\r\n");
        stream.get_mut().write_all(hello.as_bytes())?;
        line.clear();
        stream.read_line(&mut line)?;
        Ok(Self { stream, inbox, out: Vec::new() })
    }

    /// Publishes and waits for the answer.
    fn ask(&mut self, subject: &str, payload: &[u8]) -> Result<Value> {
        self.out.clear();
        write!(self.out, "PUB {subject} {} {}\r\n", self.inbox, payload.len())?;
        self.out.extend_from_slice(payload);
        self.out.extend_from_slice(b"\r\n");
        self.stream.get_mut().write_all(&self.out)?;
        let mut line = String::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line.starts_with("MSG ") {
                break;
            }
            match line.trim_end() {
                "PING" => self.stream.get_mut().write_all(b"PONG\r\n")?,
                "PONG" | "+OK" => {}
                other => return Err(format!("NATS says {other:?}").into()),
            }
        }
        let n_bytes: usize = line.split_whitespace().last().unwrap_or_default().parse()?;
        let mut payload = vec![0; n_bytes + 2];
        self.stream.read_exact(&mut payload)?;
        let answer: Value = serde_json::from_slice(&payload[..n_bytes])?;
        if answer["error"].is_object() {
            return Err(format!("NATS says {}", answer["error"]).into());
        }
        Ok(answer)
    }
}
