//! The real binary, on a free port and a data folder of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A folder for a server's data, removed with the last that holds it.
#[derive(Clone, Debug)]
pub struct DataDir(Arc<OwnedDir>);

#[derive(Debug)]
struct OwnedDir(PathBuf);

impl Drop for OwnedDir {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Default for DataDir {
    fn default() -> Self {
        static N_MADE: AtomicU64 = AtomicU64::new(0);
        let n = N_MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("streamtable-test-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the system's folder for temporary files can be written");
        Self(Arc::new(OwnedDir(path)))
    }
}

impl DataDir {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.0
    }

    /// The journal's file.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path().join("streamtable.db")
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    url: String,
    data: DataDir,
    client: reqwest::Client,
}

impl Server {
    /// Starts a server on a folder of its own.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on(&DataDir::default(), &[])
    }

    /// Starts a server on a folder of its own, with further flags.
    #[must_use]
    pub fn start_with(flags: &[&str]) -> Self {
        Self::start_on(&DataDir::default(), flags)
    }

    /// Starts a server on a folder, and waits until it listens.
    #[must_use]
    pub fn start_on(data: &DataDir, flags: &[&str]) -> Self {
        Self::spawn(command(data, flags), data)
    }

    /// Starts a server that cannot make a file larger than so many KiB, as on a disk that fails.
    #[must_use]
    pub fn start_on_small_files(data: &DataDir, max_kib: u32) -> Self {
        let inner = command(data, &[]);
        let mut command = Command::new("bash");
        // Without the trap the system would kill the process instead of failing the write.
        let script = format!("trap '' XFSZ; ulimit -f {max_kib}; exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(inner.get_program()).args(inner.get_args());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self::spawn(command, data)
    }

    fn spawn(mut command: Command, data: &DataDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server's binary can be run");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let line = lines.next().and_then(Result::ok).unwrap_or_default();
        let Some(url) = line.strip_prefix("listening on ") else {
            let status = child.wait();
            panic!("the server did not start: {line:?}, {status:?}");
        };
        // What comes gzipped stays so: whether it does is tested here.
        let client = reqwest::Client::builder().no_gzip().build().expect("a client can be made");
        Self { child, url: url.to_owned(), data: data.clone(), client }
    }

    /// Runs a server that is expected to give up, and says how it ended and what it wrote on stderr.
    #[must_use]
    pub fn fails_to_start(data: &DataDir, flags: &[&str]) -> (ExitStatus, String) {
        let output = command(data, flags).output().expect("the server's binary can be run");
        (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Runs another command of the binary to its end; says how it ended and what it wrote.
    #[must_use]
    pub fn run_command(args: &[&str]) -> (ExitStatus, String) {
        let output = Command::new(binary()).args(args).output().expect("the server's binary can be run");
        let text = [output.stdout, output.stderr].concat();
        (output.status, String::from_utf8_lossy(&text).into_owned())
    }

    /// `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The client that sends the requests.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The folder with its data.
    #[must_use]
    pub fn data(&self) -> DataDir {
        self.data.clone()
    }

    /// Kills the process as `kill -9` does.
    pub fn kill(mut self) {
        self.kill_in_place();
    }

    /// Kills the process as `kill -9` does, and leaves its place to the next.
    pub fn kill_in_place(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
    }

    /// Asks the server to stop.
    pub fn ask_to_stop(&self) {
        let status = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status();
        assert!(status.is_ok_and(|status| status.success()), "a process of our own can be told to stop");
    }

    /// Waits until a server that was asked to stop has ended; says how, and how long it took from now.
    pub async fn ended(mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is a child of ours") {
                return (status, start.elapsed());
            }
            assert!(start.elapsed() < Duration::from_secs(20), "the server does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Stops the server in good order.
    pub async fn stop(self) {
        self.ask_to_stop();
        let (status, _) = self.ended().await;
        assert!(status.success(), "{status}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &DataDir, flags: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.env("STREAMTABLE_LOG", std::env::var("STREAMTABLE_LOG").unwrap_or_else(|_| "error".to_owned()));
    command.arg("--data").arg(data.path());
    if !flags.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(flags);
    command
}

/// The server's binary: where `STREAMTABLE_SERVER_BIN` says, or beside this test's own.
fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("STREAMTABLE_SERVER_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a running program has a path");
    let dir = test.parent().and_then(Path::parent).expect("tests are built to <target>/<profile>/deps");
    let path = dir.join(format!("streamtable-server{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is not built; run `cargo build -p streamtable-server` first", path.display());
    path
}
