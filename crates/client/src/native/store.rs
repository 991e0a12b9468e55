//! One writer's rows while they wait: the oldest in memory, for the machine to send, the others in files or, where those
//! cannot be written, in memory as well.
//!
//! ```text
//! dealt with │ window (memory, known to the machine) │ backlog (files) │ late (memory) │ next row
//! ```
//!
//! What is in the window is in a file too, unless it came late. Late rows are those that could not be written: they are
//! written, in their order, once that works again.

use std::collections::VecDeque;
use std::io;

use model::Seq;

use super::rows::Chunk;
use super::spool::Spool;
use crate::error::DeliveryError;
use crate::machine::Machine;
use crate::outbox::Span;

/// How much is read from a file at once, in bytes.
const READ_BYTES: u64 = 256 << 10;

/// Some rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) n_rows: u64,
    pub(crate) n_bytes: u64,
}

impl Amount {
    fn add(&mut self, chunk: &Chunk) {
        self.n_rows += chunk.n_rows;
        self.n_bytes += chunk.n_bytes();
    }

    fn remove(&mut self, chunk: &Chunk) {
        self.n_rows = self.n_rows.saturating_sub(chunk.n_rows);
        self.n_bytes = self.n_bytes.saturating_sub(chunk.n_bytes());
    }
}

/// The rows of one writer.
#[derive(Debug)]
pub(crate) struct Store {
    spool: Option<Spool>,
    window: VecDeque<Chunk>,
    window_bytes: u64,
    /// More is not read from files into the window.
    max_window_bytes: u64,
    /// The newest row that ever was in the window.
    taken_seq: Seq,
    backlog: Amount,
    late: VecDeque<Chunk>,
    late_amount: Amount,
    /// The newest row that is in a file.
    saved_seq: Seq,
    /// The size of the rows that should be in a file and are not.
    unsaved_bytes: u64,
    is_failing: bool,
    is_unreadable: bool,
}

impl Store {
    /// Keeps rows in a writer's files, or in memory alone.
    pub(crate) fn new(spool: Option<Spool>, max_window_bytes: u64) -> Self {
        Self {
            spool,
            window: VecDeque::new(),
            window_bytes: 0,
            max_window_bytes,
            taken_seq: 0,
            backlog: Amount::default(),
            late: VecDeque::new(),
            late_amount: Amount::default(),
            saved_seq: 0,
            unsaved_bytes: 0,
            is_failing: false,
            is_unreadable: false,
        }
    }

    /// Takes rows in. When it fails they are in memory alone, as will be all that follow until [`Store::save_late`].
    pub(crate) fn push(&mut self, chunk: Chunk, machine: &mut Machine) -> io::Result<()> {
        let is_caught_up = self.is_caught_up();
        let mut result = Ok(());
        let mut is_saved = false;
        if let Some(spool) = &mut self.spool {
            if !self.is_failing {
                result = spool.append(&chunk);
                is_saved = result.is_ok();
                self.is_failing = result.is_err();
            }
            if is_saved {
                self.saved_seq = chunk.last_seq();
            } else {
                self.unsaved_bytes += chunk.n_bytes();
            }
        }
        if is_caught_up && (self.window_bytes < self.max_window_bytes || !is_saved) {
            if is_saved {
                self.skip_to_end();
            }
            self.take_in(chunk, machine);
        } else if is_saved {
            self.backlog.add(&chunk);
        } else {
            self.late_amount.add(&chunk);
            self.late.push_back(chunk);
        }
        result
    }

    fn take_in(&mut self, chunk: Chunk, machine: &mut Machine) {
        machine.push(chunk.span());
        self.taken_seq = chunk.last_seq();
        self.window_bytes += chunk.n_bytes();
        self.window.push_back(chunk);
    }

    fn skip_to_end(&mut self) {
        if let Some(spool) = &mut self.spool {
            spool.skip_to_end();
        }
    }

    /// Reads rows into the window while it has room. Says how many rows the files have lost, and tells why.
    ///
    /// # Errors
    /// When files cannot be read; they are not tried again until [`Store::try_reading`].
    pub(crate) fn refill(&mut self, machine: &mut Machine, told: &mut Vec<DeliveryError>) -> io::Result<u64> {
        while self.window_bytes < self.max_window_bytes
            && !self.is_unreadable
            && let Some(spool) = &mut self.spool
        {
            let (chunks, faults) = spool.read(READ_BYTES).inspect_err(|_| self.is_unreadable = true)?;
            told.extend(faults);
            if chunks.is_empty() {
                break;
            }
            for chunk in chunks {
                self.backlog.remove(&chunk);
                if let Some(chunk) = chunk.above(self.taken_seq) {
                    self.take_in(chunk, machine);
                }
            }
        }
        if !self.is_read() {
            return Ok(0);
        }
        self.late_amount = Amount::default();
        for chunk in std::mem::take(&mut self.late) {
            self.take_in(chunk, machine);
        }
        Ok(std::mem::take(&mut self.backlog).n_rows)
    }

    /// Whether files could not be read the last time.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    /// Lets files be read again.
    pub(crate) fn try_reading(&mut self) {
        self.is_unreadable = false;
    }

    fn is_read(&self) -> bool {
        self.spool.as_ref().is_none_or(Spool::is_read)
    }

    /// Whether the machine knows all rows there are.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.is_read() && self.late.is_empty()
    }

    /// The rows that the machine does not know yet. Of another program's rows that is not counted.
    pub(crate) fn behind(&self) -> Amount {
        Amount {
            n_rows: self.backlog.n_rows + self.late_amount.n_rows,
            n_bytes: self.backlog.n_bytes + self.late_amount.n_bytes,
        }
    }

    /// Appends the lines of rows in the window to `out`.
    pub(crate) fn write_lines(&self, span: Span, out: &mut String) {
        let first = self.window.partition_point(|chunk| chunk.last_seq() < span.first_seq);
        let chunks = self.window.iter().skip(first).take_while(|chunk| chunk.first_seq <= span.last_seq());
        chunks.for_each(|chunk| out.push_str(chunk.lines_of(span.first_seq - 1, span.last_seq())));
    }

    /// Lets go of the rows that wait no longer.
    pub(crate) fn trim(&mut self, machine: &Machine) {
        let outbox = machine.outbox();
        let settled_seq = outbox.settled_seq();
        while self.window.front().is_some_and(|chunk| chunk.last_seq() <= settled_seq) {
            self.forget(0);
        }
        if let Some(under_way) = machine.in_flight() {
            // Rows may have been dropped behind those that are under way.
            let next_seq = outbox.oldest_above(under_way.last_seq()).unwrap_or(Seq::MAX);
            let idx = self.window.partition_point(|chunk| chunk.first_seq <= under_way.last_seq());
            while self.window.get(idx).is_some_and(|chunk| chunk.last_seq() < next_seq) {
                self.forget(idx);
            }
        }
        if let Some(spool) = &mut self.spool {
            spool.settle(settled_seq);
        }
    }

    fn forget(&mut self, idx: usize) {
        if let Some(chunk) = self.window.remove(idx) {
            self.window_bytes -= chunk.n_bytes();
            if chunk.first_seq > self.saved_seq {
                self.unsaved_bytes = self.unsaved_bytes.saturating_sub(chunk.n_bytes());
            }
        }
    }

    /// Whether files could not be written the last time.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing
    }

    /// Writes the rows that could not be written, in their order.
    pub(crate) fn save_late(&mut self) -> io::Result<()> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let first = self.window.partition_point(|chunk| chunk.first_seq <= self.saved_seq);
        for chunk in self.window.range(first..) {
            spool.append(chunk)?;
            // They are in the window, so that all that is in files is as well.
            spool.skip_to_end();
            self.saved_seq = chunk.last_seq();
            self.unsaved_bytes = self.unsaved_bytes.saturating_sub(chunk.n_bytes());
        }
        while let Some(chunk) = self.late.front() {
            spool.append(chunk)?;
            self.saved_seq = chunk.last_seq();
            self.unsaved_bytes = self.unsaved_bytes.saturating_sub(chunk.n_bytes());
            self.backlog.add(chunk);
            self.late_amount.remove(chunk);
            self.late.pop_front();
        }
        self.is_failing = false;
        Ok(())
    }

    /// The size of the rows that should be in a file and are in memory alone.
    pub(crate) fn unsaved_bytes(&self) -> u64 {
        self.unsaved_bytes
    }

    /// How many of the rows above `settled_seq` are in memory alone, where there are files.
    pub(crate) fn n_unsaved(&self, settled_seq: Seq) -> u64 {
        let unsaved = self.window.iter().rev().take_while(|chunk| chunk.first_seq > self.saved_seq);
        let n_in_window: u64 =
            unsaved.map(|chunk| chunk.last_seq() - settled_seq.clamp(chunk.first_seq - 1, chunk.last_seq())).sum();
        n_in_window + self.late_amount.n_rows
    }

    /// Whether rows are meant to be in files.
    pub(crate) fn has_files(&self) -> bool {
        self.spool.is_some()
    }

    /// Deletes the files: every row was dealt with, and no more come.
    pub(crate) fn close(&mut self) {
        if let Some(spool) = self.spool.take() {
            spool.remove();
        }
    }
}
