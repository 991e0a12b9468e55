//! Where rows are kept: the [`Journal`] trait, what goes in and what comes out. Knows nothing of HTTP.

mod backup;
mod budget;
mod commit;
mod error;
mod frames;
mod merge;
mod reader;
mod retention;
mod schema;
mod sqlite;
mod task;
mod upkeep;
mod writer;

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use model::{Batch, Offset, Schema, Seq, TableName, WriterId};

pub use backup::backup;
pub use budget::{Budget, Reservation};
pub use error::JournalError;
pub use frames::{Joiner, MAX_BATCH_CELLS, MAX_FRAME_ROWS, coalesce, decode};
pub use retention::{Retention, RetentionError};
pub use sqlite::SqliteJournal;

/// Rows to keep.
#[derive(Debug)]
pub struct Append {
    /// The table that takes them; it is made when it is not there.
    pub table: TableName,
    /// Who numbered the rows. Rows without are kept each time they come.
    pub origin: Option<Origin>,
    /// The rows in order, in one or more batches.
    pub batches: Vec<Batch>,
    /// The room they take in the journal's queue, given back when they are dealt with.
    pub reservation: Reservation,
}

/// A writer's numbers for the rows of an append.
#[derive(Debug)]
pub struct Origin {
    /// The writer.
    pub writer: WriterId,
    /// A number for each row over all batches, ascending.
    pub seqs: Vec<Seq>,
    /// The highest number the request dealt with, refused rows included.
    pub last_seq: Seq,
}

/// What became of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Rows added to the table.
    pub n_stored: u64,
    /// Rows that were there already.
    pub n_duplicate: u64,
    /// The offset of the first row added.
    pub first_offset: Option<Offset>,
}

/// Some rows as they are kept: a frame of `wire::arrow`, shared by all who send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The offset of the first row.
    pub first_offset: Offset,
    /// How many rows there are, at least one.
    pub n_rows: u64,
    /// The encoded frame.
    pub bytes: Bytes,
}

impl Frame {
    /// The offset that follows the last row.
    #[must_use]
    pub fn end_offset(&self) -> Offset {
        self.first_offset + self.n_rows
    }
}

/// What the journal knows of a table without reading its rows.
#[derive(Clone, Debug)]
pub struct TableState {
    /// The table.
    pub name: TableName,
    /// When the table was made, in microseconds since 1970-01-01T00:00:00Z. A table made anew has another than the one of its
    /// name that was deleted before.
    pub created_micros: i64,
    /// The offset of the first row that is there; those before were dropped by retention.
    pub first_offset: Offset,
    /// The offset that the next row will have.
    pub next_offset: Offset,
    /// Encoded size of the rows, in bytes.
    pub n_bytes: u64,
    /// When the last row came, in microseconds since 1970-01-01T00:00:00Z.
    pub last_received_micros: Option<i64>,
    /// The columns that rows brought; the system's are not among them.
    pub schema: Arc<Schema>,
    /// What is kept of the table, where that was set for it.
    pub retention: Option<Retention>,
}

/// What happened to a table, told once it is safe on disk and before whoever asked for it is answered. Of one table, things
/// are told in the order in which they happened.
#[derive(Clone, Copy, Debug)]
pub enum JournalEvent<'a> {
    /// Rows were added.
    Stored(&'a TableName, &'a Frame),
    /// The table was deleted. What is told of its name from now on is of another.
    Deleted(&'a TableName),
}

/// Told what happens. Runs on the journal's own thread, so it must be quick.
pub type OnEvent = Box<dyn Fn(JournalEvent<'_>) + Send>;

/// What comes of something that the journal was asked to do, which goes on if the future is dropped.
pub type JournalFuture<T> = Pin<Box<dyn Future<Output = Result<T, JournalError>> + Send>>;

/// A durable store of tables.
pub trait Journal: Send + Sync + 'static {
    /// Room in the queue for `n_bytes` of rows.
    ///
    /// # Errors
    /// [`JournalError::Overloaded`] when the queue is full, [`JournalError::Failed`] after a failed write.
    fn reserve(&self, n_bytes: usize) -> Result<Reservation, JournalError>;

    /// Keeps rows. The future ends well only when they would survive a power cut.
    ///
    /// Rows whose number is at or below the writer's last are not kept again; a gap in the numbers is taken as it is.
    /// After an error it is unknown whether the rows were kept: asking again with the same numbers is safe.
    fn append(&self, append: Append) -> JournalFuture<Appended>;

    /// Reads frames that hold the rows from `range.start` on, at least one and then until there are `max_bytes` or
    /// [`MAX_FRAME_ROWS`] rows or the range ends. The first may start before the range, the last end after it. Where
    /// retention has dropped the range's first rows, the first frame starts after them, and where it has dropped all of them
    /// there is none. Blocks.
    ///
    /// A table that was made anew since the caller looked is read as it is now: whoever reads on compares
    /// [`TableState::created_micros`] after reading.
    ///
    /// # Errors
    /// [`JournalError::Damaged`] when the stored bytes are not those that were written.
    fn read(&self, table: &TableName, range: Range<Offset>, max_bytes: usize) -> Result<Vec<Frame>, JournalError>;

    /// Every table, by name.
    fn tables(&self) -> Vec<Arc<TableState>>;

    /// One table.
    fn table(&self, name: &TableName) -> Option<Arc<TableState>>;

    /// Deletes a table: its rows, its columns, its retention, its writers' numbers. False where there is none. The future
    /// ends well only when the deletion would survive a power cut; the room on disk is given back in the time after.
    ///
    /// Rows that come later make a table of the same name anew, with offsets from 0 and writers nobody knows, so that a
    /// request which was under way is stored rather than taken for known.
    fn delete(&self, table: &TableName) -> JournalFuture<bool>;

    /// Sets what is kept of a table; `None` for the journal's default. False where there is no such table. Rows beyond it go
    /// in the time after, in whole frames: up to [`MAX_FRAME_ROWS`] rows that might go stay. Offsets and writers' numbers
    /// stay as they are.
    fn set_retention(&self, table: &TableName, retention: Option<Retention>) -> JournalFuture<bool>;

    /// What is kept of tables of which nothing else was said.
    fn default_retention(&self) -> Retention;

    /// Whether the journal takes rows.
    ///
    /// # Errors
    /// [`JournalError::Failed`] after a failed write.
    fn check(&self) -> Result<(), JournalError>;

    /// Finishes what was taken and tidies up. What comes later is refused. Blocks.
    fn close(&self);
}
