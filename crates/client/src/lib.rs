//! The logging library: rows go out in order, exactly once, and come back live.
//!
//! The machines ([`outbox`], [`uploader`], [`tail`]) take the time and the answers as arguments and do no I/O. `web`
//! holds the only code that knows JavaScript, `native` the same ports for Rust programs.

pub mod backoff;
pub mod tail;

#[cfg(target_arch = "wasm32")]
pub mod web;
