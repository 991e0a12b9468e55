//! The machine against a model server under random losses, repeats, refusals and a second sender.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Keeps rows by the rule of the journal: what is at or below the writer's last number is known.
#[derive(Default)]
struct Server {
    rows: Vec<Seq>,
    last_seq: Seq,
}

fn is_bad(seq: Seq) -> bool {
    seq.is_multiple_of(7)
}

impl Server {
    /// Says the last row dealt with and how many were refused.
    fn append(&mut self, span: Span) -> (Answer, u64) {
        let mut n_refused = 0;
        for seq in span.first_seq..=span.last_seq() {
            if is_bad(seq) {
                n_refused += 1;
            } else if seq > self.last_seq {
                self.rows.push(seq);
            }
            self.last_seq = self.last_seq.max(seq);
        }
        (Answer::Acked(span.last_seq()), n_refused)
    }
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    LostBefore,
    LostAfter,
    Busy,
    /// A page that adopted the rows when this one seemed gone sends them as well.
    SentByAnother,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Answered),
        1 => Just(Fate::LostBefore),
        1 => Just(Fate::LostAfter),
        1 => Just(Fate::Busy),
        1 => Just(Fate::SentByAnother),
    ]
}

fn small() -> Batching {
    Batching { max_rows: 5, max_bytes: 60, linger_millis: 50, max_retry_millis: 30_000 }
}

fn chunk(first_seq: Seq, n_rows: u64) -> Span {
    Span { first_seq, n_rows, n_bytes: 10 * n_rows }
}

fn busy() -> Answer {
    Answer::Refused { status: 503, is_ours: true, retry_after_millis: Some(100) }
}

proptest! {
    /// Every row is stored once, in order, whatever becomes of requests and answers, and is counted once.
    #[test]
    fn each_row_is_stored_once_and_in_order(
        steps in prop::collection::vec((0_u64..8, fate(), 0_u64..400, 0.0..1.0_f64), 1..80),
    ) {
        let (mut machine, mut server) = (Machine::new(small()), Server::default());
        let (mut now, mut n_logged) = (0, 0);
        let drained = std::iter::repeat_n((0, Fate::Answered, 400, 0.5), 600);
        let mut waiting_since = None;
        for (n_rows, fate, pause, random) in steps.into_iter().chain(drained) {
            machine.push(chunk(n_logged + 1, n_rows));
            n_logged += n_rows;
            now += pause;
            match machine.next(now) {
                Step::Send(span) => {
                    prop_assert!(waiting_since.is_none_or(|at| now >= at), "sent before its time");
                    waiting_since = None;
                    prop_assert_eq!(span.first_seq, machine.outbox().settled_seq() + 1);
                    let (answer, n_refused) = match fate {
                        Fate::Answered => server.append(span),
                        Fate::LostBefore => (Answer::Lost, 0),
                        Fate::LostAfter => {
                            server.append(span);
                            (Answer::Lost, 0)
                        }
                        Fate::Busy => {
                            waiting_since = Some(now + 100);
                            (busy(), 0)
                        }
                        Fate::SentByAnother => {
                            let all = machine.outbox().n_rows();
                            server.append(chunk(span.first_seq, all));
                            server.append(span)
                        }
                    };
                    machine.on_answer(now, answer, n_refused, random);
                }
                Step::WaitUntil(at) => prop_assert!(at > now),
                Step::Idle => prop_assert_eq!(machine.outbox().n_rows(), 0),
                Step::Finished => prop_assert!(false, "it was not finished"),
            }
        }
        let (bad, good): (Vec<Seq>, Vec<Seq>) = (1..=n_logged).partition(|seq| is_bad(*seq));
        let counts = machine.counts();
        prop_assert_eq!((counts.n_acknowledged, counts.n_rejected), (good.len() as u64, bad.len() as u64));
        prop_assert_eq!(server.rows, good);
        prop_assert_eq!((machine.outbox().n_bytes(), machine.sent_seq()), (0, n_logged));
        prop_assert_eq!(machine.outbox().settled_seq(), n_logged);
    }
}

#[test]
fn a_finished_machine_ends_when_it_is_empty() {
    let mut machine = Machine::new(small());
    machine.push(chunk(1, 1));
    machine.finish();
    assert_eq!(machine.next(0), Step::Send(chunk(1, 1)));
    assert_eq!(machine.next(0), Step::Idle, "not before the answer");
    machine.on_answer(1, Answer::Acked(1), 0, 0.5);
    assert_eq!(machine.next(1), Step::Finished);
}

#[test]
fn the_oldest_rows_make_room_unless_they_are_under_way() {
    let mut machine = Machine::new(small());
    machine.push(chunk(1, 3));
    assert_eq!(machine.drop_oldest(2), 2);
    assert_eq!((machine.counts().n_dropped, machine.outbox().settled_seq()), (2, 2));
    assert_eq!(machine.next(0), Step::Send(chunk(3, 1)));
    assert_eq!(machine.drop_oldest(1), 0);
    machine.push(chunk(4, 3));
    assert_eq!((machine.drop_oldest(2), machine.outbox().settled_seq()), (2, 2), "4 and 5");
    machine.on_answer(1, Answer::Lost, 0, 0.5);
    assert_eq!(machine.next(1_000), Step::Send(chunk(3, 1)), "a request ends at the gap");
    machine.on_answer(1_000, Answer::Acked(3), 0, 0.5);
    assert_eq!(machine.next(2_000), Step::Send(chunk(6, 1)));
    machine.on_answer(2_000, Answer::Lost, 0, 0.5);
    assert_eq!((machine.drop_oldest(9), machine.outbox().n_rows(), machine.counts().n_dropped), (1, 0, 5));
}

#[test]
fn rows_that_one_by_one_are_refused_leave_the_others_alone() {
    let mut machine = Machine::new(Batching { max_rows: 100, ..small() });
    machine.push(chunk(1, 4));
    let mut stored = BTreeMap::new();
    let mut now = 0;
    while let Step::Send(span) = machine.next(now) {
        now += 1_000;
        let has_large = (span.first_seq..=span.last_seq()).contains(&3);
        let answer = if has_large {
            Answer::Refused { status: 413, is_ours: false, retry_after_millis: None }
        } else {
            stored.extend((span.first_seq..=span.last_seq()).map(|seq| (seq, ())));
            Answer::Acked(span.last_seq())
        };
        machine.on_answer(now, answer, 0, 0.5);
    }
    assert_eq!(stored.into_keys().collect::<Vec<_>>(), [1, 2, 4]);
    assert_eq!((machine.counts().n_rejected, machine.counts().n_acknowledged), (1, 3));
}
