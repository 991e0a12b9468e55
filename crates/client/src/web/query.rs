//! A live query over a WebSocket, for the board's worker: questions go out, answers come for as long as somebody wants them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::unfold;
use wire::json::{QueryText, decode_query_text};

use super::kept::{Closer, Kept, KeptEvent, socket_address};
use super::socket::SocketEvent;
use crate::backoff::Backoff;

const BASE_WAIT_MILLIS: u64 = 250;
const MAX_WAIT_MILLIS: u64 = 15_000;

/// The codes of what will not be answered however often it is asked. Whatever else a server says may pass.
const FOR_GOOD: [&str; 8] = [
    "bad_json",
    "bad_parameter",
    "bad_query",
    "no_rows",
    "unsupported",
    "too_many_rows",
    "answer_too_large",
    "unknown_column",
];

/// What a live query brings.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryEvent {
    /// A connection is being made.
    Connecting,
    /// The connection stands, and nothing was asked over it yet.
    Opened,
    /// An answer, or why there will be none.
    Said(QueryText),
    /// The connection was lost or refused, or the server cannot answer now. What was asked is to be asked again when
    /// the connection stands.
    Reconnecting {
        /// Why, as a sentence.
        reason: String,
        /// The error's code, where it is the server that says so.
        code: Option<String>,
    },
}

/// Asks over the connection, and closes it when dropped.
#[derive(Debug)]
#[must_use = "dropping it closes the connection"]
pub struct QueryHandle(Rc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    closer: Rc<Closer>,
    /// Questions that have to go out. Few: whoever asks waits for the answer.
    questions: RefCell<VecDeque<String>>,
}

impl QueryHandle {
    /// Asks: a `QueryRequest` in JSON. To be called after [`QueryEvent::Opened`]; what is asked of a connection that is
    /// lost is forgotten.
    pub fn ask(&self, question: String) {
        self.0.questions.borrow_mut().push_back(question);
        self.0.closer.wake();
    }
}

impl Drop for QueryHandle {
    fn drop(&mut self) {
        self.0.closer.close();
    }
}

struct Asker {
    address: String,
    shared: Rc<Shared>,
    kept: Kept,
    backoff: Backoff,
}

impl Asker {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<QueryEvent>> {
        for question in self.shared.questions.take() {
            self.kept.send(&question);
        }
        let event = match self.kept.poll_next(|| self.address.clone(), cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(event)) => event,
        };
        let lost = match event {
            KeptEvent::Connecting => return Poll::Ready(Some(QueryEvent::Connecting)),
            KeptEvent::Socket(SocketEvent::Opened) => return Poll::Ready(Some(QueryEvent::Opened)),
            KeptEvent::Socket(SocketEvent::Text(text)) => match decode_query_text(&text) {
                Ok(QueryText::Error { error, .. }) if !FOR_GOOD.contains(&error.code.as_str()) => {
                    (error.message, Some(error.code))
                }
                Ok(said) => {
                    self.backoff.succeed();
                    return Poll::Ready(Some(QueryEvent::Said(said)));
                }
                Err(error) => (error.to_string(), None),
            },
            KeptEvent::Socket(SocketEvent::Binary(_)) => {
                ("the server sent a message that is not known".to_owned(), None)
            }
            KeptEvent::Refused(reason) | KeptEvent::Socket(SocketEvent::Closed(reason)) => (reason, None),
        };
        self.kept.wait(self.backoff.fail(None, js_sys::Math::random()));
        let (reason, code) = lost;
        Poll::Ready(Some(QueryEvent::Reconnecting { reason, code }))
    }
}

/// A connection to ask a server over, whose origin is `url_base`, such as `http://127.0.0.1:7700`, with `#` and a key behind it
/// where there is one. It connects when the stream is first polled, connects again whenever it has to, and ends when the
/// handle is dropped.
pub fn live_query(url_base: &str) -> (impl Stream<Item = QueryEvent> + Unpin + use<>, QueryHandle) {
    let shared = Rc::new(Shared::default());
    let (url_base, key) = wire::key::split(url_base);
    let asker = Asker {
        address: socket_address(url_base, "/query"),
        kept: Kept::new(key, Rc::clone(&shared.closer)),
        shared: Rc::clone(&shared),
        backoff: Backoff::new(BASE_WAIT_MILLIS, MAX_WAIT_MILLIS),
    };
    let events = unfold(asker, |mut asker| async move {
        let event = poll_fn(|cx| asker.poll_next(cx)).await?;
        Some((event, asker))
    });
    (Box::pin(events), QueryHandle(shared))
}
