//! The native half: the same machines on tokio. Rows wait in memory until the server has dealt with them.

mod ports;
mod read;
mod table;
mod tail;

pub use read::RowsQuery;
pub use table::{Rows, StreamTable};
pub use tail::TailEvent;
