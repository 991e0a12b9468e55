//! A panel that another page holds: it tells that page what it shows and what is wrong, and shows what the page asks for.

use ::model::TableName;
use leptos::prelude::*;

use super::model::PanelModel;
use super::query_of;
use crate::host::Host;
use crate::protocol::Connection;

/// Follows the page, and lets it follow. What it asks for and cannot be shown goes into `refused`.
pub(super) fn follow(host: Host, model: PanelModel, name: TableName, refused: RwSignal<Option<String>>) {
    let is_lost = Memo::new(move |_| model.state.with(|state| matches!(state.connection, Connection::Lost { .. })));
    let of_query = host.clone();
    Effect::new(move |_| of_query.on_expression(&model.query.with(ToString::to_string)));
    let of_link = host.clone();
    // Told once an outage, however often the server is tried.
    Effect::new(move |_| {
        if let (true, Connection::Lost { reason, is_refused }) = (is_lost.get(), model.state.get_untracked().connection)
        {
            let what = match of_link.server() {
                Some(server) if is_refused => format!("the server at {server} does not allow it"),
                Some(server) => format!("the server at {server} does not answer"),
                None => "the table cannot be read".to_owned(),
            };
            of_link.on_fault("tail_lost", &format!("{what}: {reason}"));
        }
    });
    let of_worker = host.clone();
    Effect::new(move |_| {
        if let Some(message) = model.fault.get() {
            of_worker.on_fault("panel_failed", &message);
        }
    });
    let (of_line, table) = (host.clone(), name.clone());
    Effect::new(move |_| {
        if let Some(typed) = refused.get() {
            let other_table = || format!("the expression is of another table than {table}");
            let reason = expr::parse_query(&typed).map_or_else(|error| error.to_string(), |_| other_table());
            of_line.on_fault("bad_expression", &reason);
        }
    });
    host.take_orders(move |typed| match query_of(&name, typed.as_deref()) {
        Ok(query) => {
            refused.set(None);
            model.set_query(query);
        }
        Err(_) => refused.set(typed),
    });
}
