//! A program that is measured: on a folder of its own, killed when dropped; what it holds in memory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Result;

/// How often memory is looked at under load.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(50);

/// A running program.
pub(crate) struct Process {
    child: Child,
    /// `127.0.0.1:port`.
    pub(crate) address: String,
}

impl Process {
    /// Starts a program that prints `listening on http://address` when it does.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let shown = command.get_program().display().to_string();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("{shown} did not start: {error}"))?;
        let stdout = child.stdout.take().ok_or("stdout is not piped")?;
        let mut process = Self { child, address: String::new() };
        for line in BufReader::new(stdout).lines() {
            if let Some(address) = line?.strip_prefix("listening on http://") {
                address.trim_end_matches('/').clone_into(&mut process.address);
                return Ok(process);
            }
        }
        Err(format!("{shown} ended before it listened").into())
    }

    /// Takes over a program that listens there.
    pub(crate) fn listening(child: Child, address: String) -> Self {
        Self { child, address }
    }

    /// What it holds in memory now, in bytes.
    pub(crate) fn rss(&self) -> u64 {
        rss(self.child.id())
    }

    /// Looks at its memory until the watch is asked for the most.
    pub(crate) fn watch(&self) -> Watch {
        let (most, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, stop, pid) = (Arc::clone(&most), Arc::clone(&ended), self.child.id());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                seen.fetch_max(rss(pid), Ordering::Relaxed);
                std::thread::sleep(SAMPLE_INTERVAL);
            }
        });
        Watch { most, ended, thread }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A look at a program's memory from time to time.
pub(crate) struct Watch {
    most: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// The most it held, in bytes.
    pub(crate) fn most(self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        // Only a panic would keep it from ending well, and what was seen is there.
        let _ = self.thread.join();
        self.most.load(Ordering::Relaxed)
    }
}

/// What the system counts as resident; 0 where it does not say.
fn rss(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
