//! The endpoint that one would write: Node's HTTP server and SQLite, see `peer/endpoint.mjs`.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::Result;
use crate::http::Connection;
use crate::ingest::{System, Writer};
use crate::process::Process;

/// A running endpoint and its folder.
pub(crate) struct Node {
    process: Process,
    _dir: TempDir,
}

impl Node {
    /// Starts it; with one commit for all that waits if it `groups`, else with one a request.
    pub(crate) fn start(peer: &Path, groups: bool) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut command = Command::new("node");
        command.arg(peer.join("endpoint.mjs")).arg(dir.path().join("rows.db"));
        command.arg(if groups { "grouped" } else { "single" });
        Ok(Self { process: Process::start(&mut command)?, _dir: dir })
    }
}

impl System for Node {
    fn process(&self) -> &Process {
        &self.process
    }

    fn writer(&self, _: usize) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Poster(Connection::open(&self.process.address)?)))
    }

    fn n_stored(&self) -> Result<u64> {
        let count = Connection::open(&self.process.address)?.get("/count")?.json()?;
        count.as_u64().ok_or_else(|| "no count".into())
    }
}

struct Poster(Connection);

impl Writer for Poster {
    fn send(&mut self, lines: &str, _: usize) -> Result<()> {
        self.0.post("/rows", "application/x-ndjson", &[lines.as_bytes()])?.good().map(drop)
    }
}
