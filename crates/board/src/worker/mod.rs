//! The worker: it holds the sockets, the tables and the views, and answers the page.
//!
//! [`Worker`] reads messages and tells panels how they stand, at most once a frame; [`followed`] keeps tables up to date
//! with the server, [`browser`] with the storage of this browser; [`panel`] keeps a panel's view, [`local`] or, of a table that
//! would take more memory than there is, [`remote`]. No column is ever read on the page's thread.

mod ask_server;
mod browser;
mod followed;
mod local;
mod panel;
mod remote;
mod source;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use engine::Window;
use gloo_timers::future::TimeoutFuture;
use model::TableName;
use streamtable::web::query::QueryEvent;
use streamtable::web::tail::TailEvent;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use self::followed::Followed;
use self::panel::{Memory, Panel};
use self::remote::{RemotePanel, RemoteTable};
use self::source::Source;
use crate::protocol::{ColumnFacts, FromWorker, PanelId, Place, READY, ToWorker, WindowMessage};
use crate::state::budget;
use crate::state::remote_view::{Ask, RemoteView};

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
    let gibibytes = js_sys::Reflect::get(&scope.navigator(), &"deviceMemory".into()).ok().and_then(|n| n.as_f64());
    let shared = Shared { budget: budget::of_device(gibibytes), ..Shared::default() };
    let worker = Worker { scope: scope.clone(), shared: Rc::new(RefCell::new(shared)) };
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
    tables: HashMap<TableKey, Source>,
    panels: BTreeMap<PanelId, Panel>,
    /// How many bytes tables and views may take.
    budget: u64,
    /// Whether the panels will be looked through within a frame.
    is_tick_due: bool,
    /// When they were looked through last, in milliseconds.
    ticked: f64,
}

impl Worker {
    fn answer(&self, message: ToWorker) {
        match message {
            ToWorker::Budget { n_bytes } => {
                let mut shared = self.shared.borrow_mut();
                shared.budget = n_bytes;
                // Which tables go to the server is worked out anew.
                shared.tables.retain(|_, source| matches!(source, Source::Local(_)));
            }
            ToWorker::Show { panel, place, expression } => self.show(panel, place, &expression),
            ToWorker::Window { panel, request, n_rows, columns, of: Some(query), .. } => {
                self.preview(panel, request, query, n_rows, columns);
            }
            ToWorker::Window { panel, request, anchor, n_rows, columns, of: None } => {
                let mut shared = self.shared.borrow_mut();
                match shared.panel_and_table(panel) {
                    Some((shown, source)) => {
                        shown.ask(source, Ask { request, anchor, n_rows, columns });
                        if !shown.is_settled() {
                            self.settle_soon(panel);
                        }
                        self.tell_ready(shown);
                    }
                    None => self.tell(&FromWorker::NoWindow { request }),
                }
            }
            ToWorker::Pause { panel, paused } => {
                if let Some(panel) = self.shared.borrow_mut().panels.get_mut(&panel) {
                    panel.set_paused(paused);
                    self.tell_ready(panel);
                }
                self.schedule_tick();
            }
            ToWorker::Facts { panel, column } => self.tell_facts(panel, column),
            ToWorker::Close { panel } => {
                let mut shared = self.shared.borrow_mut();
                for request in shared.panels.remove(&panel).map(Panel::close).unwrap_or_default() {
                    self.tell(&FromWorker::NoWindow { request });
                }
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
        let connect = |view| self.connect(id, &key.place, view);
        let panel = panels.entry(id).or_default();
        let shown = panel.show(key.clone(), &tables[&key], (&query, expression), js_sys::Date::now(), connect);
        self.tell_ready(panel);
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
        let start = || Source::Local(Followed::start(key, move |key, event| worker.take(&key, event)));
        self.shared.borrow_mut().tables.entry(key.clone()).or_insert_with(start);
    }

    /// Takes in what following a table brought.
    fn take(&self, key: &TableKey, event: TailEvent) {
        let mut shared = self.shared.borrow_mut();
        // A table that has moved to the server is followed no more.
        let Some(Source::Local(followed)) = shared.tables.get_mut(key) else { return };
        followed.take(event);
        // One that will not fit need not come whole first.
        let (own_bytes, foreseen_bytes) = (followed.table.memory_bytes() as u64, followed.foreseen_bytes());
        if shared.memory_bytes() - own_bytes + foreseen_bytes > shared.budget {
            self.move_to_server(&mut shared, key, foreseen_bytes);
        }
        self.keep_within_budget(&mut shared);
        drop(shared);
        self.schedule_tick();
    }

    /// Leaves tables to their server until the others have room; of those that are nowhere else, the oldest rows go.
    fn keep_within_budget(&self, shared: &mut Shared) {
        while shared.memory_bytes() > shared.budget {
            let Some((key, expected_bytes)) = shared.largest_of_servers() else { return shared.make_room() };
            self.move_to_server(shared, &key, expected_bytes);
        }
    }

    /// Lets the server answer for a table from now on, which would take so many bytes here.
    fn move_to_server(&self, shared: &mut Shared, key: &TableKey, expected_bytes: u64) {
        let (Place::Server(base_url), Some(Source::Local(followed))) = (&key.place, shared.tables.get(key)) else {
            return;
        };
        let worker = self.clone();
        let of_events = key.clone();
        let size = (followed.n_rows_in_all(), expected_bytes);
        let query = format!("table(\"{}\").rows()", key.name);
        let take = move |event: QueryEvent| {
            if let Some(Source::Remote(table)) = worker.shared.borrow_mut().tables.get_mut(&of_events) {
                table.take(event, js_sys::Date::now());
            }
            worker.schedule_tick();
        };
        let table = RemoteTable::start(base_url, query, size, Box::new(take));
        shared.tables.insert(key.clone(), Source::Remote(table));
        for (id, panel) in &mut shared.panels {
            if panel.key() == Some(key) {
                panel.move_to_server(|view| self.connect(*id, &key.place, view));
            }
        }
    }

    /// A panel's view on the server.
    fn connect(&self, id: PanelId, place: &Place, view: RemoteView) -> RemotePanel {
        let worker = self.clone();
        // Of a table of this browser there is no such view.
        let base_url = if let Place::Server(base_url) = place { base_url } else { "" };
        let take = move |event: QueryEvent| {
            if let Some(panel) = worker.shared.borrow_mut().panels.get_mut(&id) {
                panel.take(event);
                worker.tell_ready(panel);
            }
            worker.schedule_tick();
        };
        RemotePanel::start(base_url, view, Box::new(take))
    }

    /// Tells what a column of a panel's rows holds.
    fn tell_facts(&self, panel: PanelId, column: String) {
        let mut shared = self.shared.borrow_mut();
        let Some((shown, source)) = shared.panel_and_table(panel) else { return };
        match (source, shown.key().cloned()) {
            (Source::Local(followed), _) => {
                if let Some(view) = shown.local_view() {
                    self.tell(&FromWorker::Facts { panel, facts: view.facts(followed, column) });
                }
            }
            (Source::Remote(_), Some(TableKey { place: Place::Server(base_url), name })) => {
                let (worker, expression) = (self.clone(), shown.expression().to_owned());
                spawn_local(async move {
                    let none = ColumnFacts { column: column.clone(), ..ColumnFacts::default() };
                    let facts = ask_server::column_facts(&base_url, &name, &expression, column).await.unwrap_or(none);
                    worker.tell(&FromWorker::Facts { panel, facts });
                });
            }
            (Source::Remote(_), _) => {}
        }
    }

    /// Answers how a panel's first rows would look with the columns of another query.
    fn preview(&self, panel: PanelId, request: u32, query: String, n_rows: u32, columns: Vec<String>) {
        let mut shared = self.shared.borrow_mut();
        let found = shared.panel_and_table(panel);
        match found.map(|(shown, source)| (shown.key().cloned(), shown.local_view(), source)) {
            Some((_, Some(view), Source::Local(followed))) => {
                self.tell_window(request, view.preview(followed, &query, n_rows, &columns));
            }
            Some((Some(TableKey { place: Place::Server(base_url), .. }), None, _)) => {
                let worker = self.clone();
                spawn_local(async move {
                    let window = ask_server::first_rows(&base_url, query, n_rows, columns).await;
                    worker.tell_window(request, window);
                });
            }
            _ => self.tell_window(request, None),
        }
    }

    fn tell_window(&self, request: u32, window: Option<Window>) {
        match window {
            Some(window) => {
                let (message, transfer) = WindowMessage { request, window }.to_js();
                self.post(&message, Some(&transfer));
            }
            None => self.tell(&FromWorker::NoWindow { request }),
        }
    }

    /// Gives a panel the windows that came, and says which do not come.
    fn tell_ready(&self, panel: &mut Panel) {
        let (ready, given_up) = panel.take_ready();
        for window in ready {
            let (message, transfer) = window.to_js();
            self.post(&message, Some(&transfer));
        }
        for request in given_up {
            self.tell(&FromWorker::NoWindow { request });
        }
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
        self.keep_within_budget(&mut shared);
        let memory = Memory { used: shared.memory_bytes(), budget: shared.budget };
        let Shared { tables, panels, .. } = &mut *shared;
        for (id, panel) in panels.iter_mut() {
            let Some(source) = panel.key().and_then(|key| tables.get(key)) else { continue };
            if let Some((state, fault)) = panel.news(source, memory, now) {
                self.tell(&FromWorker::State { panel: *id, state });
                if let Some(message) = fault {
                    self.tell(&FromWorker::Fault { panel: *id, message });
                }
            }
        }
    }

    /// Lets a view do what it has put off, once what is asked for already was answered.
    fn settle_soon(&self, panel: PanelId) {
        let worker = self.clone();
        spawn_local(async move {
            TimeoutFuture::new(0).await;
            if let Some((panel, table)) = worker.shared.borrow_mut().panel_and_table(panel) {
                panel.settle(table);
            }
        });
    }

    /// Moves windows, and lets the rates that are shown die down when rows have ceased to come.
    fn see_time_pass(&self) {
        let now = js_sys::Date::now();
        let is_growing = self.shared.borrow().tables.values().any(|table| table.rows_per_second(now) > 0.0);
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
    fn panel_and_table(&mut self, panel: PanelId) -> Option<(&mut Panel, &Source)> {
        let panel = self.panels.get_mut(&panel)?;
        let table = self.tables.get(panel.key()?)?;
        Some((panel, table))
    }

    /// What tables and views take, in bytes.
    fn memory_bytes(&self) -> u64 {
        let of_tables: u64 = self.tables.values().map(Source::memory_bytes).sum();
        of_tables + self.panels.values().map(Panel::memory_bytes).sum::<u64>()
    }

    /// Of the tables that are held and that a server has, the one that takes most, and what it would take as a whole.
    fn largest_of_servers(&self) -> Option<(TableKey, u64)> {
        let held = self.tables.iter().filter_map(|(key, source)| match (&key.place, source) {
            (Place::Server(_), Source::Local(followed)) => Some((key, followed)),
            _ => None,
        });
        let (key, followed) = held.max_by_key(|(_, followed)| followed.table.memory_bytes())?;
        Some((key.clone(), followed.expected_bytes()))
    }

    /// Lets go of the oldest rows of the tables that are nowhere else.
    fn make_room(&mut self) {
        let over = self.memory_bytes().saturating_sub(self.budget);
        for source in self.tables.values_mut() {
            if let Source::Local(followed) = source {
                let own_bytes = followed.table.memory_bytes() as u64;
                followed.make_room(own_bytes.saturating_sub(over));
            }
        }
    }

    /// Lets go of the tables that no panel shows, and of their connections.
    fn drop_unused_tables(&mut self) {
        let panels = &self.panels;
        self.tables.retain(|key, _| panels.values().any(|panel| panel.key() == Some(key)));
    }
}
