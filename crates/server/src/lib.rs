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
mod query;
mod rate;
mod serve;
mod state;

pub use config::{Cli, Command, Config, ConfigError, Limits, Retain};
pub use http::{ApiError, app};
pub use query::{Queries, QueryError};
pub use serve::serve;
pub use state::AppState;
