//! The board: live tables in the browser.
//!
//! One program runs twice. As the page it holds the state, draws what is on screen and never scans a column; as the page's
//! worker it holds the sockets, the tables and the views. They speak by [`protocol`]. What needs no browser stands in
//! [`state`] and is tested on the host; the rest exists only where there is one.

#![allow(clippy::needless_pass_by_value, reason = "components own their properties")]
#![allow(unreachable_pub, reason = "the component macro of leptos makes the properties of components public")]

pub mod protocol;
pub mod state;

#[cfg(target_arch = "wasm32")]
pub mod app;
#[cfg(target_arch = "wasm32")]
mod browser_tables;
#[cfg(target_arch = "wasm32")]
mod home;
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
mod panel;
#[cfg(target_arch = "wasm32")]
mod search;
#[cfg(target_arch = "wasm32")]
mod theme;
#[cfg(target_arch = "wasm32")]
pub mod worker;
