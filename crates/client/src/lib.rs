//! The logging library: rows go out in order, exactly once, and come back live.
//!
//! A Rust program opens a `StreamTable`; the readme beside this crate says what is promised, and what is not.
//!
//! The machines ([`outbox`], [`uploader`], [`machine`], [`tail`]) take the time and the answers as arguments and do no
//! I/O. `web` holds the only code that knows JavaScript, `native` drives the same machines for Rust programs.

pub mod backoff;
mod error;
pub mod machine;
mod options;
pub mod outbox;
pub mod tail;
pub mod uploader;

#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{DeliveryError, Error};
pub use model::{Media, Row, TableName, Timestamp, Value};
#[cfg(not(target_arch = "wasm32"))]
pub use native::{LastError, Notice, Rows, RowsQuery, State, Status, Storage, StreamTable, TailEvent};
pub use options::{DEFAULT_SERVER, Durability, Options, WhenFull};

/// The readme's example is compiled with the tests.
#[cfg(all(doctest, not(target_arch = "wasm32")))]
#[doc = include_str!("../README.md")]
struct Readme;
