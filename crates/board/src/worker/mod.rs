//! The worker: it holds the sockets, the tables and the views, and answers the page.
//!
//! [`Worker`] reads messages and tells panels how they stand, at most once a frame; [`followed`] keeps tables up to date
//! with the server, [`browser`] with the storage of this browser; [`panel`] keeps a panel's view. No column is ever read on the page's thread.

mod browser;
mod followed;
mod panel;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use model::TableName;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use self::followed::Followed;
use self::panel::Panel;
use crate::protocol::{FromWorker, PanelId, Place, READY, ToWorker};

/// How long news may wait to be told together, in milliseconds: a frame.
const FRAME_MILLIS: u32 = 16;
/// How often a table's rate is told and windows move while nothing else happens, in milliseconds.
const SECOND_MILLIS: u32 = 1000;

/// Listens to the page until it is gone.
///
/// # Panics
/// Outside a dedicated worker.
pub fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let worker = Worker { scope: scope.clone(), shared: Rc::default() };
    let listener = worker.clone();
    let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        match serde_wasm_bindgen::from_value(event.data()) {
            Ok(message) => listener.answer(message),
            // Page and worker come of one build, so this is a fault of ours and not of anybody's input.
            Err(error) => panic!("the page sent what is no message: {error}"),
        }
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The worker listens for as long as it lives.
    on_message.forget();
    worker.post(&JsValue::from_str(READY), None);
    if let Some(key) = announced_table(&scope) {
        worker.follow(&key);
    }
    spawn_local(async move {
        loop {
            TimeoutFuture::new(SECOND_MILLIS).await;
            worker.see_time_pass();
        }
    });
}

/// The table of the page's server that is sure to be shown: the address of the worker's script names it behind a `#`. It
/// comes while the page's own program still starts.
fn announced_table(scope: &DedicatedWorkerGlobalScope) -> Option<TableKey> {
    let location = scope.location();
    let hash = location.hash();
    // The key stands behind the name, as it does behind a server's address.
    let (name, key) = hash.strip_prefix('#').map(|rest| rest.split_at(rest.find('#').unwrap_or(rest.len())))?;
    let name = TableName::parse(name).ok()?;
    Some(TableKey { place: Place::Server(location.origin() + key), name })
}

/// The worker's state and its way to the page.
#[derive(Clone)]
struct Worker {
    scope: DedicatedWorkerGlobalScope,
    shared: Rc<RefCell<Shared>>,
}

/// A table, of a server or of this browser.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TableKey {
    place: Place,
    name: TableName,
}

#[derive(Default)]
struct Shared {
    tables: HashMap<TableKey, Followed>,
    panels: BTreeMap<PanelId, Panel>,
    /// Whether the panels will be looked through within a frame.
    is_tick_due: bool,
    /// When they were looked through last, in milliseconds.
    ticked: f64,
}

impl Worker {
    fn answer(&self, message: ToWorker) {
        match message {
            ToWorker::Show { panel, place, expression } => self.show(panel, place, &expression),
            ToWorker::Window { panel, request, anchor, n_rows, columns, of } => {
                let mut shared = self.shared.borrow_mut();
                let mut found = shared.panel_and_table_mut(panel);
                let answer = found.as_mut().and_then(|(p, table)| match of {
                    Some(query) => p.preview(table, request, &query, n_rows, &columns),
                    None => p.window(table, request, anchor, n_rows, &columns),
                });
                if found.is_some_and(|(p, _)| !p.is_settled()) {
                    self.settle_soon(panel);
                }
                match answer {
                    Some(window) => {
                        let (message, transfer) = window.to_js();
                        self.post(&message, Some(&transfer));
                    }
                    None => self.tell(&FromWorker::NoWindow { request }),
                }
            }
            ToWorker::Pause { panel, paused } => {
                if let Some(panel) = self.shared.borrow_mut().panels.get_mut(&panel) {
                    panel.set_paused(paused);
                }
                self.schedule_tick();
            }
            ToWorker::Facts { panel, column } => {
                let shared = self.shared.borrow();
                let found = shared.panel_and_table(panel);
                if let Some(facts) = found.and_then(|(shown, table)| shown.facts(&table.table, column)) {
                    self.tell(&FromWorker::Facts { panel, facts });
                }
            }
            ToWorker::Close { panel } => {
                let mut shared = self.shared.borrow_mut();
                shared.panels.remove(&panel);
                shared.drop_unused_tables();
            }
        }
    }

    fn show(&self, id: PanelId, place: Place, expression: &str) {
        let query = match expr::parse_query(expression) {
            Ok(query) => query,
            Err(error) => return self.tell(&FromWorker::Fault { panel: id, message: error.to_string() }),
        };
        let key = TableKey { place, name: query.table.clone() };
        self.follow(&key);
        let mut shared = self.shared.borrow_mut();
        let Shared { tables, panels, .. } = &mut *shared;
        let followed = &tables[&key];
        let shown = panels.entry(id).or_default().show(key, followed, &query, js_sys::Date::now());
        shared.drop_unused_tables();
        drop(shared);
        match shown {
            Ok(()) => self.tick(),
            Err(message) => self.tell(&FromWorker::Fault { panel: id, message }),
        }
    }

    /// Follows a table, unless that is done already.
    fn follow(&self, key: &TableKey) {
        let worker = self.clone();
        let start = || Followed::start(key, move |key, event| worker.take(&key, event));
        self.shared.borrow_mut().tables.entry(key.clone()).or_insert_with(start);
    }

    /// Takes in what following a table brought.
    fn take(&self, key: &TableKey, event: streamtable::web::tail::TailEvent) {
        if let Some(table) = self.shared.borrow_mut().tables.get_mut(key) {
            table.take(event);
        }
        self.schedule_tick();
    }

    fn schedule_tick(&self) {
        let mut shared = self.shared.borrow_mut();
        if !std::mem::replace(&mut shared.is_tick_due, true) {
            // What comes after a rest is told at once. A clock that was set back makes nobody wait for longer.
            let rested = (js_sys::Date::now() - shared.ticked).max(0.0);
            let wait = FRAME_MILLIS.saturating_sub(rested as u32);
            let worker = self.clone();
            spawn_local(async move {
                TimeoutFuture::new(wait).await;
                worker.tick();
            });
        }
    }

    /// Brings every view up to date and tells the panels that changed.
    fn tick(&self) {
        let mut shared = self.shared.borrow_mut();
        shared.is_tick_due = false;
        let now = js_sys::Date::now();
        shared.ticked = now;
        let Shared { tables, panels, .. } = &mut *shared;
        for (id, panel) in panels.iter_mut() {
            let Some(followed) = panel.key().and_then(|key| tables.get(key)) else { continue };
            if let Some(state) = panel.news(followed, now) {
                self.tell(&FromWorker::State { panel: *id, state });
            }
        }
    }

    /// Lets a view do what it has put off, once what is asked for already was answered.
    fn settle_soon(&self, panel: PanelId) {
        let worker = self.clone();
        spawn_local(async move {
            TimeoutFuture::new(0).await;
            if let Some((panel, table)) = worker.shared.borrow_mut().panel_and_table_mut(panel) {
                panel.settle(table);
            }
        });
    }

    /// Moves windows, and lets the rates that are shown die down when rows have ceased to come.
    fn see_time_pass(&self) {
        let now = js_sys::Date::now();
        let is_growing = self.shared.borrow().tables.values().any(|table| table.rate.per_second(now) > 0.0);
        let changes = |panel: &Panel| panel.shows_a_rate() || panel.moves();
        if is_growing || self.shared.borrow().panels.values().any(changes) {
            self.schedule_tick();
        }
    }

    fn tell(&self, message: &FromWorker) {
        match serde_wasm_bindgen::to_value(message) {
            Ok(message) => self.post(&message, None),
            Err(error) => panic!("a message has no JavaScript form: {error}"),
        }
    }

    fn post(&self, message: &JsValue, transfer: Option<&js_sys::Array>) {
        let posted = match transfer {
            Some(transfer) => self.scope.post_message_with_transfer(message, transfer),
            None => self.scope.post_message(message),
        };
        if let Err(error) = posted {
            panic!("a message could not be posted: {error:?}");
        }
    }
}

impl Shared {
    fn panel_and_table(&self, panel: PanelId) -> Option<(&Panel, &Followed)> {
        let panel = self.panels.get(&panel)?;
        Some((panel, self.tables.get(panel.key()?)?))
    }

    fn panel_and_table_mut(&mut self, panel: PanelId) -> Option<(&mut Panel, &Followed)> {
        let panel = self.panels.get_mut(&panel)?;
        let table = self.tables.get(panel.key()?)?;
        Some((panel, table))
    }

    /// Lets go of the tables that no panel shows, and of their connections.
    fn drop_unused_tables(&mut self) {
        let panels = &self.panels;
        self.tables.retain(|key, _| panels.values().any(|panel| panel.key() == Some(key)));
    }
}
