//! The bytes of a request, a frame and an answer. No other crate names a format or its version.
//!
//! Rows go to the server as JSON lines ([`json`], [`append`]) and come back as Arrow IPC frames (`arrow`), JSON or
//! CSV. Whole tables come and go as `files`. The shapes of the HTTP answers are in [`api`], how a key looks in [`key`], the messages
//! that nodes share in `stream`. Nothing here does I/O.

pub mod api;
pub mod append;
#[cfg(feature = "arrow")]
pub mod arrow;
#[cfg(feature = "csv")]
pub mod csv;
mod error;
#[cfg(feature = "files")]
pub mod files;
pub mod json;
pub mod key;
#[cfg(feature = "arrow")]
pub mod stream;

pub use error::WireError;
