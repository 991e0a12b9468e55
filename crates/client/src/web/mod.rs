//! The browser's half: the only code of this crate that knows JavaScript. It runs in pages, workers and Node.

mod clock;
mod convert;
mod socket;
pub mod tail;
