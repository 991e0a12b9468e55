//! The line below the grid: how many rows, how fast, how large, and whether the link stands.

use leptos::prelude::*;

use super::model::PanelModel;
use crate::protocol::Connection;
use crate::state::text::{bytes, count, rate};

#[component]
pub(crate) fn Footer(model: PanelModel) -> impl IntoView {
    let state = model.state;
    let is_grouped = move || state.with(|state| state.is_grouped);
    let n_selected = move || model.selection.with(crate::state::selection::Selection::n_rows);
    view! {
        <footer class="footer">
            <span class="counts">
                <b data-testid="rows-shown">{move || state.with(|state| count(state.n_view_rows))}</b>
                {move || if is_grouped() { " groups of " } else { " of " }}
                <span data-testid="rows-total">{move || state.with(|state| count(state.n_table_rows))}</span>
                " rows"
            </span>
            <Show when=move || state.with(|state| state.n_let_go > 0)>
                <span class="wide-only" title="A tab holds at most 1 GB of a table, and a server may keep only the newest rows.">
                    {move || state.with(|state| format!("{} older ones not held", count(state.n_let_go)))}
                </span>
            </Show>
            <Show when=move || { n_selected() > 1 }>
                <span>{move || format!("{} selected", count(n_selected() as u64))}</span>
            </Show>
            <span class="stretch"></span>
            <Show when=move || state.with(|state| state.rows_per_second > 0.0)>
                <span class="rate">{move || state.with(|state| format!("{} rows/s", rate(state.rows_per_second)))}</span>
            </Show>
            <span class="wide-only" data-testid="memory" title="What this table and its view take in this tab">
                {move || state.with(|state| bytes(state.memory_bytes))}
            </span>
            <ConnectionMark model />
        </footer>
    }
}

#[component]
fn ConnectionMark(model: PanelModel) -> impl IntoView {
    let connection = Memo::new(move |_| model.state.with(|state| state.connection.clone()));
    let class = move || match connection.get() {
        Connection::Lost { .. } | Connection::Deleted => "connection lost",
        _ if model.is_paused.get() => "connection paused",
        Connection::Live => "connection live",
        Connection::Connecting | Connection::CatchingUp { .. } => "connection",
    };
    let text = move || match connection.get() {
        Connection::Lost { reason } if reason.contains("key") => "Not allowed",
        Connection::Lost { .. } => "Reconnecting…",
        Connection::Deleted => "Deleted",
        _ if model.is_paused.get() => "Paused",
        Connection::Live => "Live",
        Connection::CatchingUp { .. } => "Loading…",
        Connection::Connecting => "Connecting…",
    };
    let place = model.place_text();
    let title = move || match connection.get() {
        Connection::Lost { reason } => reason,
        Connection::Deleted => "The table was deleted. Rows that are logged to it make it anew.".to_owned(),
        _ => place.clone(),
    };
    view! { <span class=class data-testid="connection" role="status" title=title>{text}</span> }
}
