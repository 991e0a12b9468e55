//! Follows a table over a WebSocket in Arrow, for the board's worker, for as long as somebody wants it.

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::unfold;
use model::{Offset, StoredBatch, TableName};

use super::convert::{TailText, tail_text};
use super::kept::{Closer, Kept, KeptEvent, socket_address};
use super::socket::SocketEvent;
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
        /// What the rows take on the server's disk, in bytes; 0 where it does not say.
        n_bytes: u64,
        /// Whether the table is another than the one read so far, which was deleted.
        is_anew: bool,
    },
    /// Rows, each once and in order.
    Batch(StoredBatch),
    /// The table's retention dropped the rows before this one.
    Dropped {
        /// The offset of the first row that is still there.
        first_offset: Offset,
    },
    /// The connection was lost or refused, and is tried again.
    Reconnecting {
        /// How long until then, in milliseconds.
        in_millis: u64,
        /// Why, as a sentence.
        reason: String,
        /// The error's code, where it is the server that says why.
        code: Option<String>,
    },
}

/// A message of a tail.
enum Message {
    /// Where the table starts and ends now, and what its rows take.
    Hello(Hello, u64),
    /// Rows.
    Rows(StoredBatch),
    /// Rows before this offset were dropped.
    Dropped(Offset),
}

/// Closes the connection when dropped.
#[derive(Debug)]
#[must_use = "dropping it closes the tail"]
pub struct TailHandle(Rc<Closer>);

impl Drop for TailHandle {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Follows one table.
struct Follower {
    address: String,
    tail: Tail,
    kept: Kept,
}

impl Follower {
    /// What comes next; `None` once the handle is gone.
    async fn next(&mut self) -> Option<TailEvent> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<TailEvent>> {
        loop {
            let (tail, address) = (&self.tail, &self.address);
            let address = || match tail.from() {
                Some(from) => format!("{address}&from={from}"),
                None => address.clone(),
            };
            let event = match self.kept.poll_next(address, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(KeptEvent::Connecting)) => return Poll::Ready(Some(TailEvent::Connecting)),
                Poll::Ready(Some(KeptEvent::Refused(reason))) => return Poll::Ready(Some(self.lose(reason.into()))),
                Poll::Ready(Some(KeptEvent::Socket(SocketEvent::Opened))) => continue,
                Poll::Ready(Some(KeptEvent::Socket(event))) => event,
            };
            if let Some(following) = self.take(event) {
                return Poll::Ready(Some(following));
            }
        }
    }

    fn take(&mut self, event: SocketEvent) -> Option<TailEvent> {
        match read(event) {
            Ok(Message::Hello(hello, n_bytes)) => {
                let is_anew = self.tail.on_hello(hello);
                if is_anew {
                    // The server must know from where, too.
                    self.kept.start_over();
                }
                let Hello { first_offset, next_offset, .. } = hello;
                Some(TailEvent::Hello { first_offset, next_offset, n_bytes, is_anew })
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
                    Joined::Gap { expected } => {
                        Some(self.lose(format!("rows from offset {expected} are missing").into()))
                    }
                }
            }
            Ok(Message::Dropped(first_offset)) => Some(TailEvent::Dropped { first_offset }),
            Err(loss) => Some(self.lose(loss)),
        }
    }

    fn lose(&mut self, Loss { reason, code }: Loss) -> TailEvent {
        let in_millis = self.tail.on_lost(js_sys::Math::random());
        self.kept.wait(in_millis);
        TailEvent::Reconnecting { in_millis, reason, code }
    }
}

/// Why a connection is given up, and the server's code for it.
struct Loss {
    reason: String,
    code: Option<String>,
}

impl From<String> for Loss {
    fn from(reason: String) -> Self {
        Self { reason, code: None }
    }
}

/// Reads one message.
fn read(event: SocketEvent) -> Result<Message, Loss> {
    match event {
        SocketEvent::Binary(frame) => {
            wire::arrow::decode_frame(&frame).map(Message::Rows).map_err(|error| error.to_string().into())
        }
        SocketEvent::Text(text) => match tail_text(&text)? {
            TailText::Hello(hello, n_bytes) => Ok(Message::Hello(hello, n_bytes)),
            TailText::Dropped(first_offset) => Ok(Message::Dropped(first_offset)),
            TailText::Error(error) => Err(Loss { reason: error.message, code: Some(error.code) }),
        },
        SocketEvent::Opened => Err("the connection was opened twice".to_owned().into()),
        SocketEvent::Closed(reason) => Err(reason.into()),
    }
}

/// Follows a table from offset `from`, or from its present end when there is none.
///
/// `url_base` is the server's origin, such as `http://127.0.0.1:7700`, with `#` and a key behind it where there is one. Works in
/// pages and in workers. The stream connects when it is first polled, connects again whenever it has to, and ends when the
/// handle is dropped. A table that was deleted, and perhaps made anew, shows as a `Hello` that says so; its rows follow from the first.
///
/// Memory is bounded: a reader who falls 64 MiB behind is cut off and taken up again where it stands.
pub fn follow_table(
    url_base: &str,
    name: &TableName,
    from: Option<Offset>,
) -> (impl Stream<Item = TailEvent> + Unpin + use<>, TailHandle) {
    let closer = Rc::new(Closer::default());
    let handle = TailHandle(Rc::clone(&closer));
    let (url_base, key) = wire::key::split(url_base);
    let address = socket_address(url_base, &format!("/tail/{name}?format=arrow"));
    let follower = Follower { address, tail: Tail::new(from), kept: Kept::new(key, closer) };
    let events = unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((event, follower))
    });
    (Box::pin(events), handle)
}
