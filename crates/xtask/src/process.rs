//! Running other programs: to their end, or beside us until we end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::error::Error;
use crate::workspace;

/// A command that runs in the root of the checkout.
pub(crate) fn command(program: impl AsRef<OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(workspace::root());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = status(command)?;
    if status.success() { Ok(()) } else { Err(Error::new(format!("{} failed ({status})", shown(command)))) }
}

/// Runs a command to its end and gives its status.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| Error::new(format!("{} did not start: {error}", shown(command))))
}

/// What a command prints, where it succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// A program that runs beside us in a process group of its own, and ends with us.
#[must_use]
pub(crate) struct Beside {
    name: &'static str,
    child: Child,
}

impl Beside {
    /// Starts it.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.map_err(|error| Error::new(format!("{name} did not start: {error}")))?;
        Ok(Self { name, child })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    fn signal(&mut self, signal: &str) {
        // The group's number is that of its first process; a minus sign before it means the whole group.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
    }
}

impl Drop for Beside {
    /// Asks the whole group to end, then makes it.
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);
        self.signal("-TERM");
        let asked = Instant::now();
        while self.ended().is_none() && asked.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.signal("-KILL");
        // Where there are no groups, at least the process itself ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
