//! One writer's way out: outbox and uploader tied together, the same in a browser and in a native program.
//!
//! Whoever drives it keeps the rows, sends them and tells the answers; the machine says what to do and counts.

use model::Seq;

use crate::outbox::{Outbox, Span};
use crate::uploader::{Action, Answer, Batching, Uploader, Verdict};

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send these rows and come back with the answer.
    Send(Span),
    /// Come back at this time, or when something happened.
    WaitUntil(u64),
    /// Come back when something happened.
    Idle,
    /// There is nothing left to do, ever.
    Finished,
}

/// What became of rows since the machine was made. Each row is in one of the counts once it is dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that the server has stored.
    pub n_acknowledged: u64,
    /// Rows that the server refused for good.
    pub n_rejected: u64,
    /// Rows that were dropped because too many waited.
    pub n_dropped: u64,
}

/// One writer's rows for one table.
#[derive(Debug)]
pub struct Machine {
    outbox: Outbox,
    uploader: Uploader,
    sent_seq: Seq,
    hurry_through: Seq,
    counts: Counts,
    is_finishing: bool,
}

impl Machine {
    /// Starts with nothing to send.
    #[must_use]
    pub fn new(batching: Batching) -> Self {
        Self {
            outbox: Outbox::default(),
            uploader: Uploader::new(batching),
            sent_seq: 0,
            hurry_through: 0,
            counts: Counts::default(),
            is_finishing: false,
        }
    }

    /// Takes in a chunk of rows, whose numbers are above all before.
    pub fn push(&mut self, chunk: Span) {
        self.outbox.push(chunk);
    }

    /// Lets go of the oldest rows that are not under way, to make room; says how many there were.
    pub fn drop_oldest(&mut self, n_rows: u64) -> u64 {
        // What is under way is the oldest, and may arrive.
        let under_way = self.uploader.in_flight().map_or(0, |span| span.last_seq());
        let n_dropped = self.outbox.remove_above(under_way, n_rows);
        self.counts.n_dropped += n_dropped;
        n_dropped
    }

    /// Asks for the rows so far to go without lingering; says the number up to which they must be settled.
    pub fn hurry(&mut self) -> Seq {
        self.hurry_through = self.outbox.last_seq();
        self.hurry_through
    }

    /// The way to the server may be well again.
    pub fn hint(&mut self) {
        self.uploader.hint();
    }

    /// Takes no more rows, and ends once those there are settled.
    pub fn finish(&mut self) {
        self.is_finishing = true;
    }

    /// What to do at this time, in milliseconds of a clock that never goes back.
    pub fn next(&mut self, now_millis: u64) -> Step {
        match self.uploader.next(now_millis, self.hurry_through, &self.outbox) {
            Action::Send(span) => {
                self.sent_seq = self.sent_seq.max(span.last_seq());
                Step::Send(span)
            }
            Action::WaitUntil(at_millis) => Step::WaitUntil(at_millis),
            Action::Idle if self.is_finishing && self.outbox.n_rows() == 0 => Step::Finished,
            Action::Idle => Step::Idle,
        }
    }

    /// Takes the answer to the last [`Step::Send`]; `random` is in `0..1`.
    ///
    /// Of the rows that an ack covers, `n_refused` were refused by themselves. `None` when nothing was sent.
    pub fn on_answer(&mut self, now_millis: u64, answer: Answer, n_refused: u64, random: f64) -> Option<Verdict> {
        let verdict = self.uploader.on_answer(now_millis, answer, random)?;
        match verdict {
            Verdict::Through(seq) => {
                let n_removed = self.outbox.remove_through(seq);
                self.counts.n_rejected += n_refused.min(n_removed);
                self.counts.n_acknowledged += n_removed.saturating_sub(n_refused);
            }
            Verdict::Aside(span) => self.counts.n_rejected += self.outbox.remove_through(span.last_seq()),
            Verdict::Smaller | Verdict::Later(_) => {}
        }
        Some(verdict)
    }

    /// The rows that wait or are under way.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// What became of the others.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The number of the newest row that was sent at least once.
    #[must_use]
    pub fn sent_seq(&self) -> Seq {
        self.sent_seq
    }

    /// The rows that were sent and have no answer yet.
    #[must_use]
    pub fn in_flight(&self) -> Option<Span> {
        self.uploader.in_flight()
    }

    /// How many requests failed in a row.
    #[must_use]
    pub fn n_failures(&self) -> u32 {
        self.uploader.n_failures()
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
