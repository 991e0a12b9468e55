//! The machines as the npm package's TypeScript drives them. Only numbers cross: the rows stay in JavaScript.
//!
//! Numbers are `f64`, which holds every count exactly up to 2^53; a `u64` would come as a BigInt, which is slow and large.
//! The methods take `&mut self` and call nothing of JavaScript's, so none can come back in the middle of another.

use rlsf::SmallGlobalTlsf;
use wasm_bindgen::prelude::*;

use crate::machine::{Machine, Step};
use crate::outbox::Span;
use crate::tail::{Hello, Joined, Tail};
use crate::uploader::{Answer, Batching, Verdict};

/// As fast as the default allocator and a tenth of the package smaller.
#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();

/// What [`Delivery::next`] gives where it gives no time.
mod step {
    /// Come back when something happened.
    pub(super) const IDLE: f64 = -1.0;
    /// Send the rows that [`Delivery::first_seq`](super::Delivery::first_seq) and `n_rows` name.
    pub(super) const SEND: f64 = -2.0;
    /// There is nothing left to do, ever.
    pub(super) const FINISHED: f64 = -3.0;
}

/// One writer's way out; see [`Machine`].
#[wasm_bindgen]
pub struct Delivery {
    machine: Machine,
    /// What is to be sent, or was dealt with last.
    span: Span,
}

#[wasm_bindgen]
impl Delivery {
    /// Starts with nothing to send; sizes in rows and bytes, times in milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(max_batch_rows: f64, max_batch_bytes: f64, linger_millis: f64, max_retry_millis: f64) -> Self {
        let batching = Batching {
            max_rows: (max_batch_rows as u64).max(1),
            max_bytes: max_batch_bytes as u64,
            linger_millis: linger_millis as u64,
            max_retry_millis: max_retry_millis as u64,
        };
        Self { machine: Machine::new(batching), span: Span { first_seq: 0, n_rows: 0, n_bytes: 0 } }
    }

    /// Takes in a chunk of rows.
    pub fn push(&mut self, first_seq: f64, n_rows: f64, n_bytes: f64) {
        self.machine.push(Span { first_seq: first_seq as u64, n_rows: n_rows as u64, n_bytes: n_bytes as u64 });
    }

    /// Lets go of the oldest rows that are not under way; says how many there were.
    #[wasm_bindgen(js_name = dropOldest)]
    pub fn drop_oldest(&mut self, n_rows: f64) -> f64 {
        self.machine.drop_oldest(n_rows as u64) as f64
    }

    /// Lets the rows so far go without lingering.
    pub fn hurry(&mut self) {
        self.machine.hurry();
    }

    /// The way to the server may be well again.
    pub fn hint(&mut self) {
        self.machine.hint();
    }

    /// Takes no more rows, and ends once those there are settled.
    pub fn finish(&mut self) {
        self.machine.finish();
    }

    /// What to do at this time: a time to come back at, or one of the steps below 0.
    pub fn next(&mut self, now_millis: f64) -> f64 {
        match self.machine.next(now_millis as u64) {
            Step::Send(span) => {
                self.span = span;
                step::SEND
            }
            Step::WaitUntil(at_millis) => at_millis as f64,
            Step::Idle => step::IDLE,
            Step::Finished => step::FINISHED,
        }
    }

    /// The number of the first row to send, or of those that were set aside.
    #[wasm_bindgen(getter, js_name = firstSeq)]
    pub fn first_seq(&self) -> f64 {
        self.span.first_seq as f64
    }

    /// How many rows to send, or were set aside.
    #[wasm_bindgen(getter, js_name = nRows)]
    pub fn n_rows(&self) -> f64 {
        self.span.n_rows as f64
    }

    /// The server has dealt with the rows up to this one, having refused some by themselves. False where that makes no
    /// sense, which is as good as no answer.
    pub fn acked(&mut self, now_millis: f64, seq: f64, n_refused: f64, random: f64) -> bool {
        let answer = Answer::Acked(seq as u64);
        let verdict = self.machine.on_answer(now_millis as u64, answer, n_refused as u64, random);
        matches!(verdict, Some(Verdict::Through(_)))
    }

    /// The server refused the request (status 0: there was no answer; `retry_after_millis` below 0: it said nothing).
    /// True where the rows can never be stored: they were set aside.
    pub fn refused(
        &mut self,
        now_millis: f64,
        status: u16,
        is_ours: bool,
        retry_after_millis: f64,
        random: f64,
    ) -> bool {
        let retry_after_millis = (retry_after_millis >= 0.0).then_some(retry_after_millis as u64);
        let answer = if status == 0 { Answer::Lost } else { Answer::Refused { status, is_ours, retry_after_millis } };
        match self.machine.on_answer(now_millis as u64, answer, 0, random) {
            Some(Verdict::Aside(span)) => {
                self.span = span;
                true
            }
            _ => false,
        }
    }

    /// The number up to which every row was dealt with.
    #[wasm_bindgen(getter, js_name = settledSeq)]
    pub fn settled_seq(&self) -> f64 {
        self.machine.outbox().settled_seq() as f64
    }

    /// The number from which on chunks are still needed.
    #[wasm_bindgen(getter, js_name = keptSeq)]
    pub fn kept_seq(&self) -> f64 {
        self.machine.outbox().kept_seq() as f64
    }

    /// How many rows wait.
    #[wasm_bindgen(getter, js_name = nQueued)]
    pub fn n_queued(&self) -> f64 {
        self.machine.outbox().n_rows() as f64
    }

    /// Their size in bytes.
    #[wasm_bindgen(getter, js_name = nBytes)]
    pub fn n_bytes(&self) -> f64 {
        self.machine.outbox().n_bytes() as f64
    }

    /// The number of the newest row that was sent at least once.
    #[wasm_bindgen(getter, js_name = sentSeq)]
    pub fn sent_seq(&self) -> f64 {
        self.machine.sent_seq() as f64
    }

    /// How many rows the server has stored.
    #[wasm_bindgen(getter, js_name = nAcknowledged)]
    pub fn n_acknowledged(&self) -> f64 {
        self.machine.counts().n_acknowledged as f64
    }

    /// How many rows the server refused for good.
    #[wasm_bindgen(getter, js_name = nRejected)]
    pub fn n_rejected(&self) -> f64 {
        self.machine.counts().n_rejected as f64
    }

    /// How many requests failed in a row.
    #[wasm_bindgen(getter, js_name = nFailures)]
    pub fn n_failures(&self) -> u32 {
        self.machine.n_failures()
    }
}

/// What [`Following::skip`] gives where it gives no count.
mod skip {
    /// Every row of the frame is known.
    pub(super) const ALL: f64 = -1.0;
    /// Rows are missing before it.
    pub(super) const GAP: f64 = -2.0;
}

/// Where a reader of the live tail stands; see [`Tail`].
#[wasm_bindgen]
pub struct Following(Tail);

#[wasm_bindgen]
impl Following {
    /// Starts at an offset, or at the table's end where it is below 0.
    #[wasm_bindgen(constructor)]
    pub fn new(from: f64) -> Self {
        Self(Tail::new((from >= 0.0).then_some(from as u64)))
    }

    /// The offset to ask the server for; below 0 where it is to tell.
    #[wasm_bindgen(getter)]
    pub fn from(&self) -> f64 {
        self.0.from().map_or(-1.0, |from| from as f64)
    }

    /// The server said where the table starts and ends, and when it was made (below 0: nothing); true when that means to
    /// connect anew.
    pub fn hello(&mut self, first_offset: f64, next_offset: f64, created_micros: f64) -> bool {
        let created_micros = (created_micros >= 0.0).then_some(created_micros as i64);
        self.0.on_hello(Hello { first_offset: first_offset as u64, next_offset: next_offset as u64, created_micros })
    }

    /// Rows came: says how many at their start are known, or one of the answers below 0.
    pub fn skip(&mut self, first_offset: f64, n_rows: f64) -> f64 {
        match self.0.on_frame(first_offset as u64, n_rows as u64) {
            Joined::Take { n_skip, .. } => n_skip as f64,
            Joined::Known => skip::ALL,
            Joined::Gap { .. } => skip::GAP,
        }
    }

    /// The connection was lost: says how many milliseconds to wait.
    pub fn lost(&mut self, random: f64) -> f64 {
        self.0.on_lost(random) as f64
    }
}
