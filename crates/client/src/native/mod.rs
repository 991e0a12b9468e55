//! The native half: the same machines on tokio and reqwest, with rows that wait in memory or in files.

mod chance;
mod driver;
mod http;
mod keeper;
mod queue;
mod read;
mod rows;
mod spool;
mod status;
mod store;
mod table;
mod tail;
#[cfg(test)]
mod test_folder;
mod tls;

pub use read::RowsQuery;
pub use status::{LastError, Notice, State, Status, Storage};
pub use table::{Rows, StreamTable};
pub use tail::TailEvent;
