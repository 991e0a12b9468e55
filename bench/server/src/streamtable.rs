//! The server as it is, with rows in the client's own framing: numbered, so that none is stored twice.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::Result;
use crate::http::Connection;
use crate::ingest::{System, Writer};
use crate::process::Process;

/// The table that all write to.
pub(crate) const TABLE: &str = "bench/server/rows";

/// A running server and its folder.
pub(crate) struct StreamTable {
    process: Process,
    _dir: TempDir,
}

/// Starts a server on a folder.
pub(crate) fn start_on(program: &Path, dir: &Path) -> Result<Process> {
    let mut command = Command::new(program);
    command.args(["--listen", "127.0.0.1:0", "--log-level", "warn", "--data"]).arg(dir);
    Process::start(&mut command)
}

impl StreamTable {
    /// Starts a server on a folder of its own.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        Ok(Self { process: start_on(program, dir.path())?, _dir: dir })
    }
}

impl System for StreamTable {
    fn process(&self) -> &Process {
        &self.process
    }

    fn writer(&self, idx: usize) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Appender::open(&self.process.address, TABLE, idx)?))
    }

    fn n_stored(&self) -> Result<u64> {
        let table = Connection::open(&self.process.address)?.get(&format!("/api/v1/tables/{TABLE}"))?.json()?;
        table["n_rows"].as_u64().ok_or_else(|| "the table has no n_rows".into())
    }
}

/// A writer of one table.
pub(crate) struct Appender {
    connection: Connection,
    path: String,
    writer: usize,
    next_seq: u64,
}

impl Appender {
    /// The writer of that number.
    pub(crate) fn open(address: &str, table: &str, writer: usize) -> Result<Self> {
        let path = format!("/api/v1/tables/{table}/rows");
        Ok(Self { connection: Connection::open(address)?, path, writer, next_seq: 1 })
    }
}

impl Writer for Appender {
    fn send(&mut self, lines: &str, n_rows: usize) -> Result<()> {
        let header = format!("{{\"v\":1,\"seq\":{},\"writer\":\"{:032x}\"}}\n", self.next_seq, self.writer + 1);
        self.connection.post(&self.path, "text/plain", &[header.as_bytes(), lines.as_bytes()])?.good()?;
        self.next_seq += n_rows as u64;
        Ok(())
    }
}
