//! The machine against a model server under random losses, repeats and refusals.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wire::api::{Ack, Refusal};

use super::*;
use crate::outbox::Memory;

/// Keeps rows by the rule of the journal: what is at or below a writer's last number is known.
#[derive(Default)]
struct Server {
    rows: Vec<String>,
    last_seq: BTreeMap<String, Seq>,
}

impl Server {
    fn append(&mut self, body: &str) -> Ack {
        let (header, rows) = Header::decode(body).unwrap();
        let last_seq = self.last_seq.entry(header.writer.to_string()).or_default();
        let mut ack = Ack { acked_seq: 0, n_stored: 0, n_duplicate: 0, first_offset: None, refused: vec![] };
        for (index, row) in rows.lines().enumerate() {
            let seq = header.seq + index as Seq;
            ack.acked_seq = seq;
            if row.contains("bad") {
                ack.refused.push(Refusal { index: index as u64, code: "bad".into(), message: "It is bad.".into() });
            } else if seq <= *last_seq {
                ack.n_duplicate += 1;
            } else {
                self.rows.push(row.to_owned());
                ack.n_stored += 1;
            }
            *last_seq = (*last_seq).max(seq);
        }
        ack
    }
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    LostBefore,
    LostAfter,
    Busy,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Answered),
        1 => Just(Fate::LostBefore),
        1 => Just(Fate::LostAfter),
        1 => Just(Fate::Busy),
    ]
}

fn machine(options: &Options) -> Machine<Memory> {
    Machine::new(WriterId::from_bytes([7; 16]), options, Memory)
}

fn small() -> Options {
    Options { max_batch_rows: 5, max_batch_bytes: 60, ..Options::default() }
}

proptest! {
    /// Every row is stored once, in order, whatever becomes of requests and answers, and is counted once.
    #[test]
    fn each_row_is_stored_once_and_in_order(
        steps in prop::collection::vec((0_usize..8, fate(), 0_u64..400, 0.0..1.0_f64), 1..80),
    ) {
        let options = small();
        let (mut machine, mut server) = (machine(&options), Server::default());
        let (mut now, mut n_logged, mut n_bad) = (0, 0_u64, 0_u64);
        let drained = std::iter::repeat_n((0, Fate::Answered, 400, 0.5), 600);
        let mut waiting_since = None;
        for (n_rows, fate, pause, random) in steps.into_iter().chain(drained) {
            let mut lines = String::new();
            for _ in 0..n_rows {
                n_logged += 1;
                let is_bad = n_logged.is_multiple_of(7);
                n_bad += u64::from(is_bad);
                lines += &format!("{{\"n\":{n_logged}{}}}\n", if is_bad { ",\"bad\":1" } else { "" });
            }
            prop_assert_eq!(machine.push(lines), Ok(()));
            now += pause;
            match machine.next(now) {
                Step::Send(body) => {
                    prop_assert!(waiting_since.is_none_or(|at| now >= at), "sent before its time");
                    waiting_since = None;
                    let reply = match fate {
                        Fate::Answered => Reply::Ack(server.append(&body)),
                        Fate::LostBefore => Reply::Lost("refused".into()),
                        Fate::LostAfter => {
                            server.append(&body);
                            Reply::Lost("cut".into())
                        }
                        Fate::Busy => {
                            let retry_after_millis = Some(100);
                            Reply::Error { status: 503, code: None, message: None, retry_after_millis }
                        }
                    };
                    if matches!(fate, Fate::Busy) {
                        waiting_since = Some(now + 100);
                    }
                    machine.on_reply(now, &reply, random);
                }
                Step::WaitUntil(at) => prop_assert!(at > now),
                Step::Idle => prop_assert_eq!(machine.status().queued, 0),
                Step::Finished => prop_assert!(false, "it was not finished"),
            }
        }
        let expect: Vec<String> = (1..=n_logged).filter(|n| !n.is_multiple_of(7)).map(|n| format!("{{\"n\":{n}}}")).collect();
        prop_assert_eq!(server.rows, expect);
        let status = machine.status();
        prop_assert_eq!((status.acknowledged, status.rejected), (n_logged - n_bad, n_bad));
        prop_assert_eq!((status.queued, status.bytes, status.sent), (0, 0, n_logged));
        prop_assert!(machine.is_settled(n_logged));
    }
}

#[test]
fn an_outage_is_told_once_and_its_newest_reason_kept() {
    let mut machine = machine(&small());
    machine.push("{}\n".into()).unwrap();
    let mut n_told = 0;
    for try_idx in 0..5 {
        assert!(matches!(machine.next(try_idx * 100_000), Step::Send(_)));
        let reply = Reply::Lost(format!("try {try_idx}"));
        n_told += machine.on_reply(try_idx * 100_000, &reply, 0.5).len();
    }
    let status = machine.status();
    assert_eq!((n_told, status.state), (1, State::Retrying));
    assert!(status.last_error.unwrap().message.contains("try 4"));
}

#[test]
fn a_refused_row_is_told_by_its_number_and_the_others_are_stored() {
    let mut machine = machine(&small());
    let mut server = Server::default();
    machine.push("{\"n\":1}\n{\"bad\":2}\n{\"n\":3}\n".into()).unwrap();
    let Step::Send(body) = machine.next(0) else { panic!() };
    let notices = machine.on_reply(1, &Reply::Ack(server.append(&body)), 0.5);
    assert!(matches!(&notices[0], Notice::Error(DeliveryError::RowRefused { seq: 2, code, .. }) if code == "bad"));
    assert!(matches!(&notices[1], Notice::Acked(ack) if ack.n_stored == 2));
    assert_eq!((machine.status().acknowledged, machine.status().rejected), (2, 1));
}

#[test]
fn a_finished_table_takes_no_more_and_ends_when_it_is_empty() {
    let mut machine = machine(&small());
    machine.push("{}\n".into()).unwrap();
    machine.finish();
    assert_eq!(machine.push("{}\n".into()), Err(DeliveryError::Finished));
    let Step::Send(body) = machine.next(0) else { panic!() };
    assert_eq!(machine.next(0), Step::Idle, "not before the answer");
    machine.on_reply(1, &Reply::Ack(Server::default().append(&body)), 0.5);
    assert_eq!((machine.next(1), machine.status().state), (Step::Finished, State::Finished));
}

#[test]
fn a_last_call_takes_what_is_under_way_along_and_disturbs_nothing() {
    let mut machine = machine(&small());
    let mut server = Server::default();
    assert_eq!(machine.last_call(1_000), None);
    machine.push("{\"n\":1}\n{\"n\":2}\n".into()).unwrap();
    let Step::Send(sent) = machine.next(0) else { panic!() };
    machine.push("{\"n\":3}\n{\"n\":4}\n".into()).unwrap();
    let header_bytes = sent.find('\n').unwrap() + 1;
    assert_eq!(machine.last_call(header_bytes + 7), None, "not even one row fits");
    assert_eq!(machine.last_call(10), None, "nor the header");
    let last = machine.last_call(header_bytes + 3 * 8).unwrap();
    assert!(last.starts_with(&sent) && last.ends_with("{\"n\":3}\n"));
    assert_eq!(machine.status().sent, 3);
    // It arrives first, and the page lives on after all.
    server.append(&last);
    machine.on_reply(1, &Reply::Ack(server.append(&sent)), 0.5);
    let Step::Send(rest) = machine.next(100) else { panic!() };
    machine.on_reply(101, &Reply::Ack(server.append(&rest)), 0.5);
    assert_eq!(server.rows, (1..=4).map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>());
    assert_eq!((machine.status().acknowledged, machine.status().queued), (4, 0));
}

#[test]
fn a_full_queue_says_how_many_it_dropped() {
    let mut machine = machine(&Options { max_queue_rows: 2, ..small() });
    assert_eq!(machine.push("{}\n{}\n{}\n".into()), Err(DeliveryError::QueueFull { n_rows: 1 }));
    assert_eq!((machine.status().queued, machine.status().dropped), (2, 1));
    assert_eq!(machine.status().last_error.unwrap().code, "queue_full");
}
