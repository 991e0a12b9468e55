//! A connection that is made again whenever it was lost, for as long as somebody holds its handle.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use gloo_timers::future::TimeoutFuture;

use super::socket::{Socket, SocketEvent};

/// Wakes whoever waits for the connection, and closes it when dropped.
#[derive(Debug, Default)]
pub(crate) struct Closer {
    closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Closer {
    /// Makes the connection be looked at again.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Ends the connection.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.wake();
    }
}

enum State {
    Start,
    Open(Socket),
    Waiting(TimeoutFuture),
}

/// What becomes of the connection.
pub(crate) enum KeptEvent {
    /// It is being made.
    Connecting,
    /// It cannot even be tried, for this reason.
    Refused(String),
    /// Something came.
    Socket(SocketEvent),
}

/// The connection.
pub(crate) struct Kept {
    key: Option<String>,
    state: State,
    closer: Rc<Closer>,
}

impl Kept {
    /// Connects when it is first polled, with a key where there is one.
    pub(crate) fn new(key: Option<&str>, closer: Rc<Closer>) -> Self {
        Self { key: key.map(str::to_owned), state: State::Start, closer }
    }

    /// What comes next; `None` once it was closed. `address` tells where to connect.
    pub(crate) fn poll_next(
        &mut self,
        address: impl FnOnce() -> String,
        cx: &mut Context<'_>,
    ) -> Poll<Option<KeptEvent>> {
        if self.closer.closed.get() {
            self.state = State::Start;
            return Poll::Ready(None);
        }
        if let State::Waiting(timer) = &mut self.state {
            if Pin::new(timer).poll(cx).is_pending() {
                return self.pending(cx);
            }
            self.state = State::Start;
        }
        if let State::Open(socket) = &mut self.state {
            return match socket.poll_next(cx) {
                Poll::Ready(event) => Poll::Ready(Some(KeptEvent::Socket(event))),
                Poll::Pending => self.pending(cx),
            };
        }
        Poll::Ready(Some(match Socket::open(&address(), self.key.as_deref()) {
            Ok(socket) => {
                self.state = State::Open(socket);
                KeptEvent::Connecting
            }
            Err(reason) => KeptEvent::Refused(reason),
        }))
    }

    /// Sends a text, where there is a connection.
    pub(crate) fn send(&self, text: &str) {
        if let State::Open(socket) = &self.state {
            socket.send(text);
        }
    }

    /// Connects anew at once.
    pub(crate) fn start_over(&mut self) {
        self.state = State::Start;
    }

    /// Gives the connection up, to be made again after so many milliseconds.
    pub(crate) fn wait(&mut self, in_millis: u64) {
        // The longest wait is far below what a timer can count.
        self.state = State::Waiting(TimeoutFuture::new(in_millis as u32));
    }

    fn pending(&self, cx: &mut Context<'_>) -> Poll<Option<KeptEvent>> {
        *self.closer.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// An address for a WebSocket: `http` becomes `ws`.
pub(crate) fn socket_address(url_base: &str, path: &str) -> String {
    let base = url_base.strip_suffix('/').unwrap_or(url_base);
    let (scheme, base) = base.strip_prefix("http").map_or(("", base), |rest| ("ws", rest));
    format!("{scheme}{base}{}{path}", wire::api::API_PREFIX)
}
