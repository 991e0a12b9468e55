//! What the server is told: flags and environment variables.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;

/// Where `trunk build` puts the board.
const DEFAULT_BOARD: &str = "dist";

/// The server's settings.
#[derive(Clone, Debug, Parser)]
#[command(name = "streamtable-server", version, about = "Keeps every row of StreamTable and serves the live tail")]
pub struct Config {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, env = "STREAMTABLE_LISTEN", default_value = "127.0.0.1:7700", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The folder that holds the rows; it is made when it is not there.
    #[arg(long, env = "STREAMTABLE_DATA", default_value = "./data", value_name = "DIR")]
    pub data: PathBuf,
    /// The folder of the built board; ./dist as soon as it is there.
    #[arg(long, env = "STREAMTABLE_BOARD", value_name = "DIR")]
    pub board: Option<PathBuf>,
    /// Listen on an address that others can reach, though anyone there may read and write.
    #[arg(long, env = "STREAMTABLE_ALLOW_PUBLIC")]
    pub allow_public: bool,
    /// Limits on what is taken.
    #[command(flatten)]
    pub limits: Limits,
}

/// Limits on what is taken.
#[derive(Clone, Debug, clap::Args)]
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
    /// The most bytes the journal's file may have; past it appends are answered as on a full disk. 0 means no limit.
    #[arg(long, env = "STREAMTABLE_MAX_DATA_BYTES", default_value_t = 0, value_name = "BYTES")]
    pub max_data_bytes: u64,
    /// The most memory that the tables and views of queries may take together, in bytes.
    #[arg(long, env = "STREAMTABLE_MAX_QUERY_MEMORY_BYTES", default_value_t = 4 << 30, value_name = "BYTES")]
    pub max_query_memory_bytes: usize,
    /// How long a table that was queried stays in memory when nobody asks about it.
    #[arg(long, env = "STREAMTABLE_MAX_QUERY_IDLE_SECONDS", default_value_t = 60, value_name = "SECONDS")]
    pub max_query_idle_seconds: u64,
    /// How long the next piece of a request's body may take to come.
    #[arg(long, env = "STREAMTABLE_MAX_SILENCE_SECONDS", default_value_t = 30, value_name = "SECONDS")]
    pub max_silence_seconds: u64,
}

/// Settings that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Without accounts, whoever reaches the address may read and write everything.
    #[error(
        "refusing to listen on {0}: the server has no accounts yet, so anyone who reaches that address could read and \
         write every table. Listen on 127.0.0.1, or say --allow-public when the network itself keeps others out"
    )]
    Public(SocketAddr),
    /// The board's folder is not there.
    #[error("the board's folder {0} is not there; build it with `trunk build`")]
    NoBoard(PathBuf),
}

impl Config {
    /// Checks what can be checked before anything is opened.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn check(self) -> Result<Self, ConfigError> {
        if !self.listen.ip().is_loopback() && !self.allow_public {
            return Err(ConfigError::Public(self.listen));
        }
        if let Some(dir) = self.board.as_ref().filter(|dir| !dir.is_dir()) {
            return Err(ConfigError::NoBoard(dir.clone()));
        }
        Ok(self)
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

    fn check(args: &[&str]) -> Result<Config, ConfigError> {
        Config::try_parse_from([&["streamtable-server"], args].concat()).expect("the flags are known").check()
    }

    #[test]
    fn the_server_keeps_to_this_machine_until_told_otherwise() {
        assert!(check(&[]).is_ok());
        assert!(check(&["--listen", "[::1]:0"]).is_ok());
        let error = check(&["--listen", "0.0.0.0:7700"]).unwrap_err();
        assert!(error.to_string().contains("--allow-public"), "{error}");
        assert!(check(&["--listen", "0.0.0.0:7700", "--allow-public"]).is_ok());
    }

    #[test]
    fn a_board_that_is_asked_for_must_be_there() {
        assert_eq!(check(&["--board", "no/such/folder"]).unwrap_err(), ConfigError::NoBoard("no/such/folder".into()));
    }
}
