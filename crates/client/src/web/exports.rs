//! What the npm package's class calls. It gets rows as JSON lines and says what happens through one function.

use std::sync::Arc;

use js_sys::Function;
use model::Offset;
use rlsf::SmallGlobalTlsf;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wire::api::Ack;

use super::clock::{WebClock, WebRandom, new_writer};
use super::convert::{Fields, TailText, object, tail_text};
use super::error::to_fault;
use super::socket::SocketEvent;
use super::tail::{Follower, Following, Format, Message, TailHandle};
use super::transport::Fetch;
use crate::options::Options;
use crate::outbox::Memory;
use crate::ports::{Notice, Observer};
use crate::stream_table::{Machine, Shared, State, drive};

/// Requests that outlive their page have 65,536 bytes together, and a page may have several tables.
const MAX_LAST_CALL_BYTES: usize = 60_000;

/// As fast as the default allocator and a tenth of the package smaller.
#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();

/// One table's way out.
#[wasm_bindgen]
pub struct Client {
    shared: Arc<Shared<Memory>>,
    options: Options,
    name: String,
}

/// Calls `notify(kind, value)`.
struct Notify(Function);

impl Notify {
    fn call(&self, kind: &str, value: &JsValue) {
        // The class catches what its listeners throw, so there is nothing left that could.
        let _ = self.0.call2(&JsValue::NULL, &JsValue::from_str(kind), value);
    }
}

impl Observer for Notify {
    fn notice(&self, notice: Notice) {
        match notice {
            Notice::Status => self.call("status", &JsValue::UNDEFINED),
            Notice::Acked(ack) => self.call("ack", &ack_object(&ack)),
            Notice::Error(error) => self.call("error", &to_fault(&error)),
        }
    }
}

#[wasm_bindgen]
impl Client {
    /// Gets ready to send to the table `name`, which is `entity/project/table` and was checked by the class; `options` are
    /// those of [`Options`].
    #[wasm_bindgen(constructor)]
    pub fn new(name: String, options: JsValue, notify: Function) -> Self {
        let options = read_options(options);
        let shared = Arc::new(Shared::new(Machine::new(new_writer(), &options, Memory)));
        let transport = Fetch::new(&options, &name);
        let driven = Arc::clone(&shared);
        spawn_local(async move {
            drive(&*driven, &transport, &WebClock, &WebRandom, &Notify(notify)).await;
        });
        Self { shared, options, name }
    }

    /// Takes rows in: JSON objects, each with its line end.
    ///
    /// # Errors
    /// When some of them were dropped because the queue is full; the others are queued.
    pub fn push(&self, lines: String) -> Result<(), JsValue> {
        let pushed = self.shared.with(|machine| machine.push(lines));
        self.shared.wake();
        pushed.map_err(|error| to_fault(&error))
    }

    /// Settles when the server has dealt with every row pushed so far.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// The body of a last request as the page goes, at most as large as a browser lets such a request be.
    #[wasm_bindgen(js_name = lastCall)]
    pub fn last_call(&self) -> Option<String> {
        self.shared.with(|machine| machine.last_call(MAX_LAST_CALL_BYTES))
    }

    /// Takes no more rows; ends once those there are settled.
    pub fn finish(&self) {
        self.shared.with(Machine::finish);
        self.shared.wake();
    }

    /// How the rows are doing.
    pub fn status(&self) -> JsValue {
        let status = self.shared.with(|machine| machine.status());
        let state = match status.state {
            State::Idle => "idle",
            State::Sending => "sending",
            State::Retrying => "retrying",
            State::Finished => "finished",
        };
        let last_error = status.last_error.map(|e| object([("code", e.code.into()), ("message", e.message.into())]));
        object([
            ("state", state.into()),
            ("queued", count(status.queued)),
            ("sent", count(status.sent)),
            ("acknowledged", count(status.acknowledged)),
            ("rejected", count(status.rejected)),
            ("dropped", count(status.dropped)),
            ("bytes", count(status.bytes)),
            ("lastError", last_error.unwrap_or(JsValue::NULL)),
        ])
    }

    /// Follows the table from offset `from`, or from its present end. `notify(kind, …)` is called with
    /// `("rows", list, first_offset)`, `("hello", next_offset)`, `("connecting")` and `("lost", reason, in_millis)`.
    /// The tail closes when what is returned is freed.
    pub fn subscribe(&self, from: Option<f64>, notify: Function) -> Subscription {
        let from = from.map(|from| from as Offset);
        let (mut follower, handle) = Follower::new(&self.options.server, &self.name, from, Json);
        spawn_local(async move {
            while let Some(event) = follower.next().await {
                let call = |kind: &str, a: &JsValue, b: f64| {
                    // The class catches what its listeners throw, so there is nothing left that could.
                    let _ = notify.call3(&JsValue::NULL, &JsValue::from_str(kind), a, &JsValue::from_f64(b));
                };
                match event {
                    Following::Connecting => call("connecting", &JsValue::UNDEFINED, 0.0),
                    Following::Hello { next_offset } => call("hello", &JsValue::UNDEFINED, next_offset as f64),
                    Following::Batch((first_offset, rows)) => call("rows", &rows, first_offset as f64),
                    Following::Reconnecting { in_millis, reason } => {
                        call("lost", &JsValue::from_str(&reason), in_millis as f64);
                    }
                }
            }
        });
        Subscription { _handle: handle }
    }
}

/// Counts stay below 2^53, up to which a number is exact.
fn count(n: u64) -> JsValue {
    JsValue::from_f64(n as f64)
}

fn ack_object(ack: &Ack) -> JsValue {
    object([
        ("ackedSeq", count(ack.acked_seq)),
        ("stored", count(ack.n_stored)),
        ("duplicates", count(ack.n_duplicate)),
        ("refused", count(ack.refused.len() as u64)),
        ("firstOffset", ack.first_offset.map_or(JsValue::NULL, count)),
    ])
}

/// Options under their names in camel case; what is missing or of another type keeps its default.
fn read_options(given: JsValue) -> Options {
    let given = Fields(given);
    let default = Options::default();
    let size = |name, default| given.whole(name).map_or(default, |n| n as usize);
    Options {
        server: given.text("server").unwrap_or(default.server),
        key: given.text("key"),
        max_queue_bytes: size("maxQueueBytes", default.max_queue_bytes),
        max_queue_rows: size("maxQueueRows", default.max_queue_rows),
        max_batch_rows: size("maxBatchRows", default.max_batch_rows),
        max_batch_bytes: size("maxBatchBytes", default.max_batch_bytes),
        linger_millis: given.whole("lingerMillis").unwrap_or(default.linger_millis),
        request_timeout_millis: size("requestTimeoutMillis", default.request_timeout_millis as usize) as u32,
        max_retry_millis: given.whole("maxRetryMillis").unwrap_or(default.max_retry_millis),
        ..default
    }
}

/// A running tail; freeing it closes it.
#[wasm_bindgen]
pub struct Subscription {
    _handle: TailHandle,
}

/// The tail in JSON: rows stay JavaScript's.
struct Json;

impl Format for Json {
    type Rows = (Offset, js_sys::Array);
    const NAME: &'static str = "json";

    fn read(&self, message: SocketEvent) -> Result<Message<Self::Rows>, String> {
        let text = match message {
            SocketEvent::Text(text) => text,
            SocketEvent::Binary(_) => return Err("rows came in a format that was not asked for".to_owned()),
            SocketEvent::Closed(reason) => return Err(reason),
        };
        match tail_text(&text)? {
            TailText::Hello(next_offset) => Ok(Message::Hello(next_offset)),
            TailText::Rows(first_offset, rows) => {
                Ok(Message::Rows(first_offset, u64::from(rows.length()), (first_offset, rows)))
            }
            TailText::Error(reason) => Err(reason),
        }
    }

    fn skip(&self, rows: Self::Rows, n_skip: u64, first_offset: Offset) -> Self::Rows {
        (first_offset, rows.1.slice(n_skip as u32, rows.1.length()))
    }
}
