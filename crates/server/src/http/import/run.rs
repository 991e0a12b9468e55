//! The thread of an import: reads rows, hands batches to the journal, waits until they are safe.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use wire::api::Ack;
use wire::files::{ArrowRows, CsvRows, FileRows, JsonRows, LineRows, ParquetRows, TypeHints};

use super::source::{Fault, Source};
use super::{FileKind, Target};
use crate::http::error::ApiError;
use crate::http::gather::{Gather, Gathered};
use crate::journal::{Append, JournalError, Origin, Reservation};
use crate::keys::Access;
use crate::metrics::Outcome;
use crate::state::AppState;

/// A batch has so many bytes of rows, or so many rows.
const BATCH_BYTES: usize = 4 << 20;
const BATCH_ROWS: u64 = 50_000;
/// How long an import waits for room in the journal's queue, and how often it looks.
const MAX_WAIT: Duration = Duration::from_secs(30);
const WAIT: Duration = Duration::from_millis(20);
/// How long an import that comes too fast for its key rests before it looks again.
const MAX_REST: Duration = Duration::from_millis(200);

/// An import.
pub(super) struct Import {
    state: AppState,
    target: Target,
    access: Access,
    max_row_bytes: usize,
    runtime: Handle,
    rows: Gather,
    n_stored: u64,
    n_duplicate: u64,
    first_offset: Option<u64>,
}

impl Import {
    /// An import that may start. To be called on the runtime.
    pub(super) fn new(state: AppState, target: Target, access: Access) -> Self {
        let known = state.journal().table(&target.table).map(|table| Arc::clone(&table.schema)).unwrap_or_default();
        let (max_row_bytes, max_columns) = access.row_limits(state.limits());
        let mut rows = Gather::new(max_columns, known);
        rows.number_from(target.origin.map(|(_, seq)| seq));
        let runtime = Handle::current();
        Self { state, target, access, max_row_bytes, runtime, rows, n_stored: 0, n_duplicate: 0, first_offset: None }
    }

    /// Reads and stores everything; says what became of it, and how many rows there were.
    pub(super) fn run(mut self, source: Source) -> Result<(Ack, u64), ApiError> {
        let fault = source.fault();
        let n_rows = |import: &Self| import.rows.n_rows();
        if let Err(error) = self.store_all(source, &fault) {
            let error = fault.take().unwrap_or(error);
            return Err(match n_rows(&self) {
                0 => error,
                n_rows => ApiError::Import { error: Box::new(error), n_rows, n_stored: self.n_stored },
            });
        }
        let n_rows = n_rows(&self);
        let acked_seq = if self.target.origin.is_some() { self.rows.last_seq()? } else { 0 };
        let refused = self.rows.into_refused();
        self.state.metrics().rows(Outcome::refused, refused.len() as u64);
        let ack = Ack {
            acked_seq,
            n_stored: self.n_stored,
            n_duplicate: self.n_duplicate,
            first_offset: self.first_offset,
            refused,
        };
        Ok((ack, n_rows))
    }

    fn store_all(&mut self, source: Source, fault: &Fault) -> Result<(), ApiError> {
        let max_bytes = self.state.limits().max_import_bytes;
        let broken = |error: std::io::Error| fault.take().unwrap_or_else(|| ApiError::Body(error.to_string()));
        let reader = source.into_reader(self.target.is_gzip).map_err(broken)?;
        let mut rows = self.open(reader, fault)?;
        let (mut n_bytes, mut n_batch_bytes, mut n_rows) = (0_u64, 0, 0);
        while let Some(row) = rows.next_row()? {
            // Rows of nothing, which some formats hold any number of in a few bytes, count too.
            n_bytes = n_bytes.saturating_add(row.n_bytes.max(1) as u64);
            if n_bytes > max_bytes {
                return Err(ApiError::RequestTooLarge(max_bytes));
            }
            self.rows.push(row.row)?;
            self.access.take_rows(1);
            (n_batch_bytes, n_rows) = (n_batch_bytes + row.n_bytes, n_rows + 1);
            if n_batch_bytes >= BATCH_BYTES || n_rows >= BATCH_ROWS {
                self.store(n_batch_bytes)?;
                (n_batch_bytes, n_rows) = (0, 0);
            }
        }
        self.store(n_batch_bytes)
    }

    fn open(&self, reader: Box<dyn Read + Send>, fault: &Fault) -> Result<Box<dyn FileRows>, ApiError> {
        let max_row_bytes = self.max_row_bytes;
        Ok(match self.target.kind {
            FileKind::Csv => {
                let table = self.state.journal().table(&self.target.table);
                let schema = table.map(|table| Arc::clone(&table.schema)).unwrap_or_default();
                let hints = TypeHints::new(self.target.types.clone(), &schema);
                Box::new(CsvRows::new(reader, max_row_bytes, hints, expr::parse_timestamp))
            }
            FileKind::Lines => Box::new(LineRows::new(reader, max_row_bytes)),
            FileKind::Json => Box::new(JsonRows::new(reader, max_row_bytes)),
            FileKind::Arrow => Box::new(ArrowRows::new(reader, max_row_bytes)),
            FileKind::Parquet => Box::new(ParquetRows::open(self.spool(reader, fault)?, max_row_bytes)?),
        })
    }

    /// Puts a file that cannot be read as it comes beside the journal; it is gone when it is closed.
    fn spool(&self, mut reader: Box<dyn Read + Send>, fault: &Fault) -> Result<std::fs::File, ApiError> {
        let mut copy = || {
            let mut file = tempfile::tempfile_in(self.state.data())?;
            std::io::copy(&mut reader, &mut file)?;
            Ok(file)
        };
        copy().map_err(|error: std::io::Error| {
            let of_disk = match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::FileTooLarge => JournalError::DiskFull,
                _ => JournalError::Store(error.to_string()),
            };
            fault.take().unwrap_or(of_disk.into())
        })
    }

    /// Stores what was gathered, and comes back when it is safe.
    fn store(&mut self, n_bytes: usize) -> Result<(), ApiError> {
        let Gathered { batches, seqs } = self.rows.take();
        if batches.is_empty() {
            return Ok(());
        }
        let origin = match self.target.origin {
            Some((writer, _)) => Some(Origin { writer, seqs, last_seq: self.rows.last_seq()? }),
            None => None,
        };
        self.wait_for_leave()?;
        let reservation = self.reserve(n_bytes)?;
        let append = Append { table: self.target.table.clone(), origin, batches, reservation };
        let appended = self.runtime.block_on(self.state.append(append))?;
        self.n_stored += appended.n_stored;
        self.n_duplicate += appended.n_duplicate;
        self.first_offset = self.first_offset.or(appended.first_offset);
        Ok(())
    }

    /// Waits while more rows came with the key than may: who sends a file is slowed down, and not turned away in its middle.
    fn wait_for_leave(&self) -> Result<(), ApiError> {
        loop {
            if let Some(error) = self.access.ended_by() {
                return Err(error.into());
            }
            let table = self.state.journal().table(&self.target.table);
            self.access.check_table_bytes(table.map_or(0, |table| table.n_bytes))?;
            let Some(wait) = self.access.wait_for_rows() else { return Ok(()) };
            if *self.state.stopping().borrow() {
                return Err(JournalError::Closed.into());
            }
            std::thread::sleep(wait.min(MAX_REST));
        }
    }

    /// Room in the journal's queue, for which an import waits: it has nobody to tell that it should come back.
    fn reserve(&self, n_bytes: usize) -> Result<Reservation, ApiError> {
        let start = Instant::now();
        loop {
            if *self.state.stopping().borrow() {
                return Err(JournalError::Closed.into());
            }
            match self.state.journal().reserve(n_bytes) {
                Err(JournalError::Overloaded) if start.elapsed() < MAX_WAIT => std::thread::sleep(WAIT),
                other => return Ok(other?),
            }
        }
    }
}
