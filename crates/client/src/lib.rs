//! The logging library: rows go out in order, exactly once, and come back live.
//!
//! The machines ([`outbox`], [`uploader`], [`stream_table`], [`tail`]) take the time and the answers as arguments and
//! do no I/O. `web` holds the only code that knows JavaScript, `native` the same ports for Rust programs.

pub mod backoff;
mod error;
mod options;
pub mod outbox;
pub mod ports;
pub mod stream_table;
pub mod tail;
pub mod uploader;

#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{DeliveryError, Error};
pub use model::{Row, TableName, Timestamp, Value};
#[cfg(not(target_arch = "wasm32"))]
pub use native::{Rows, RowsQuery, StreamTable};
pub use options::{DEFAULT_SERVER, Options};
