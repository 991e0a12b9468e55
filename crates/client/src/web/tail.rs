//! Follows a table over a WebSocket in Arrow, for the board's worker, for as long as somebody wants it.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use futures::stream::unfold;
use gloo_timers::future::TimeoutFuture;
use model::{Offset, StoredBatch, TableName};

use super::convert::{TailText, tail_text};
use super::socket::{Socket, SocketEvent};
use crate::tail::{Hello, Joined, Tail};

/// What following a table brings.
#[derive(Clone, Debug, PartialEq)]
pub enum TailEvent {
    /// A connection is being made.
    Connecting,
    /// The server answered. Once the rows before `next_offset` came, the reader has caught up.
    Hello {
        /// The offset of the first row that is there: those before were dropped by the table's retention.
        first_offset: Offset,
        /// The offset the next stored row will have.
        next_offset: Offset,
        /// Whether the table is another than the one read so far, which was deleted.
        is_anew: bool,
    },
    /// Rows, each once and in order.
    Batch(StoredBatch),
    /// The connection was lost or refused, and is tried again.
    Reconnecting {
        /// How long until then, in milliseconds.
        in_millis: u64,
        /// Why, as a sentence.
        reason: String,
    },
}

/// A message of a tail.
enum Message {
    /// Where the table starts and ends now.
    Hello(Hello),
    /// Rows.
    Rows(StoredBatch),
}

/// Closes the connection when dropped.
#[derive(Debug)]
#[must_use = "dropping it closes the tail"]
pub struct TailHandle(Rc<Closer>);

#[derive(Debug, Default)]
struct Closer {
    closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Drop for TailHandle {
    fn drop(&mut self) {
        self.0.closed.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

enum State {
    Start,
    Open(Socket),
    Waiting(TimeoutFuture),
}

/// Follows one table.
struct Follower {
    address: String,
    key: Option<String>,
    tail: Tail,
    state: State,
    closer: Rc<Closer>,
}

impl Follower {
    /// What comes next; `None` once the handle is gone.
    async fn next(&mut self) -> Option<TailEvent> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<TailEvent>> {
        loop {
            if self.closer.closed.get() {
                self.state = State::Start;
                return Poll::Ready(None);
            }
            let event = match &mut self.state {
                State::Start => {
                    let address = match self.tail.from() {
                        Some(from) => format!("{}&from={from}", self.address),
                        None => self.address.clone(),
                    };
                    return Poll::Ready(Some(match Socket::open(&address, self.key.as_deref()) {
                        Ok(socket) => {
                            self.state = State::Open(socket);
                            TailEvent::Connecting
                        }
                        Err(reason) => self.lose(reason),
                    }));
                }
                State::Open(socket) => socket.poll_next(cx),
                State::Waiting(timer) => match Pin::new(timer).poll(cx) {
                    Poll::Ready(()) => {
                        self.state = State::Start;
                        continue;
                    }
                    Poll::Pending => Poll::Pending,
                },
            };
            let Poll::Ready(event) = event else {
                *self.closer.waker.borrow_mut() = Some(cx.waker().clone());
                return Poll::Pending;
            };
            if let Some(following) = self.take(event) {
                return Poll::Ready(Some(following));
            }
        }
    }

    fn take(&mut self, event: SocketEvent) -> Option<TailEvent> {
        match read(event) {
            Ok(Message::Hello(hello)) => {
                let is_anew = self.tail.on_hello(hello);
                if is_anew {
                    // The server must know from where, too.
                    self.state = State::Start;
                }
                let Hello { first_offset, next_offset, .. } = hello;
                Some(TailEvent::Hello { first_offset, next_offset, is_anew })
            }
            Ok(Message::Rows(stored)) => {
                let n_rows = stored.batch.n_rows();
                match self.tail.on_frame(stored.first_offset, n_rows as u64) {
                    Joined::Take { n_skip: 0, .. } => Some(TailEvent::Batch(stored)),
                    Joined::Take { n_skip, first_offset } => {
                        // `n_skip` is less than the rows there are, and those fit the memory.
                        let batch = stored.batch.slice(n_skip as usize..n_rows);
                        Some(TailEvent::Batch(StoredBatch { first_offset, batch }))
                    }
                    Joined::Known => None,
                    Joined::Gap { expected } => Some(self.lose(format!("rows from offset {expected} are missing"))),
                }
            }
            Err(reason) => Some(self.lose(reason)),
        }
    }

    fn lose(&mut self, reason: String) -> TailEvent {
        let in_millis = self.tail.on_lost(js_sys::Math::random());
        // The longest wait of a tail is far below what a timer can count.
        self.state = State::Waiting(TimeoutFuture::new(in_millis as u32));
        TailEvent::Reconnecting { in_millis, reason }
    }
}

/// Reads one message; the error is a sentence.
fn read(event: SocketEvent) -> Result<Message, String> {
    match event {
        SocketEvent::Binary(frame) => {
            wire::arrow::decode_frame(&frame).map(Message::Rows).map_err(|error| error.to_string())
        }
        SocketEvent::Text(text) => match tail_text(&text)? {
            TailText::Hello(hello) => Ok(Message::Hello(hello)),
            TailText::Error(reason) => Err(reason),
        },
        SocketEvent::Closed(reason) => Err(reason),
    }
}

/// The WebSocket's address, without the offset: `http` becomes `ws`.
fn address(url_base: &str, name: &TableName) -> String {
    let base = url_base.strip_suffix('/').unwrap_or(url_base);
    let (scheme, base) = base.strip_prefix("http").map_or(("", base), |rest| ("ws", rest));
    format!("{scheme}{base}{}/tail/{name}?format=arrow", wire::api::API_PREFIX)
}

/// Follows a table from offset `from`, or from its present end when there is none.
///
/// `url_base` is the server's origin, such as `http://127.0.0.1:7700`, with `#` and a key behind it where there is one. Works in pages and in workers. The stream
/// connects when it is first polled, connects again whenever it has to, and ends when the handle is dropped. A table
/// that was deleted, and perhaps made anew, shows as a `Hello` that says so; its rows follow from the first.
///
/// Memory is bounded: a reader who falls 64 MiB behind is cut off and taken up again where it stands.
pub fn follow_table(
    url_base: &str,
    name: &TableName,
    from: Option<Offset>,
) -> (impl Stream<Item = TailEvent> + Unpin + use<>, TailHandle) {
    let closer = Rc::new(Closer::default());
    let handle = TailHandle(Rc::clone(&closer));
    let (url_base, key) = url_base.split_once('#').map_or((url_base, None), |(url, key)| (url, Some(key.to_owned())));
    let follower =
        Follower { address: address(url_base, name), key, tail: Tail::new(from), state: State::Start, closer };
    let events = unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((event, follower))
    });
    (Box::pin(events), handle)
}
