//! The fold: a stream's messages, in the stream's order, into the local copy.
//!
//! Each node does the same with the same messages, so that each gives every row the same offset: what is at or below a
//! writer's last seq is dropped, what is above is taken and numbered, with a gap or without, as in the journal of one
//! server; it is that journal's own code. A message that is none is passed over. One of a later version stops the fold of its
//! stream, since whoever passed it over would number what follows otherwise than a node that knows it.
//!
//! What else changes a table, its deletion and what retention drops, is a message as well, and so comes at the same row
//! everywhere. No server changes its copy by itself, but for how rows lie in frames.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::Stream;
use futures::StreamExt;
use wire::WireError;
use wire::stream::{Change, Message, MessageId, Piece};

use super::assemble::{Assembler, Step};
use super::partition::Partition;
use super::place;
use super::waiting::{Folded, Outcome, Waiting};
use crate::journal::task::Task;
use crate::journal::{
    Append, Budget, JournalError, JournalFuture, Origin, Place, Reservation, Retention, SqliteJournal,
};

/// The most bytes that the cluster sends ahead.
const MAX_AHEAD_BYTES: usize = 4 << 20;
/// The most messages that wait for the local copy.
const MAX_IN_FLIGHT: usize = 1024;
/// A consumer that the cluster hears nothing of is forgotten after this long.
const CONSUMER_LIFE: Duration = Duration::from_secs(60);
/// Between two signs of life of a consumer that has nothing to send.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// A stream that is followed for so long without a failure is well, though nothing came.
const SETTLE: Duration = Duration::from_millis(500);
/// Before a fold that failed goes on, and when it fails again and again.
const PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(3);
/// A body larger than this is decoded off the runtime's threads.
const LARGE_BODY_BYTES: usize = 128 << 10;
/// A message at which writing panics so many times is passed over.
const MAX_PANICS: u32 = 3;

/// Why a fold stopped.
enum Stop {
    /// It is tried again from where the local copy is.
    Trouble(String),
    /// The server is closing.
    Closed,
}

/// A message that is being written to the local copy.
struct InFlight {
    seq: u64,
    /// Who may wait for it.
    id: Option<MessageId>,
    /// What it ends with where the message was passed over.
    passed_over: Option<String>,
    written: JournalFuture<Folded>,
}

/// The fold of one stream.
pub(super) struct Fold {
    pub(super) partition: Arc<Partition>,
    pub(super) n_partitions: u32,
    pub(super) stream: Stream<()>,
    pub(super) copy: Arc<SqliteJournal>,
    pub(super) waiting: Arc<Waiting>,
    /// The bytes that may wait for the local copy, over all streams.
    pub(super) budget: Arc<Budget>,
    in_flight: VecDeque<InFlight>,
    /// Whether a message was not written, since when no other will be.
    failed: bool,
    /// The last piece of a body that is not whole, which moves nothing and is as good as folded; 0 for none.
    begun: u64,
    /// The message at which writing panicked, and how often.
    panicked: (u64, u32),
}

impl Fold {
    pub(super) fn new(
        partition: Arc<Partition>,
        n_partitions: u32,
        stream: Stream<()>,
        copy: Arc<SqliteJournal>,
        waiting: Arc<Waiting>,
        budget: Arc<Budget>,
    ) -> Self {
        let (in_flight, failed, begun, panicked) = (VecDeque::new(), false, 0, (0, 0));
        Self { partition, n_partitions, stream, copy, waiting, budget, in_flight, failed, begun, panicked }
    }

    /// Folds until the local copy is closed.
    pub(super) async fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            let before = self.partition.folded();
            let stop = self.follow().await;
            // What was sent ahead is written or refused, so that the local copy stands still.
            while !self.in_flight.is_empty() {
                // A failure here is met again when the stream is followed anew.
                let _ = self.finish_first().await;
            }
            self.failed = false;
            match stop {
                Stop::Closed => return,
                Stop::Trouble(reason) => {
                    tracing::warn!(stream = place::stream(self.partition.number), reason, "a stream is followed anew");
                    self.partition.set_trouble(reason);
                }
            }
            pause = if self.partition.folded() > before { PAUSE } else { (pause * 2).min(MAX_PAUSE) };
            tokio::time::sleep(pause).await;
        }
    }

    /// Follows the stream from where the local copy is.
    async fn follow(&mut self) -> Stop {
        match self.try_follow().await {
            Ok(never) => match never {},
            Err(stop) => stop,
        }
    }

    async fn try_follow(&mut self) -> Result<std::convert::Infallible, Stop> {
        let mut done = self.copy.place_in(self.partition.number);
        let mut next = done + 1;
        check_bounds(&self.stream, done).await?;
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
            ack_policy: AckPolicy::None,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: CONSUMER_LIFE,
            ..pull::Config::default()
        };
        let consumer = self.stream.create_consumer(config).await.map_err(trouble)?;
        let messages = consumer.stream().max_bytes_per_batch(MAX_AHEAD_BYTES).heartbeat(HEARTBEAT).messages();
        let mut messages = messages.await.map_err(trouble)?;
        let mut assembler = Assembler::default();
        let (settle, mut is_settled) = (tokio::time::sleep(SETTLE), false);
        tokio::pin!(settle);
        loop {
            let message = tokio::select! {
                biased;
                finished = first(&mut self.in_flight), if !self.in_flight.is_empty() => {
                    self.finished(finished)?;
                    continue;
                }
                message = messages.next(), if self.in_flight.len() < MAX_IN_FLIGHT => message,
                () = &mut settle, if !is_settled => {
                    is_settled = true;
                    self.partition.clear_trouble();
                    continue;
                }
            };
            let message = message.ok_or_else(|| trouble("the consumer ended"))?.map_err(trouble)?;
            let seq = message.info().map_err(trouble)?.stream_sequence;
            if seq < next {
                continue;
            }
            if seq > next {
                check_gap(&self.stream, next).await?;
                check_gap(&self.stream, seq - 1).await?;
            }
            next = seq + 1;
            if self.take(&mut assembler, &message.payload, done, seq).await? {
                done = seq;
            }
        }
    }

    /// Takes a message; says whether it is sent to the local copy, as all but the first pieces of a body are.
    async fn take(&mut self, assembler: &mut Assembler, payload: &[u8], after: u64, seq: u64) -> Result<bool, Stop> {
        let (id, body) = match Piece::decode(payload) {
            Err(WireError::NewerMessage(version)) => return Err(newer(seq, version)),
            Err(error) => {
                assembler.give_up();
                return self.pass_over(None, after, seq, error.to_string()).map(|()| true);
            }
            Ok(piece) => match assembler.push(&piece) {
                Step::Begun => {
                    self.begun = seq;
                    if self.in_flight.is_empty() {
                        self.partition.set_folded(seq);
                    }
                    return Ok(false);
                }
                Step::Stray => {
                    let reason = "it is a piece whose neighbours are not there".to_owned();
                    return self.pass_over(None, after, seq, reason).map(|()| true);
                }
                Step::Whole(body) => (piece.id, body),
            },
        };
        if self.panicked == (seq, MAX_PANICS) {
            return self.pass_over(Some(id), after, seq, "writing it panics".to_owned()).map(|()| true);
        }
        let n_bytes = body.len();
        let decoded = if n_bytes < LARGE_BODY_BYTES {
            Message::decode(&body)
        } else {
            tokio::task::spawn_blocking(move || Message::decode(&body)).await.map_err(trouble)?
        };
        let message = match decoded {
            Err(WireError::NewerMessage(kind)) => return Err(newer(seq, kind)),
            Err(error) => return self.pass_over(Some(id), after, seq, error.to_string()).map(|()| true),
            Ok(message) if place::partition(&message.table, self.n_partitions) != self.partition.number => {
                let reason = format!("what happens to {} belongs into another stream", message.table);
                return self.pass_over(Some(id), after, seq, reason).map(|()| true);
            }
            Ok(message) => message,
        };
        let reservation = loop {
            match self.budget.reserve(n_bytes) {
                Some(reservation) => break reservation,
                // Others take the room, and give it back as they are written.
                None if self.in_flight.is_empty() => tokio::time::sleep(Duration::from_millis(5)).await,
                None => self.finish_first().await?,
            }
        };
        let lane = Some((id.lane, id.number));
        let received_micros = message.received_micros;
        let place = Place { stream: self.partition.number, after, seq, received_micros, lane };
        let written = self.write(message, place, reservation);
        self.in_flight.push_back(InFlight { seq, id: Some(id), passed_over: None, written });
        Ok(true)
    }

    /// Has the local copy do what a message says.
    fn write(&self, message: Message, place: Place, reservation: Reservation) -> JournalFuture<Folded> {
        let Message { table, change, .. } = message;
        let task = match change {
            Change::Rows { origin, batches } => {
                let origin =
                    origin.map(|origin| Origin { writer: origin.writer, seqs: origin.seqs, last_seq: origin.last_seq });
                let written = self.copy.append_at(Some(Append { table, origin, batches, reservation }), place);
                return Box::pin(async move { written.await.map(Folded::Rows) });
            }
            Change::Delete => Task::Delete(table),
            Change::Retain(limits) => {
                let retention = |[max_age_seconds, max_rows, max_bytes]: [Option<u64>; 3]| Retention {
                    max_age_seconds,
                    max_rows,
                    max_bytes,
                };
                Task::SetRetention(table, limits.map(retention))
            }
            Change::Drop { created_micros, first_offset } => {
                Task::DropBefore { name: table, created_micros, first_offset }
            }
        };
        let done = self.copy.do_at(task, place);
        Box::pin(async move { done.await.map(Folded::Other) })
    }

    /// Moves past a message that holds nothing for anybody.
    fn pass_over(&mut self, id: Option<MessageId>, after: u64, seq: u64, reason: String) -> Result<(), Stop> {
        let stream = place::stream(self.partition.number);
        tracing::error!(stream, seq, reason, "a message is passed over, on every node");
        let place = Place { stream: self.partition.number, after, seq, received_micros: 0, lane: None };
        let passed = self.copy.append_at(None, place);
        let written: JournalFuture<Folded> = Box::pin(async move { passed.await.map(Folded::Rows) });
        self.in_flight.push_back(InFlight { seq, id, passed_over: Some(reason), written });
        Ok(())
    }

    async fn finish_first(&mut self) -> Result<(), Stop> {
        let finished = first(&mut self.in_flight).await;
        self.finished(finished)
    }

    /// Tells what became of the first message that was in flight.
    fn finished(&mut self, outcome: Outcome) -> Result<(), Stop> {
        let Some(message) = self.in_flight.pop_front().filter(|_| !self.failed) else { return Ok(()) };
        let outcome = match (outcome, message.passed_over) {
            (Ok(folded), passed_over) => {
                let is_last = self.in_flight.is_empty();
                self.partition.set_folded(if is_last { message.seq.max(self.begun) } else { message.seq });
                passed_over.map_or(Ok(folded), |reason| Err(JournalError::Internal(reason)))
            }
            (Err(error), _) => {
                self.failed = true;
                if let JournalError::Internal(_) = error {
                    let (seq, n_times) = self.panicked;
                    self.panicked = (message.seq, if seq == message.seq { n_times + 1 } else { 1 });
                }
                let stop = match &error {
                    JournalError::Closed => Stop::Closed,
                    error => trouble(error),
                };
                // A message that is written later is found by whoever asks again; a full disk they should hear of now.
                if let (Some(id), JournalError::DiskFull) = (&message.id, &error) {
                    self.waiting.tell(id, Err(error));
                }
                return Err(stop);
            }
        };
        if let Some(id) = &message.id {
            self.waiting.tell(id, outcome);
        }
        Ok(())
    }
}

/// The local copy must lie within the stream.
async fn check_bounds(stream: &Stream<()>, done: u64) -> Result<(), Stop> {
    let state = stream.get_info().await.map_err(trouble)?.state;
    if done > state.last_sequence {
        let last = state.last_sequence;
        let reason = "was it made anew? Then the folder of the local copy must be deleted";
        return Err(trouble(format!("the stream ends at {last} and the local copy holds {done}; {reason}")));
    }
    if state.first_sequence > done + 1 {
        let first = state.first_sequence;
        return Err(trouble(format!("the stream starts at {first} and the local copy holds {done}; rows are missing")));
    }
    Ok(())
}

/// Whether a message that did not come is not in the stream. Then it is so for every node.
async fn check_gap(stream: &Stream<()>, missing: u64) -> Result<(), Stop> {
    use async_nats::jetstream::stream::RawMessageErrorKind;

    match stream.get_raw_message(missing).await {
        Ok(_) => Err(trouble(format!("message {missing} was left out"))),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(()),
        Err(error) => Err(trouble(error)),
    }
}

/// Waits for the first message in flight.
async fn first(in_flight: &mut VecDeque<InFlight>) -> Outcome {
    match in_flight.front_mut() {
        Some(message) => (&mut message.written).await,
        None => std::future::pending().await,
    }
}

fn trouble(reason: impl std::fmt::Display) -> Stop {
    Stop::Trouble(reason.to_string())
}

fn newer(seq: u64, version: u8) -> Stop {
    let what = WireError::NewerMessage(version);
    trouble(format!("message {seq}: {what}; this server must be brought up to date"))
}
