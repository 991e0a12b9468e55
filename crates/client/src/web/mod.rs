//! The browser's half: the only code of this crate that knows JavaScript. It runs in pages, workers and Node.

#[cfg_attr(not(feature = "npm"), allow(dead_code, reason = "the rest is for the npm package"))]
mod clock;
#[cfg_attr(not(feature = "npm"), allow(dead_code, reason = "the rest is for the npm package"))]
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
