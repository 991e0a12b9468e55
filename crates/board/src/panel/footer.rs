//! The line below the grid: how many rows, how fast, how large, and whether the link stands.

use leptos::prelude::*;

use super::model::PanelModel;
use crate::host::Host;
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
                <span class="wide-only" title="The older rows are stored, but there is no memory left to show them.">
                    {move || state.with(|state| {
                        format!("{} older ones not held: past {}", count(state.n_let_go), bytes(state.budget_bytes))
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

const MEMORY_TITLE: &str = "What tables and views take in this tab, and what they may take.";
const SERVER_TITLE: &str =
    "In this tab the table would take more memory than it may, so the server sorts, filters and groups it.";
/// The budgets to choose from, in bytes.
const BUDGETS: [u64; 5] = [128 << 20, 256 << 20, 512 << 20, 1 << 30, 2 << 30];

/// What is used of which budget; or what the table would take, where the server answers for it.
#[component]
fn MemoryLine(model: PanelModel) -> impl IntoView {
    let state = model.state;
    let budget = Memo::new(move |_| state.with(|state| state.budget_bytes));
    let is_remote = Memo::new(move |_| state.with(|state| state.on_server_bytes.is_some()));
    let used = move || state.with(|state| bytes(state.memory_bytes));
    let on_server = move || state.with(|state| bytes(state.on_server_bytes.unwrap_or_default()));
    view! {
        <Show when=move || is_remote.get()>
            <span class="on-server" data-testid="on-server" title=SERVER_TITLE>
                "On the server" <span class="wide-only">": "{on_server}" > "{move || bytes(budget.get())}</span>
            </span>
        </Show>
        <span class="memory wide-only" title=MEMORY_TITLE>
            <span data-testid="memory">{used}</span>
            " of "
            <Show when=|| Host::find().is_none() fallback=move || bytes(budget.get())>
                <select
                    data-testid="budget"
                    aria-label="The memory that tables may take in this tab"
                    on:change=|event| PanelModel::set_budget(&event_target_value(&event).replace(' ', ""))
                >
                    {move || {
                        let now = budget.get();
                        let mut choices: Vec<u64> = BUDGETS.into_iter().chain([now]).filter(|n| *n > 0).collect();
                        choices.sort_unstable();
                        choices.dedup();
                        let choice = |n: u64| view! { <option value=bytes(n) selected=n == now>{bytes(n)}</option> };
                        choices.into_iter().map(choice).collect_view()
                    }}
                </select>
            </Show>
        </span>
    }
}

#[component]
fn ConnectionMark(model: PanelModel) -> impl IntoView {
    let connection = Memo::new(move |_| model.state.with(|state| state.connection.clone()));
    let class = move || match connection.get() {
        Connection::Lost { .. } => "connection lost",
        _ if model.is_paused.get() => "connection paused",
        Connection::Live => "connection live",
        Connection::Connecting | Connection::CatchingUp { .. } => "connection",
    };
    let text = move || match connection.get() {
        Connection::Lost { .. } => "Reconnecting…",
        _ if model.is_paused.get() => "Paused",
        Connection::Live => "Live",
        Connection::CatchingUp { .. } => "Loading…",
        Connection::Connecting => "Connecting…",
    };
    let place = model.place_text();
    let title = move || match connection.get() {
        Connection::Lost { reason } => reason,
        _ => place.clone(),
    };
    view! { <span class=class data-testid="connection" role="status" title=title>{text}</span> }
}
