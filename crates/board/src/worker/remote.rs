//! A table that the server answers for, and a panel's view of it.

use futures::StreamExt;
use model::Offset;
use streamtable::web::query::{QueryEvent, QueryHandle, live_query};
use wasm_bindgen_futures::spawn_local;
use wire::api::QueryRequest;
use wire::json::QueryText;

use super::ask_server::text_of;
use super::followed::lost;
use super::panel::Figures;
use crate::protocol::Connection;
use crate::state::rate::Rate;
use crate::state::remote_view::RemoteView;

/// A table on the server: where it ends.
pub(super) struct RemoteTable {
    query: String,
    bytes_per_row: f64,
    /// Whether the server has said how the table stands.
    is_known: bool,
    n_rows: u64,
    next_offset: Offset,
    rate: Rate,
    connection: Connection,
    handle: QueryHandle,
}

/// A panel's view of a table on the server.
pub(super) struct RemotePanel {
    pub(super) view: RemoteView,
    connection: Connection,
    /// Why the server does not answer, where it says so.
    fault: Option<String>,
    handle: QueryHandle,
}

impl RemoteTable {
    /// Follows the end of a table that has about `n_rows` rows, which would take so many bytes; `take` is given whatever
    /// comes.
    pub(super) fn start(
        base_url: &str,
        query: String,
        (n_rows, n_bytes): (u64, u64),
        take: Box<dyn Fn(QueryEvent)>,
    ) -> Self {
        Self {
            query,
            bytes_per_row: n_bytes as f64 / n_rows.max(1) as f64,
            is_known: false,
            n_rows,
            next_offset: 0,
            rate: Rate::default(),
            connection: Connection::Connecting,
            handle: connect(base_url, take),
        }
    }

    /// Takes in what came; `now` in milliseconds.
    pub(super) fn take(&mut self, event: QueryEvent, now: f64) {
        let was_live = self.connection == Connection::Live;
        let was_deleted = self.connection == Connection::Deleted;
        step(&mut self.connection, &event);
        match event {
            QueryEvent::Opened => {
                let (query, columns) = (self.query.clone(), Some(Vec::new()));
                ask(&self.handle, &QueryRequest { query, rows: Some(0), columns, ..QueryRequest::default() });
            }
            QueryEvent::Said(QueryText::Answer { answer, .. }) => {
                if was_live && answer.next_offset > self.next_offset {
                    self.rate.add(now, answer.next_offset - self.next_offset);
                }
                if answer.next_offset == 0 && (self.next_offset > 0 || was_deleted) {
                    self.connection = Connection::Deleted;
                }
                self.is_known = true;
                (self.next_offset, self.n_rows) = (answer.next_offset, answer.n_rows);
            }
            QueryEvent::Connecting | QueryEvent::Said(_) | QueryEvent::Reconnecting { .. } => {}
        }
    }

    /// How many rows there are, about, until the server has answered.
    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// How many rows the table had before those that are there.
    pub(super) fn first_offset(&self) -> Offset {
        self.next_offset.saturating_sub(self.n_rows)
    }

    /// How the link stands.
    pub(super) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    /// Rows a second; `now` in milliseconds.
    pub(super) fn rows_per_second(&self, now: f64) -> f64 {
        self.rate.per_second(now)
    }

    /// What the rows would take in the worker, in bytes, about.
    pub(super) fn expected_bytes(&self) -> u64 {
        (self.bytes_per_row * self.n_rows as f64) as u64
    }
}

impl RemotePanel {
    /// Asks the server for what a view shows; `take` is given whatever comes.
    pub(super) fn start(base_url: &str, view: RemoteView, take: Box<dyn Fn(QueryEvent)>) -> Self {
        Self { view, connection: Connection::Connecting, fault: None, handle: connect(base_url, take) }
    }

    /// Takes in what came. Says whether why nothing can be shown has changed.
    pub(super) fn take(&mut self, event: QueryEvent) -> bool {
        step(&mut self.connection, &event);
        let fault = match event {
            QueryEvent::Connecting => return false,
            QueryEvent::Opened => {
                self.view.opened();
                self.send();
                return false;
            }
            QueryEvent::Said(QueryText::Answer { request, answer, rows }) => {
                self.view.take(request, &answer, &rows);
                None
            }
            QueryEvent::Said(QueryText::Error { request, error }) => {
                if !self.view.refused(request) {
                    return false;
                }
                Some(error.message)
            }
            QueryEvent::Reconnecting { reason, code } => {
                self.view.lost();
                code.map(|_| reason)
            }
        };
        self.send();
        let has_changed = self.fault != fault;
        self.fault = fault;
        has_changed
    }

    /// Sends what is to go out now.
    pub(super) fn send(&mut self) {
        if let Some(question) = self.view.next_question() {
            ask(&self.handle, &question);
        }
    }

    /// Why the server does not answer, where it says so.
    pub(super) fn fault(&self) -> Option<&String> {
        self.fault.as_ref()
    }

    /// How the view stands; `None` until the server has answered.
    pub(super) fn figures(&self, table: &RemoteTable) -> Option<Figures> {
        let head = self.view.head().filter(|_| table.is_known)?;
        Some(Figures {
            revision: self.view.revision(),
            n_rows: head.n_rows,
            n_held_back: self.view.n_held_back(table.next_offset),
            is_grouped: self.view.is_grouped(),
            columns: head.columns.clone(),
            row_columns: head.row_columns.clone(),
            estimates: head.estimates.clone(),
        })
    }

    /// How the link stands, that of the table being so.
    pub(super) fn connection(&self, of_table: Connection) -> Connection {
        match (of_table, &self.connection) {
            (lost @ Connection::Lost { .. }, _) => lost,
            (_, lost @ Connection::Lost { .. }) => lost.clone(),
            (Connection::Live, _) if self.view.head().is_none() => Connection::CatchingUp { n_rows: 0 },
            (of_table, _) => of_table,
        }
    }
}

/// How a link stands after something came over it.
fn step(connection: &mut Connection, event: &QueryEvent) {
    let is_lost = matches!(connection, Connection::Lost { .. } | Connection::Deleted);
    *connection = match event {
        // A link that is tried again stays lost until the server answers.
        QueryEvent::Connecting | QueryEvent::Opened if is_lost => return,
        QueryEvent::Connecting => Connection::Connecting,
        QueryEvent::Opened => Connection::CatchingUp { n_rows: 0 },
        QueryEvent::Said(QueryText::Answer { .. }) => Connection::Live,
        QueryEvent::Said(QueryText::Error { error, .. }) => lost(error.message.clone(), Some(&error.code)),
        QueryEvent::Reconnecting { reason, code } => lost(reason.clone(), code.as_deref()),
    };
}

fn connect(base_url: &str, take: Box<dyn Fn(QueryEvent)>) -> QueryHandle {
    let (mut events, handle) = live_query(base_url);
    spawn_local(async move {
        while let Some(event) = events.next().await {
            take(event);
        }
    });
    handle
}

fn ask(handle: &QueryHandle, question: &QueryRequest) {
    if let Some(text) = text_of(question) {
        handle.ask(text);
    }
}
