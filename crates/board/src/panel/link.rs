//! The page's end of the link to the worker: one worker for all panels of the page.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use futures::channel::oneshot;
use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

use crate::protocol::{Anchor, FromWorker, PanelId, READY, ToWorker, WindowMessage};

#[wasm_bindgen]
extern "C" {
    /// The worker that the first script of the page has started.
    #[wasm_bindgen(thread_local_v2, js_name = boardWorker)]
    static STARTED: Option<Worker>;
}

/// The link. Clones share it.
#[derive(Clone)]
pub(crate) struct Link(Rc<Inner>);

struct Inner {
    worker: Worker,
    shared: Rc<Shared>,
    _listeners: [Closure<dyn Fn(MessageEvent)>; 2],
}

type Listener = Rc<dyn Fn(FromWorker)>;

#[derive(Default)]
struct Shared {
    /// What waits until the worker listens; `None` once it does.
    queue: RefCell<Option<Vec<JsValue>>>,
    panels: RefCell<HashMap<PanelId, Listener>>,
    windows: RefCell<HashMap<u32, oneshot::Sender<WindowMessage>>>,
    /// Why the worker will answer no more.
    failed: RefCell<Option<String>>,
    last_number: Cell<u32>,
}

impl Link {
    /// A link to the worker that the page of a table starts before all else.
    ///
    /// # Panics
    /// On another page.
    pub(crate) fn start() -> Self {
        Self::over(STARTED.with(Clone::clone).expect("the page of a table starts the worker"))
    }

    /// A link to a worker that has not said yet that it listens; or has, and that stands in its `early`.
    pub(crate) fn over(worker: Worker) -> Self {
        let shared = Rc::new(Shared { queue: RefCell::new(Some(Vec::new())), ..Shared::default() });
        let (of_messages, posting) = (Rc::clone(&shared), worker.clone());
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            of_messages.take(&posting, event.data());
        });
        let of_errors = Rc::clone(&shared);
        let on_error = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            let reason = Reflect::get(&event, &"message".into()).ok().and_then(|text| text.as_string());
            let reason = reason.unwrap_or_else(|| "its script did not load".to_owned());
            of_errors.fail(&format!("The board's worker stopped: {reason}. Reload the page to start it again."));
        });
        let (message_listener, error_listener): (&Function, &Function) =
            (on_message.as_ref().unchecked_ref(), on_error.as_ref().unchecked_ref());
        worker.set_onmessage(Some(message_listener));
        worker.set_onerror(Some(error_listener));
        let early = Reflect::get(&worker, &"early".into()).ok().and_then(|early| early.dyn_into::<Array>().ok());
        for event in early.into_iter().flatten() {
            let is_error = event.unchecked_ref::<MessageEvent>().type_() == "error";
            let listener = if is_error { error_listener } else { message_listener };
            // What it does with it is not for here to know.
            let _ = listener.call1(&JsValue::NULL, &event);
        }
        Self(Rc::new(Inner { worker, shared, _listeners: [on_message, on_error] }))
    }

    /// A number for a new panel, whose messages `listener` is given.
    pub(crate) fn open(&self, listener: impl Fn(FromWorker) + 'static) -> PanelId {
        let panel = self.0.shared.next_number();
        self.0.shared.panels.borrow_mut().insert(panel, Rc::new(listener));
        panel
    }

    /// Ends a panel.
    pub(crate) fn close(&self, panel: PanelId) {
        self.0.shared.panels.borrow_mut().remove(&panel);
        self.send(&ToWorker::Close { panel });
    }

    /// Says something to the worker, at once or as soon as it listens.
    pub(crate) fn send(&self, message: &ToWorker) {
        let failed = self.0.shared.failed.borrow().clone();
        if let Some(reason) = failed {
            return self.0.shared.fail(&reason);
        }
        let message = serde_wasm_bindgen::to_value(message).expect("every message has a JavaScript form");
        match &mut *self.0.shared.queue.borrow_mut() {
            Some(queue) => queue.push(message),
            None => post(&self.0.worker, &message),
        }
    }

    /// Asks for rows; `None` where the panel shows nothing or is gone.
    pub(crate) async fn window(
        &self,
        panel: PanelId,
        anchor: Anchor,
        n_rows: u32,
        columns: Vec<String>,
    ) -> Option<WindowMessage> {
        self.ask(|request| ToWorker::Window { panel, request, anchor, n_rows, columns, of: None }).await
    }

    /// Asks for a column of another query, for the first rows that the panel shows; `None` as of [`Link::window`].
    pub(crate) async fn preview(
        &self,
        panel: PanelId,
        query: String,
        column: String,
        n_rows: u32,
    ) -> Option<WindowMessage> {
        let (anchor, columns, of) = (Anchor::Rank(0.0), vec![column], Some(query));
        self.ask(|request| ToWorker::Window { panel, request, anchor, n_rows, columns, of }).await
    }

    async fn ask(&self, message: impl FnOnce(u32) -> ToWorker) -> Option<WindowMessage> {
        let (sender, receiver) = oneshot::channel();
        let request = self.0.shared.next_number();
        self.0.shared.windows.borrow_mut().insert(request, sender);
        self.send(&message(request));
        receiver.await.ok()
    }
}

impl Shared {
    fn next_number(&self) -> u32 {
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        number
    }

    fn take(&self, worker: &Worker, message: JsValue) {
        if message.as_string().as_deref() == Some(READY) {
            let queue = self.queue.borrow_mut().take();
            queue.into_iter().flatten().for_each(|message| post(worker, &message));
        } else if let Some(window) = WindowMessage::from_js(&message) {
            if let Some(sender) = self.windows.borrow_mut().remove(&window.request) {
                // Whoever asked may be gone.
                let _ = sender.send(window);
            }
        } else if let Ok(message) = serde_wasm_bindgen::from_value::<FromWorker>(message) {
            match message {
                FromWorker::NoWindow { request } => drop(self.windows.borrow_mut().remove(&request)),
                message => {
                    let listener = message.panel().and_then(|panel| self.panels.borrow().get(&panel).cloned());
                    if let Some(listener) = listener {
                        listener(message);
                    }
                }
            }
        }
    }

    fn fail(&self, message: &str) {
        *self.failed.borrow_mut() = Some(message.to_owned());
        // Whoever waits is told that nothing comes.
        let waiting = std::mem::take(&mut *self.windows.borrow_mut());
        drop(waiting);
        let panels: Vec<(PanelId, Listener)> =
            self.panels.borrow().iter().map(|(panel, listener)| (*panel, Rc::clone(listener))).collect();
        for (panel, listener) in panels {
            listener(FromWorker::Fault { panel, message: message.to_owned() });
        }
    }
}

fn post(worker: &Worker, message: &JsValue) {
    worker.post_message(message).expect("messages are plain objects");
}
