//! The browser's half: the only code of this crate that knows JavaScript. It runs in pages, workers and Node.
//!
//! For the npm package it exports the machines as they are (`exports`): the package's TypeScript sends requests, keeps rows
//! and waits, and asks them what to do. For the board's worker it follows a table in Arrow (`tail`).

#[cfg(feature = "npm")]
mod exports;

#[cfg(feature = "arrow")]
mod convert;
#[cfg(feature = "arrow")]
mod kept;
#[cfg(feature = "arrow")]
pub mod query;
#[cfg(feature = "arrow")]
mod socket;
#[cfg(feature = "arrow")]
pub mod tail;

#[cfg(feature = "npm")]
pub use exports::{Delivery, Following};
