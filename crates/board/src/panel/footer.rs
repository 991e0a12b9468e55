//! The line below the grid: how many rows, how fast, how large, and whether the link stands.

use leptos::prelude::*;

use super::model::PanelModel;
use crate::protocol::Connection;
use crate::state::text::{bytes, count, rate};

#[component]
pub(crate) fn Footer(model: PanelModel) -> impl IntoView {
    let state = model.state;
    let is_grouped = move || state.with(|state| state.is_grouped);
    let in_browser = model.is_in_browser();
    let let_go_title = match in_browser {
        true => "The older rows do not fit the memory of this tab.",
        false => "The table keeps only its newest rows.",
    };
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
                <span class="wide-only" title=let_go_title>
                    {move || state.with(|state| match in_browser {
                        true => format!("{} older ones not held: past {}", count(state.n_let_go), bytes(state.budget_bytes)),
                        false => format!("{} older ones dropped", count(state.n_let_go)),
                    })}
                </span>
            </Show>
            <Show when=move || { n_selected() > 1 }>
                <span>{move || format!("{} selected", count(n_selected() as u64))}</span>
            </Show>
            <span class="stretch"></span>
            <Show when=move || state.with(|state| state.rows_per_second > 0.0)>
                <span class="rate">{move || state.with(|state| format!("{} rows/s", rate(state.rows_per_second)))}</span>
            </Show>
            <MemoryLine model />
            <ConnectionMark model />
        </footer>
    }
}

const MEMORY_TITLE: &str =
    "What tables and views take in this tab, and what they may take. Add memory=2GB to the address to change that.";
const SERVER_TITLE: &str = "In this tab the table would take more memory than it may, so the server sorts, filters and groups \
    it. Add memory=2GB to the address to change that.";

/// What is used of which budget; or what the table would take, where the server answers for it.
#[component]
fn MemoryLine(model: PanelModel) -> impl IntoView {
    let state = model.state;
    let is_remote = Memo::new(move |_| state.with(|state| state.on_server_bytes.is_some()));
    let text = move || {
        state.with(|state| {
            let budget = bytes(state.budget_bytes);
            match state.on_server_bytes {
                Some(n_bytes) => format!("On the server: {} > {budget}", bytes(n_bytes)),
                None => format!("{} of {budget}", bytes(state.memory_bytes)),
            }
        })
    };
    let class = move || if is_remote.get() { "on-server" } else { "wide-only" };
    let title = move || if is_remote.get() { SERVER_TITLE } else { MEMORY_TITLE };
    view! { <span class=class data-testid="memory" title=title>{text}</span> }
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
        Connection::Lost { is_refused: true, .. } => "Not allowed",
        Connection::Lost { .. } => "Reconnecting…",
        Connection::Deleted => "Deleted",
        _ if model.is_paused.get() => "Paused",
        Connection::Live => "Live",
        Connection::CatchingUp { .. } => "Loading…",
        Connection::Connecting => "Connecting…",
    };
    let place = model.place_text();
    let title = move || match connection.get() {
        Connection::Lost { reason, .. } => reason,
        Connection::Deleted => "The table was deleted. Rows that are logged to it make it anew.".to_owned(),
        _ => place.clone(),
    };
    view! { <span class=class data-testid="connection" role="status" title=title>{text}</span> }
}
