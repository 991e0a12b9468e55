//! The browser's half: the only code of this crate that knows JavaScript. It runs in pages, workers and Node.

mod clock;
mod convert;
mod socket;
pub mod tail;

#[cfg(feature = "npm")]
mod error;
#[cfg(feature = "npm")]
mod exports;
#[cfg(feature = "npm")]
mod transport;

#[cfg(feature = "npm")]
pub use exports::{Client, Subscription};
