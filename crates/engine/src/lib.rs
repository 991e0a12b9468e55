//! Columnar tables and live views of them.
//!
//! A [`Table`] takes in batches of rows and keeps them by column, in segments. A [`View`] of it (filtered, and either
//! sorted or grouped, as its [`ViewSpec`] says) takes in only what was appended since, and hands out [`Window`]s: the few
//! rows that are on screen, as typed arrays. Nothing here does I/O, knows a byte format or a browser.

mod cell;
mod column;
mod display;
mod distinct;
mod error;
mod facts;
mod figures;
mod filter;
mod group;
mod kernel;
mod key;
mod m4;
mod order;
mod passed;
mod patch;
mod prefix;
mod row_set;
mod segment;
mod sketch;
mod sort;
mod spec;
mod table;
mod text;
mod view;
mod window;

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod table_tests;

pub use error::EngineError;
pub use expr::{Aggregate, AggregateOp, SortKey};
pub use m4::Points;
pub use segment::SEGMENT_ROWS;
pub use spec::ViewSpec;
pub use table::{RowId, Table};
pub use view::View;
pub use window::{Window, WindowColumn};
