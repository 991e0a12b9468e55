//! What the server is told: flags, before environment variables, before a file, before what holds otherwise.

mod file;
mod help;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};

use crate::journal::{EngineOptions, Retention};
use crate::keys::KeyCommand;

/// Where `trunk build` puts the board.
const DEFAULT_BOARD: &str = "dist";

/// The command line.
#[derive(Clone, Debug, Parser)]
#[command(name = "streamtable-server", version, about = "Keeps every row of StreamTable and serves the live tail")]
#[command(long_about = help::ABOUT, after_long_help = help::AFTER)]
#[command(args_override_self = true, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do; to serve when it is not said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub config: Config,
}

/// What there is to do besides serving.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Copies every table to a new file, whether a server runs or not.
    Backup {
        /// The folder that holds the rows.
        #[arg(long, env = "STREAMTABLE_DATA", default_value = "./data", value_name = "DIR")]
        data: PathBuf,
        /// The file to make. To restore it, put it into an empty data folder as streamtable.db.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Makes, lists and revokes keys, whether a server runs or not.
    #[command(subcommand)]
    Key(KeyCommand),
}

/// The server's settings.
#[derive(Clone, Debug, Parser)]
#[command(name = "streamtable-server")]
pub struct Config {
    /// A TOML file whose keys are named as the flags are, without their dashes.
    #[arg(long, env = "STREAMTABLE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "STREAMTABLE_LISTEN", default_value = "127.0.0.1:7700", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The certificate chain to speak TLS with, PEM; read again when it changes. Without it the connections are not encrypted.
    #[arg(long, env = "STREAMTABLE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, PEM; read again when it changes.
    #[arg(long, env = "STREAMTABLE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The folder that holds the rows; it is made when it is not there.
    #[arg(long, env = "STREAMTABLE_DATA", default_value = "./data", value_name = "DIR")]
    pub data: PathBuf,
    /// The folder of the built board; ./dist as soon as it is there.
    #[arg(long, env = "STREAMTABLE_BOARD", value_name = "DIR")]
    pub board: Option<PathBuf>,
    /// The file of keys, where it is not keys.db in the data folder.
    #[arg(long, env = "STREAMTABLE_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Listen on an address that others can reach though there are no keys, so that anyone there may read and write.
    #[arg(long, env = "STREAMTABLE_ALLOW_PUBLIC")]
    pub allow_public: bool,
    /// Where rows are kept, if not in the data folder alone.
    #[command(flatten)]
    pub engine: EngineOptions,
    /// An address of its own for /metrics, which then is not served with the API.
    #[arg(long, env = "STREAMTABLE_METRICS_LISTEN", value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<SocketAddr>,
    /// Which pages may show the board in a frame, as Content-Security-Policy has it: '*', or 'self' and origins.
    #[arg(long, env = "STREAMTABLE_FRAME_ANCESTORS", default_value = "*", value_name = "SOURCES")]
    pub frame_ancestors: String,
    /// Ask the server that listens on --listen whether it is ready, and exit with 0 if it is.
    #[arg(long)]
    pub check_ready: bool,
    /// What is told on stderr, and how.
    #[command(flatten)]
    pub log: Log,
    /// Limits on what is taken.
    #[command(flatten)]
    pub limits: Limits,
    /// What is kept.
    #[command(flatten)]
    pub retain: Retain,
}

/// What is kept of a table for which nothing else was set. Without any of these every row is kept.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[command(next_help_heading = "Retention")]
pub struct Retain {
    /// How old a row may grow, such as 90s, 15m, 12h or 30d; older ones go.
    #[arg(long, env = "STREAMTABLE_RETAIN_AGE", value_name = "TIME", value_parser = parse_seconds)]
    pub retain_age: Option<u64>,
    /// How many rows of a table are kept at least; the oldest beyond go.
    #[arg(long, env = "STREAMTABLE_RETAIN_ROWS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub retain_rows: Option<u64>,
    /// How many bytes the rows of a table may have on disk; the oldest beyond go.
    #[arg(long, env = "STREAMTABLE_RETAIN_BYTES", value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub retain_bytes: Option<u64>,
}

impl From<Retain> for Retention {
    fn from(retain: Retain) -> Self {
        let Retain { retain_age: max_age_seconds, retain_rows: max_rows, retain_bytes: max_bytes } = retain;
        Self { max_age_seconds, max_rows, max_bytes }
    }
}

/// Reads a time with its unit, in seconds.
fn parse_seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let n_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err("a time ends with its unit: s, m, h or d".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| format!("{number:?} is not a whole number"))?;
    number
        .checked_mul(n_seconds)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| format!("{text} is no time to keep rows"))
}

/// What is told on stderr, and how.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Log")]
pub struct Log {
    /// What is told: error, warn, info, debug (a line a request) or trace, also by module: info,server::http=debug.
    #[arg(long = "log-level", env = "STREAMTABLE_LOG", default_value = "info,async_nats=warn", value_name = "LEVEL")]
    pub level: String,
    /// Lines for people, or an object a line for programs.
    #[arg(long = "log-format", env = "STREAMTABLE_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// An object a line.
    Json,
}

/// Limits on what is taken.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// The largest row, as JSON, in bytes.
    #[arg(long, env = "STREAMTABLE_MAX_ROW_BYTES", default_value_t = 8 << 20, value_name = "BYTES")]
    pub max_row_bytes: usize,
    /// The largest request, before and after decompression, in bytes.
    #[arg(long, env = "STREAMTABLE_MAX_REQUEST_BYTES", default_value_t = 32 << 20, value_name = "BYTES")]
    pub max_request_bytes: usize,
    /// The largest import, before and after decompression, in bytes.
    #[arg(long, env = "STREAMTABLE_MAX_IMPORT_BYTES", default_value_t = 64 << 30, value_name = "BYTES")]
    pub max_import_bytes: u64,
    /// The most imports at a time; others are told to come back later.
    #[arg(long, env = "STREAMTABLE_MAX_IMPORTS", default_value_t = 4, value_name = "N")]
    pub max_imports: usize,
    /// The most columns of a table.
    #[arg(long, env = "STREAMTABLE_MAX_COLUMNS", default_value_t = 4096, value_name = "N")]
    pub max_columns: usize,
    /// The most bytes of rows that may wait to be written; past it requests are told to come back later.
    #[arg(long, env = "STREAMTABLE_MAX_QUEUE_BYTES", default_value_t = 128 << 20, value_name = "BYTES")]
    pub max_queue_bytes: usize,
    /// The most memory that the bodies of requests may take together while they are read, in bytes; past it requests
    /// are told to come back later. The first 64 KiB of each are not counted, so that small ones get through.
    #[arg(long, env = "STREAMTABLE_MAX_BODY_MEMORY_BYTES", default_value_t = 1 << 30, value_name = "BYTES")]
    pub max_body_memory_bytes: usize,
    /// The most bytes the journal's file may have; past it appends are answered as on a full disk. 0 means no limit.
    #[arg(long, env = "STREAMTABLE_MAX_DATA_BYTES", default_value_t = 0, value_name = "BYTES")]
    pub max_data_bytes: u64,
    /// The most memory that the tables and views of queries may take together, in bytes.
    #[arg(long, env = "STREAMTABLE_MAX_QUERY_MEMORY_BYTES", default_value_t = 4 << 30, value_name = "BYTES")]
    pub max_query_memory_bytes: usize,
    /// How long a table that was queried stays in memory when nobody asks about it.
    #[arg(long, env = "STREAMTABLE_MAX_QUERY_IDLE_SECONDS", default_value_t = 60, value_name = "SECONDS")]
    pub max_query_idle_seconds: u64,
    /// The most connections at a time, tails included; further ones are told to come back later.
    #[arg(long, env = "STREAMTABLE_MAX_CONNECTIONS", default_value_t = 10_000, value_name = "N")]
    pub max_connections: usize,
    /// How long the head of a request may take to come, and how long a connection may rest between two requests.
    #[arg(long, env = "STREAMTABLE_MAX_HEAD_SECONDS", default_value_t = 60, value_name = "SECONDS")]
    pub max_head_seconds: u64,
    /// How long the body of a request may take to come, but that of an import.
    #[arg(long, env = "STREAMTABLE_MAX_BODY_SECONDS", default_value_t = 300, value_name = "SECONDS")]
    pub max_body_seconds: u64,
    /// How long the next piece of a request's body may take to come.
    #[arg(long, env = "STREAMTABLE_MAX_SILENCE_SECONDS", default_value_t = 30, value_name = "SECONDS")]
    pub max_silence_seconds: u64,
}

/// Settings that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Without keys, whoever reaches the address may read and write everything.
    #[error(
        "refusing to listen on {0}: there are no keys, so anyone who reaches that address could read and write every table. \
         Make one by `streamtable-server key create`, listen on 127.0.0.1, or say --allow-public when the network itself keeps \
         others out"
    )]
    Public(SocketAddr),
    /// The board's folder is not there.
    #[error("the board's folder {0} is not there; build it with `trunk build`")]
    NoBoard(PathBuf),
    /// The file of settings cannot be read, or says what is none.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A certificate is of no use without its key, nor the key without it.
    #[error("--tls-cert and --tls-key come together")]
    Tls,
    /// The sources of frames would not fit the header that they are for.
    #[error("--frame-ancestors {0:?} has characters that a list of sources cannot have")]
    FrameAncestors(String),
}

/// Settings that were not understood: by the command line's own parser, or by ours.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A flag or a variable; also when help was asked for.
    #[error(transparent)]
    Flags(#[from] clap::Error),
    /// The file.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Cli {
    /// Reads the command line, the environment, and the file that one of them names.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(args: impl IntoIterator<Item = String>) -> Result<Self, LoadError> {
        let mut args: Vec<String> = args.into_iter().collect();
        let first = Self::command().ignore_errors(true).try_get_matches_from(&args)?;
        // The file is about how to serve.
        let path = first.get_one::<PathBuf>("config").filter(|_| first.subcommand_name().is_none());
        if let Some(path) = path {
            // A flag that stands twice has its last value, so those of the command line hold.
            args.splice(1.min(args.len())..1.min(args.len()), file::flags(path, &Self::command())?);
        }
        let matches = Self::command().try_get_matches_from(args)?;
        Ok(Self::from_arg_matches(&matches)?)
    }
}

impl Config {
    /// Checks what can be checked before anything but the keys is opened.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(self, has_keys: bool) -> Result<Self, ConfigError> {
        if !self.listen.ip().is_loopback() && !self.allow_public && !has_keys {
            return Err(ConfigError::Public(self.listen));
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return Err(ConfigError::Tls);
        }
        if let Some(dir) = self.board.as_ref().filter(|dir| !dir.is_dir()) {
            return Err(ConfigError::NoBoard(dir.clone()));
        }
        let is_source = |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',');
        if !self.frame_ancestors.chars().all(|c| c == ' ' || is_source(c)) {
            return Err(ConfigError::FrameAncestors(self.frame_ancestors));
        }
        Ok(self)
    }

    /// The certificate and its key, where TLS is spoken.
    #[must_use]
    pub fn tls_files(&self) -> Option<(&Path, &Path)> {
        self.tls_cert.as_deref().zip(self.tls_key.as_deref())
    }

    /// The folder of the built board; `None` while there is none, for the board may be built while the server runs.
    #[must_use]
    pub fn board(&self) -> Option<&Path> {
        let dir = self.board.as_deref().unwrap_or(Path::new(DEFAULT_BOARD));
        Some(dir).filter(|dir| dir.join("index.html").is_file())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(args: &[&str]) -> Result<Config, LoadError> {
        let cli = Cli::load([&["streamtable-server"], args].concat().into_iter().map(str::to_owned));
        cli.map(|cli| cli.config)
    }

    fn check(args: &[&str]) -> Result<Config, ConfigError> {
        load(args).expect("the flags are known").check(false)
    }

    /// A file of settings, gone when dropped.
    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("the system's folder can be written");
        std::fs::write(file.path(), text).expect("it can be written");
        file
    }

    fn fault(text: &str) -> String {
        let file = file(text);
        let error =
            load(&["--config", &file.path().to_string_lossy()]).expect_err("it is no file of settings").to_string();
        assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
        error
    }

    #[test]
    fn a_file_says_what_flags_do_not() {
        let file = file("listen = \"127.0.0.1:1\"\nmax-columns = 7\nallow-public = true\nlog-format = \"json\"\n");
        let path = file.path().to_string_lossy().into_owned();
        let config = load(&["--config", &path, "--listen", "127.0.0.1:2"]).expect("it is one");
        assert_eq!((config.listen.port(), config.limits.max_columns), (2, 7));
        assert!(config.allow_public && config.log.format == LogFormat::Json);
        assert_eq!(config.limits.max_imports, 4, "what holds otherwise");
    }

    #[test]
    fn what_a_file_says_wrong_is_named() {
        assert!(fault("max-colums = 7").contains("max-colums"));
        assert!(fault("[limits]\nmax-columns = 7").contains("limits"));
        assert!(fault("config = \"x\"").contains("config"));
        assert!(fault("max-columns = \"x\"").contains("max-columns"));
        assert!(fault("max-columns = [1]").contains("max-columns"));
        assert!(fault("max-columns = ").contains("line 1"));
        let error = load(&["--config", "no/such/file"]).expect_err("it is not there").to_string();
        assert!(error.contains("no/such/file"), "{error}");
    }

    #[test]
    fn frame_sources_fit_a_header() {
        assert!(check(&["--frame-ancestors", "'self' https://a.example"]).is_ok());
        for sources in ["*; script-src *", "a,b", "a\nb", "é"] {
            assert!(check(&["--frame-ancestors", sources]).is_err(), "{sources:?}");
        }
    }

    #[test]
    fn help_tells_groups_examples_and_the_environment() {
        let help = Cli::command().render_long_help().to_string();
        for part in ["Limits:", "Log:", "Examples:", "Files:", "STREAMTABLE_MAX_COLUMNS", "--config"] {
            assert!(help.contains(part), "{part}");
        }
    }

    #[test]
    fn the_server_keeps_to_this_machine_until_told_otherwise() {
        assert!(check(&[]).is_ok());
        assert!(check(&["--listen", "[::1]:0"]).is_ok());
        let error = check(&["--listen", "0.0.0.0:7700"]).unwrap_err();
        assert!(error.to_string().contains("--allow-public"), "{error}");
        assert!(check(&["--listen", "0.0.0.0:7700", "--allow-public"]).is_ok());
        assert!(load(&["--listen", "0.0.0.0:7700"]).expect("the flags are known").check(true).is_ok(), "with keys");
    }

    #[test]
    fn a_time_has_a_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000)] {
            assert_eq!(parse_seconds(text), Ok(seconds));
        }
        for text in ["", "30", "d", "0d", "-1d", "1.5h", "1w", "1é", "99999999999999999999s", "9999999999999999d"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_board_that_is_asked_for_must_be_there() {
        assert_eq!(check(&["--board", "no/such/folder"]).unwrap_err(), ConfigError::NoBoard("no/such/folder".into()));
    }
}
