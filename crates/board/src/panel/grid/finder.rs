//! The corner of the grid, where a row's number is typed to go there.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::anchor_at;
use super::controller::Grid;
use super::keys::go_to;
use crate::panel::model::PanelModel;

/// A field for a row's number, as the gutter shows them.
#[component]
pub(super) fn RowFinder(model: PanelModel, grid: StoredValue<Option<Grid>, LocalStorage>) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let is_missing = RwSignal::new(false);
    let find = move || {
        let digits: String = typed.get_untracked().chars().filter(|c| !matches!(c, ',' | '.' | ' ')).collect();
        let (Ok(row_id), Some(grid)) = (digits.parse(), grid.get_value()) else { return is_missing.set(true) };
        let (panel, link) = model.link();
        leptos::task::spawn_local(async move {
            let found = link.window(panel, anchor_at(row_id), 1, Vec::new()).await.map(|found| found.window);
            let rank = found.filter(|found| found.row_ids == [row_id as f64]).map(|found| found.first_rank);
            is_missing.set(rank.is_none());
            let column = model.selection.with_untracked(|selection| selection.focus().map(|f| f.column.clone()));
            if let (Some(rank), Some(column)) = (rank, column.or_else(|| grid.column_names().first().cloned())) {
                go_to(model, &grid, rank, row_id as f64, &column, false).await;
                grid.focus();
            }
        });
    };
    let leave = move || {
        typed.set(String::new());
        is_missing.set(false);
    };
    let on_key = move |event: KeyboardEvent| match event.key().as_str() {
        "Enter" => find(),
        "Escape" => {
            leave();
            grid.with_value(|grid| grid.as_ref().map(Grid::focus));
        }
        _ => {}
    };
    view! {
        <input
            type="text"
            data-testid="row-finder"
            inputmode="numeric"
            autocomplete="off"
            placeholder="Row"
            aria-label="Find a row by its number"
            title="Go to a row: type its number"
            aria-invalid=move || is_missing.get().to_string()
            prop:value=move || typed.get()
            on:input=move |event| {
                typed.set(event_target_value(&event));
                is_missing.set(false);
            }
            on:keydown=on_key
            on:blur=move |_| leave()
        />
    }
}
