//! Follows a table over a WebSocket, in a page or a worker, for as long as somebody wants it.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use gloo_timers::future::TimeoutFuture;
use model::Offset;

use super::clock::{WebRandom, sleep};
use super::socket::{Socket, SocketEvent};
use crate::ports::Random;
use crate::tail::{Joined, Tail};

/// What following a table brings, its rows being a `P`.
#[derive(Clone, Debug, PartialEq)]
pub enum Following<P> {
    /// A connection is being made.
    Connecting,
    /// The server answered. Once the rows before `next_offset` came, the reader has caught up.
    Hello {
        /// The offset the next stored row will have.
        next_offset: Offset,
    },
    /// Rows, each once and in order.
    Batch(P),
    /// The connection was lost or refused, and is tried again.
    Reconnecting {
        /// How long until then, in milliseconds.
        in_millis: u64,
        /// Why, as a sentence.
        reason: String,
    },
}

/// Reads the messages of a tail; one for each format.
pub(crate) trait Format {
    /// Rows as this format has them.
    type Rows;
    /// The `format` to ask the server for.
    const NAME: &'static str;
    /// Reads one message; the error is a sentence.
    fn read(&self, message: SocketEvent) -> Result<Message<Self::Rows>, String>;
    /// Drops the first `n_skip` rows, which leaves those from `first_offset`.
    fn skip(&self, rows: Self::Rows, n_skip: u64, first_offset: Offset) -> Self::Rows;
}

/// A message of a tail.
pub(crate) enum Message<R> {
    /// Where the table ends now.
    Hello(Offset),
    /// Rows: the first one's offset, and how many.
    Rows(Offset, u64, R),
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
pub(crate) struct Follower<F> {
    address: String,
    format: F,
    tail: Tail,
    state: State,
    closer: Rc<Closer>,
}

impl<F: Format> Follower<F> {
    /// Gets ready to follow; nothing is sent until the first [`Follower::next`].
    pub(crate) fn new(url_base: &str, name: &str, from: Option<Offset>, format: F) -> (Self, TailHandle) {
        let closer = Rc::new(Closer::default());
        let address = address(url_base, name, F::NAME);
        let handle = TailHandle(Rc::clone(&closer));
        (Self { address, format, tail: Tail::new(from), state: State::Start, closer }, handle)
    }

    /// What comes next; `None` once the handle is gone.
    pub(crate) async fn next(&mut self) -> Option<Following<F::Rows>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Following<F::Rows>>> {
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
                    return Poll::Ready(Some(match Socket::open(&address) {
                        Ok(socket) => {
                            self.state = State::Open(socket);
                            Following::Connecting
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

    fn take(&mut self, event: SocketEvent) -> Option<Following<F::Rows>> {
        let message = match event {
            SocketEvent::Closed(reason) => return Some(self.lose(reason)),
            message => self.format.read(message),
        };
        match message {
            Ok(Message::Hello(next_offset)) => {
                if self.tail.on_hello(next_offset) {
                    // The server must know from where, too.
                    self.state = State::Start;
                }
                Some(Following::Hello { next_offset })
            }
            Ok(Message::Rows(first_offset, n_rows, rows)) => match self.tail.on_frame(first_offset, n_rows) {
                Joined::Take { n_skip: 0, .. } => Some(Following::Batch(rows)),
                Joined::Take { n_skip, first_offset } => {
                    Some(Following::Batch(self.format.skip(rows, n_skip, first_offset)))
                }
                Joined::Known => None,
                Joined::Gap { expected } => Some(self.lose(format!("rows from offset {expected} are missing"))),
            },
            Err(reason) => Some(self.lose(reason)),
        }
    }

    fn lose(&mut self, reason: String) -> Following<F::Rows> {
        let in_millis = self.tail.on_lost(WebRandom.unit());
        self.state = State::Waiting(sleep(in_millis));
        Following::Reconnecting { in_millis, reason }
    }
}

/// The WebSocket's address, without the offset: `http` becomes `ws`.
fn address(url_base: &str, name: &str, format: &str) -> String {
    let base = url_base.strip_suffix('/').unwrap_or(url_base);
    let (scheme, base) = base.strip_prefix("http").map_or(("", base), |rest| ("ws", rest));
    [scheme, base, wire::api::API_PREFIX, "/tail/", name, "?format=", format].concat()
}

#[cfg(feature = "arrow")]
mod arrow {
    //! The tail in Arrow, for the board's worker.

    use futures::Stream;
    use futures::stream::unfold;
    use model::{Offset, StoredBatch, TableName};

    use super::{Follower, Following, Format, Message, SocketEvent, TailHandle};
    use crate::web::convert::{TailText, tail_text};

    /// What following a table brings: see [`Following`].
    pub type TailEvent = Following<StoredBatch>;

    struct Arrow;

    impl Format for Arrow {
        type Rows = StoredBatch;
        const NAME: &'static str = "arrow";

        fn read(&self, message: SocketEvent) -> Result<Message<StoredBatch>, String> {
            match message {
                SocketEvent::Binary(frame) => {
                    let stored = wire::arrow::decode_frame(&frame).map_err(|error| error.to_string())?;
                    Ok(Message::Rows(stored.first_offset, stored.batch.n_rows() as u64, stored))
                }
                SocketEvent::Text(text) => match tail_text(&text)? {
                    TailText::Hello(next_offset) => Ok(Message::Hello(next_offset)),
                    TailText::Rows(..) => Err("rows came in a format that was not asked for".to_owned()),
                    TailText::Error(reason) => Err(reason),
                },
                SocketEvent::Closed(reason) => Err(reason),
            }
        }

        fn skip(&self, rows: StoredBatch, n_skip: u64, first_offset: Offset) -> StoredBatch {
            // `n_skip` is less than the rows there are, and those fit the memory.
            StoredBatch { first_offset, batch: rows.batch.slice(n_skip as usize..rows.batch.n_rows()) }
        }
    }

    /// Follows a table from offset `from`, or from its present end when there is none.
    ///
    /// `url_base` is the server's origin, such as `http://127.0.0.1:7700`. Works in pages and in workers. The stream
    /// connects when it is first polled, connects again whenever it has to, and ends when the handle is dropped. A table
    /// that was deleted and made anew shows as a `Hello` whose `next_offset` is below what was read; its rows follow from
    /// the first.
    ///
    /// Memory is bounded: a reader who falls 64 MiB behind is cut off and taken up again where it stands.
    pub fn follow_table(
        url_base: &str,
        name: &TableName,
        from: Option<Offset>,
    ) -> (impl Stream<Item = TailEvent> + Unpin + use<>, TailHandle) {
        let (follower, handle) = Follower::new(url_base, &name.to_string(), from, Arrow);
        let events = unfold(follower, |mut follower| async move {
            let event = follower.next().await?;
            Some((event, follower))
        });
        (Box::pin(events), handle)
    }
}

#[cfg(feature = "arrow")]
pub use arrow::{TailEvent, follow_table};
