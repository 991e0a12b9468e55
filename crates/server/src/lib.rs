//! The server: takes rows over HTTP, keeps them in the journal, sends them to tails, serves the board.
//!
//! ```text
//! http/append -> journal (dedupe, one fsync for all who wait) -> hub -> http/tail
//! ```

mod clock;
mod config;
mod http;
mod hub;
pub mod journal;
mod rate;
mod serve;
mod state;

pub use config::{Config, ConfigError, Limits};
pub use http::{ApiError, app};
pub use serve::serve;
pub use state::AppState;
