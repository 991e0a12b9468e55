//! A WebSocket as a queue that is bounded and that closes when dropped.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};
use wire::key::{KEY_PROTOCOL, PROTOCOL};

use super::convert::describe;

/// A browser cannot be asked to send slower. What waits here is bounded instead: past this many bytes the connection
/// is closed, and taken up again where the reader stands.
const MAX_WAITING_BYTES: usize = 64 << 20;

/// What came.
pub(crate) enum SocketEvent {
    /// The connection stands: what is sent now goes out.
    Opened,
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// The connection is no more, and why.
    Closed(String),
}

#[derive(Default)]
struct Inbox {
    events: VecDeque<SocketEvent>,
    n_bytes: usize,
    closed: bool,
    waker: Option<Waker>,
}

impl Inbox {
    /// Takes an event in; false when the queue is full and the connection has to go.
    fn push(&mut self, event: SocketEvent) -> bool {
        if self.closed {
            return true;
        }
        self.n_bytes += size(&event);
        let full = self.n_bytes > MAX_WAITING_BYTES;
        self.closed = full || matches!(event, SocketEvent::Closed(_));
        self.events.push_back(event);
        if full {
            self.events.push_back(SocketEvent::Closed("rows came faster than they were read".to_owned()));
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        !full
    }
}

fn size(event: &SocketEvent) -> usize {
    match event {
        SocketEvent::Text(text) => text.len(),
        SocketEvent::Binary(bytes) => bytes.len(),
        SocketEvent::Opened | SocketEvent::Closed(_) => 0,
    }
}

/// An open or opening connection.
#[must_use]
pub(crate) struct Socket {
    socket: WebSocket,
    inbox: Rc<RefCell<Inbox>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
    _on_open: Closure<dyn FnMut()>,
}

impl Socket {
    /// Starts to connect. A key goes among the protocols: a page's socket sends no headers, and addresses stand in logs. The error
    /// is a sentence.
    pub(crate) fn open(url: &str, key: Option<&str>) -> Result<Self, String> {
        let offered = |key| [PROTOCOL.to_owned(), KEY_PROTOCOL.to_owned() + key];
        let protocols: Array = key.map(offered).into_iter().flatten().map(JsValue::from).collect();
        let socket = WebSocket::new_with_str_sequence(url, &protocols).map_err(|error| describe(&error))?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let inbox = Rc::new(RefCell::new(Inbox::default()));
        let on_message = {
            let (inbox, socket) = (Rc::clone(&inbox), socket.clone());
            Closure::new(move |event: MessageEvent| {
                let data = event.data();
                let event = match data.as_string() {
                    Some(text) => SocketEvent::Text(text),
                    None => SocketEvent::Binary(js_sys::Uint8Array::new(&data).to_vec()),
                };
                let fits = inbox.borrow_mut().push(event);
                if !fits {
                    // Closing what is closed already does nothing, and nothing else can fail here.
                    let _ = socket.close();
                }
            })
        };
        let on_close = {
            let inbox = Rc::clone(&inbox);
            Closure::new(move |event: CloseEvent| {
                let reason = match (event.reason(), event.code()) {
                    (reason, _) if !reason.is_empty() => reason,
                    (_, 1006) => "the server cannot be reached".to_owned(),
                    (_, code) => format!("the server closed the connection ({code})"),
                };
                inbox.borrow_mut().push(SocketEvent::Closed(reason));
            })
        };
        let on_open = {
            let inbox = Rc::clone(&inbox);
            Closure::new(move || {
                inbox.borrow_mut().push(SocketEvent::Opened);
            })
        };
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { socket, inbox, _on_message: on_message, _on_close: on_close, _on_open: on_open })
    }

    /// Sends a text. One that is sent before the connection stands, or after it ended, is lost.
    pub(crate) fn send(&self, text: &str) {
        // It fails only where it is lost.
        let _ = self.socket.send_with_str(text);
    }

    /// The next event, in order.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<SocketEvent> {
        let mut inbox = self.inbox.borrow_mut();
        match inbox.events.pop_front() {
            Some(event) => {
                inbox.n_bytes -= size(&event);
                Poll::Ready(event)
            }
            None if inbox.closed => Poll::Ready(SocketEvent::Closed("the connection is closed".to_owned())),
            None => {
                inbox.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
