//! When to send, how much, and what an answer means: one machine, one request in flight. No I/O and no clock.

use model::Seq;

use crate::backoff::Backoff;
use crate::outbox::{Outbox, Span};

const BASE_RETRY_MILLIS: u64 = 250;
/// A server that asks for a longer wait is asked again after this.
const MAX_RETRY_AFTER_MILLIS: u64 = 3_600_000;

/// How rows are gathered to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// The most rows in one request.
    pub max_rows: u64,
    /// The most bytes in one request; a row that is larger goes alone.
    pub max_bytes: u64,
    /// The least time from the start of one request to the start of the next, in milliseconds.
    pub linger_millis: u64,
    /// The longest wait between two tries, in milliseconds.
    pub max_retry_millis: u64,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The server has dealt with the rows up to this one.
    Acked(Seq),
    /// The server refused the request as a whole.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Whether the reason is one of a StreamTable server's, and not of something on the way to it.
        is_ours: bool,
        /// What it asked for by `Retry-After`.
        retry_after_millis: Option<u64>,
    },
    /// There was no answer, or one that no StreamTable server gives.
    Lost,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these rows, and come back with the answer.
    Send(Span),
    /// Come back at this time, or when something happened.
    WaitUntil(u64),
    /// Come back when something happened.
    Idle,
}

/// What an answer means for the rows that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server dealt with the rows up to this one.
    Through(Seq),
    /// They never can be stored.
    Aside(Span),
    /// They go again, fewer at a time, to find the one at fault.
    Smaller,
    /// They go again in so many milliseconds.
    Later(u64),
}

/// Sends the rows of an outbox.
#[derive(Debug)]
pub struct Uploader {
    batching: Batching,
    backoff: Backoff,
    in_flight: Option<Span>,
    not_before_millis: u64,
    retry_at_millis: u64,
    /// Until when the server asked to be left alone.
    asked_until_millis: u64,
    /// Lowered when a request as a whole was too much, raised again by each success.
    rows_cap: u64,
}

impl Uploader {
    /// Gets ready to send.
    #[must_use]
    pub fn new(batching: Batching) -> Self {
        Self {
            batching,
            backoff: Backoff::new(BASE_RETRY_MILLIS, batching.max_retry_millis),
            in_flight: None,
            not_before_millis: 0,
            retry_at_millis: 0,
            asked_until_millis: 0,
            rows_cap: batching.max_rows,
        }
    }

    /// What to do at this time; rows up to `hurry_through` do not linger, for somebody waits for them.
    pub fn next(&mut self, now_millis: u64, hurry_through: Seq, outbox: &Outbox) -> Action {
        if self.in_flight.is_some() {
            return Action::Idle;
        }
        let Some(span) = outbox.oldest(self.rows_cap, self.batching.max_bytes) else {
            return Action::Idle;
        };
        let is_full = span.n_rows < outbox.n_rows();
        let lingers = !is_full && span.first_seq > hurry_through;
        let send_at = self.retry_at_millis.max(if lingers { self.not_before_millis } else { 0 });
        if now_millis < send_at {
            return Action::WaitUntil(send_at);
        }
        self.not_before_millis = now_millis + self.batching.linger_millis;
        self.in_flight = Some(span);
        Action::Send(span)
    }

    /// The way to the server may be well again: do not wait out a wait that the server did not ask for.
    pub fn hint(&mut self) {
        self.retry_at_millis = self.retry_at_millis.min(self.asked_until_millis);
    }

    /// What the answer to the last [`Action::Send`] means; `random` is in `0..1`.
    ///
    /// `None` when nothing was sent.
    pub fn on_answer(&mut self, now_millis: u64, answer: Answer, random: f64) -> Option<Verdict> {
        let span = self.in_flight.take()?;
        let retry_after_millis = match answer {
            Answer::Acked(seq) if seq >= span.first_seq => {
                self.succeed();
                // A server that says more than it was sent is not believed: rows it has not seen stay.
                return Some(Verdict::Through(seq.min(span.last_seq())));
            }
            Answer::Refused { status, is_ours, .. } if is_final(status, is_ours) => {
                self.retry_at_millis = 0;
                if span.n_rows > 1 && may_be_one_row(status) {
                    self.rows_cap = span.n_rows / 2;
                    return Some(Verdict::Smaller);
                }
                self.succeed();
                return Some(Verdict::Aside(span));
            }
            Answer::Refused { retry_after_millis, .. } => {
                retry_after_millis.map(|wait| wait.min(MAX_RETRY_AFTER_MILLIS))
            }
            Answer::Acked(_) | Answer::Lost => None,
        };
        let wait_millis = self.backoff.fail(retry_after_millis, random);
        self.asked_until_millis = now_millis.saturating_add(retry_after_millis.unwrap_or(0));
        self.retry_at_millis = now_millis.saturating_add(wait_millis);
        Some(Verdict::Later(wait_millis))
    }

    fn succeed(&mut self) {
        self.backoff.succeed();
        self.retry_at_millis = 0;
        self.rows_cap = self.rows_cap.saturating_mul(2).min(self.batching.max_rows);
    }

    /// The rows that were sent and have no answer yet.
    #[must_use]
    pub fn in_flight(&self) -> Option<Span> {
        self.in_flight
    }

    /// How many requests failed in a row.
    #[must_use]
    pub fn n_failures(&self) -> u32 {
        self.backoff.n_failures()
    }
}

/// A client error cannot succeed later, except those that say so, and those of a key: that is no fault of the rows, and whoever
/// keeps the server may mend it. What stands between here and the server (a portal, a
/// proxy that is being set up) may give any, and only some of these mean the rows.
fn is_final(status: u16, is_ours: bool) -> bool {
    if is_ours {
        (400..500).contains(&status) && !matches!(status, 401 | 403 | 408 | 425 | 429)
    } else {
        may_be_one_row(status)
    }
}

/// Whether one row may be at fault, so that the others could still be stored.
fn may_be_one_row(status: u16) -> bool {
    matches!(status, 400 | 413 | 422)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BATCHING: Batching = Batching { max_rows: 4, max_bytes: 100, linger_millis: 50, max_retry_millis: 1_000 };

    struct Rig {
        outbox: Outbox,
        uploader: Uploader,
    }

    impl Rig {
        fn new() -> Self {
            Self { outbox: Outbox::default(), uploader: Uploader::new(BATCHING) }
        }
        fn push(&mut self, n_rows: usize) {
            let first_seq = self.outbox.last_seq() + 1;
            self.outbox.push(Span { first_seq, n_rows: n_rows as u64, n_bytes: 3 * n_rows as u64 });
        }
        fn next(&mut self, now: u64) -> Action {
            self.uploader.next(now, 0, &self.outbox)
        }
        fn sent(&mut self, now: u64) -> (Seq, u64) {
            match self.next(now) {
                Action::Send(span) => (span.first_seq, span.n_rows),
                other => panic!("{other:?}"),
            }
        }
        fn ack(&mut self, now: u64, seq: Seq) {
            match self.uploader.on_answer(now, Answer::Acked(seq), 0.5) {
                Some(Verdict::Through(seq)) => self.outbox.remove_through(seq),
                other => panic!("{other:?}"),
            };
        }
    }

    fn refused(status: u16, retry_after_millis: Option<u64>) -> Answer {
        Answer::Refused { status, is_ours: true, retry_after_millis }
    }

    #[test]
    fn the_first_row_goes_at_once_and_the_next_ones_together() {
        let mut rig = Rig::new();
        assert_eq!(rig.next(0), Action::Idle);
        rig.push(1);
        assert_eq!(rig.sent(1_000), (1, 1));
        rig.push(1);
        assert_eq!(rig.next(1_001), Action::Idle, "one request at a time");
        rig.ack(1_002, 1);
        assert_eq!(rig.next(1_002), Action::WaitUntil(1_050));
        rig.push(1);
        assert_eq!(rig.sent(1_050), (2, 2));
    }

    #[test]
    fn a_full_request_and_a_flush_do_not_linger() {
        let mut rig = Rig::new();
        rig.push(1);
        rig.sent(0);
        rig.ack(1, 1);
        rig.push(5);
        assert_eq!(rig.sent(2), (2, 4));
        rig.ack(3, 5);
        assert_eq!(rig.next(3), Action::WaitUntil(52));
        assert!(matches!(rig.uploader.next(4, 6, &rig.outbox), Action::Send(_)));
    }

    #[test]
    fn failures_wait_and_a_flush_does_not_shorten_that() {
        let refusals = [401, 403, 408, 429, 503].map(|status| refused(status, None));
        for answer in refusals.into_iter().chain([Answer::Lost, Answer::Acked(0)]) {
            let mut rig = Rig::new();
            rig.push(1);
            rig.sent(0);
            assert_eq!(rig.uploader.on_answer(10, answer, 0.4), Some(Verdict::Later(100)), "{answer:?}");
            assert_eq!(rig.uploader.next(11, 1, &rig.outbox), Action::WaitUntil(110));
            assert_eq!(rig.sent(110), (1, 1));
        }
        let mut rig = Rig::new();
        rig.push(1);
        rig.sent(0);
        assert_eq!(rig.uploader.on_answer(0, refused(503, Some(9_000)), 0.4), Some(Verdict::Later(9_100)));
    }

    #[test]
    fn a_hint_ends_a_wait_but_not_one_that_the_server_asked_for() {
        let mut rig = Rig::new();
        rig.push(1);
        rig.sent(0);
        rig.uploader.on_answer(60, Answer::Lost, 1.0);
        assert_eq!(rig.next(61), Action::WaitUntil(310));
        rig.uploader.hint();
        rig.sent(61);
        rig.uploader.on_answer(61, refused(503, Some(u64::MAX)), 1.0);
        rig.uploader.hint();
        assert_eq!(rig.next(120), Action::WaitUntil(61 + MAX_RETRY_AFTER_MILLIS), "and no server asks for ever");
    }

    #[test]
    fn what_stands_in_the_way_is_waited_out_unless_it_means_the_rows() {
        for (status, is_final) in [(403, false), (404, false), (407, false), (413, true), (400, true)] {
            let mut rig = Rig::new();
            rig.push(1);
            rig.sent(0);
            let answer = Answer::Refused { status, is_ours: false, retry_after_millis: None };
            let verdict = rig.uploader.on_answer(0, answer, 0.5);
            assert_eq!(matches!(verdict, Some(Verdict::Aside(_))), is_final, "{status}");
        }
    }

    #[test]
    fn what_never_can_succeed_is_set_aside_and_the_others_go_on() {
        let mut rig = Rig::new();
        rig.push(4);
        rig.sent(0);
        let Some(Verdict::Aside(span)) = rig.uploader.on_answer(1, refused(404, None), 0.5) else { panic!() };
        assert_eq!((span.first_seq, span.n_rows), (1, 4));
    }

    #[test]
    fn a_request_that_is_too_much_is_split_down_to_the_row_at_fault() {
        let mut rig = Rig::new();
        rig.push(4);
        let is_bad = |(first, n): (Seq, u64)| (first..first + n).contains(&2);
        let (mut aside, mut stored) = (vec![], vec![]);
        for now in 0..20 {
            let now = now * 1_000;
            let Action::Send(span) = rig.next(now) else { break };
            if !is_bad((span.first_seq, span.n_rows)) {
                stored.extend(span.first_seq..=span.last_seq());
                rig.ack(now, span.last_seq());
            } else if let Some(Verdict::Aside(span)) = rig.uploader.on_answer(now, refused(413, None), 0.5) {
                aside.push(span.first_seq);
                rig.outbox.remove_through(span.last_seq());
            }
        }
        assert_eq!((aside, stored), (vec![2], vec![1, 3, 4]));
    }

    #[test]
    fn an_ack_of_more_than_was_sent_is_not_believed() {
        let mut rig = Rig::new();
        rig.push(1);
        rig.sent(0);
        rig.push(1);
        rig.ack(1, 99);
        assert_eq!(rig.outbox.n_rows(), 1);
        assert_eq!(rig.uploader.on_answer(2, Answer::Acked(99), 0.5), None, "nothing was sent");
    }
}
