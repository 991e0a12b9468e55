//! The server: takes rows over HTTP, keeps them in the journal, sends them to tails, answers queries, serves the board.
//!
//! ```text
//! http/append -> journal (dedupe, one fsync for all who wait) -> hub -> http/tail
//!                                                           \-> query (tables in memory, views) -> http/query, http/live
//! ```

mod clock;
mod config;
mod http;
mod hub;
pub mod journal;
mod keys;
mod metrics;
mod query;
mod rate;
mod serve;
mod state;

pub use config::{Cli, Command, Config, ConfigError, Limits, LoadError, Log, LogFormat, Retain};
pub use http::{ApiError, app, metrics_app};
pub use keys::{Key, KeyCommand, KeyError, KeyLimits, Keys, KeysError, Right, Scope};
pub use query::{Queries, QueryError};
pub use serve::{Tls, TlsError, check_ready, serve, serve_metrics};
pub use state::AppState;
