//! The virtual grid: a scrolled box whose rows are drawn by [`controller`], with a header that sorts and resizes.

mod canvas;
mod cells;
mod clipboard;
mod controller;
mod finder;
mod focus;
mod header;
mod keys;
mod rows;
mod time;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, KeyboardEvent, MouseEvent, ResizeObserver};

use self::canvas::Elements;
use self::controller::Grid;
use self::header::Header;
pub(crate) use self::time::local_time;
use super::model::PanelModel;
use crate::protocol::Anchor;
use crate::state::conditions;
use crate::state::layout::{InView, Layout, Placed};
use crate::state::selection::Selection;

/// The rows of a panel.
#[component]
pub(crate) fn GridView(model: PanelModel) -> impl IntoView {
    let (scroller, spacer, layer) =
        (NodeRef::<html::Div>::new(), NodeRef::<html::Div>::new(), NodeRef::<html::Div>::new());
    let placed: Memo<Vec<Placed>> =
        Memo::new(move |_| model.state.with(|state| model.layout.with(|l| l.place(&state.columns))));
    let columns_in_view = RwSignal::new(InView::default());
    let grid = StoredValue::new_local(None::<Grid>);
    let with_grid = move |act: &dyn Fn(&Grid)| {
        if let Some(grid) = grid.get_value() {
            act(&grid);
        }
    };

    Effect::new(move |_| {
        let (Some(scroller), Some(spacer), Some(layer)) = (scroller.get(), spacer.get(), layer.get()) else { return };
        let elements = Elements { scroller: scroller.clone().into(), spacer: spacer.into(), layer: layer.into() };
        let new = Grid::new(model, elements, columns_in_view);
        grid.set_value(Some(new.clone()));
        new.set_columns(placed.get_untracked());
        watch_size(&scroller, new);
    });
    Effect::new(move |_| {
        let placed = placed.get();
        with_grid(&|grid| grid.set_columns(placed.clone()));
        let is_placed = |name: &String| placed.iter().any(|column| column.name == *name);
        if let Some(name) = model.added_column.get_untracked().filter(is_placed) {
            model.added_column.set(None);
            // By then the grid is as wide as its columns.
            request_animation_frame(move || with_grid(&|grid| grid.reveal_column(&name)));
        }
    });
    let row_height = Memo::new(move |_| model.layout.with(Layout::row_height));
    Effect::new(move |_| {
        let row_height = row_height.get();
        with_grid(&|grid| grid.set_row_height(row_height));
    });
    // Level-triggered: whatever the view's changes were, the newest revision is asked for.
    Effect::new(move |known: Option<u64>| {
        let revision = model.state.with(|state| state.revision);
        if known != Some(revision) {
            with_grid(&Grid::refresh);
        }
        revision
    });
    Effect::new(move |known: Option<String>| {
        let query = model.query.with(ToString::to_string);
        if known.is_some_and(|known| known != query) {
            with_grid(&Grid::start_anew);
        }
        query
    });
    Effect::new(move |_| {
        if model.is_tailing.get() {
            with_grid(&Grid::to_end);
        }
    });
    Effect::new(move |_| {
        model.selection.track();
        with_grid(&Grid::draw_anew);
    });

    let on_click = move |event: MouseEvent| with_grid(&|grid| click(model, grid, &event));
    let on_double_click = move |event: MouseEvent| {
        if let Some((row_id, _)) = cell_at(&event) {
            open_row(model, row_id);
        }
    };
    let on_key = move |event: KeyboardEvent| {
        // A button in the header has keys of its own.
        if event.target() == event.current_target() {
            with_grid(&|grid| keys::press(model, grid, &event));
        }
    };
    view! {
        <div
            class="grid"
            data-testid="grid"
            data-rows=move || row_height.get().name()
            node_ref=scroller
            role="grid"
            tabindex="0"
            aria-label=move || format!("Rows of {}", model.table())
            aria-multiselectable="true"
            aria-rowcount=move || model.state.with(|state| state.n_view_rows + 1)
            aria-colcount=move || placed.with(Vec::len) + 1
            on:scroll=move |_| with_grid(&Grid::scrolled)
            on:pointermove=move |event| with_grid(&|grid| grid.pointed(Some(f64::from(event.client_y()))))
            on:pointerleave=move |_| with_grid(&|grid| grid.pointed(None))
            on:click=on_click
            on:dblclick=on_double_click
            on:keydown=on_key
        >
            <div class="grid-spacer" node_ref=spacer role="presentation">
                <Header model grid placed columns_in_view />
                <div class="grid-rows" node_ref=layer role="rowgroup"></div>
            </div>
        </div>
    }
}

/// Styles an element. By its attribute, the policy of a page could forbid it.
fn set_style(element: &HtmlElement, css: &str) {
    element.style().set_css_text(css);
}

/// Keeps the grid as large as its box, until the owner is gone.
fn watch_size(element: &HtmlElement, grid: Grid) {
    let resized = Closure::<dyn Fn()>::new(move || grid.resized());
    let observer = ResizeObserver::new(resized.as_ref().unchecked_ref()).expect("the callback is a function");
    observer.observe(element);
    let kept = StoredValue::new_local((observer, resized));
    on_cleanup(move || {
        kept.try_with_value(|(observer, _)| observer.disconnect());
    });
}

/// The row and the column that an event happened in.
fn cell_at(event: &MouseEvent) -> Option<(u64, Option<usize>)> {
    let target: web_sys::Element = event.target()?.dyn_into().ok()?;
    let row = target.closest("[data-row-id]").ok()??;
    let row_id = row.get_attribute("data-row-id")?.parse().ok()?;
    let cell = target.closest("[aria-colindex]").ok()?;
    let column = cell.and_then(|cell| cell.get_attribute("aria-colindex")?.parse::<usize>().ok()?.checked_sub(2));
    Some((row_id, column))
}

fn click(model: PanelModel, grid: &Grid, event: &MouseEvent) {
    let Some((row_id, column)) = cell_at(event) else { return };
    let names = grid.column_names();
    let known = model.selection.with_untracked(|selection| selection.focus().map(|focus| focus.column.clone()));
    let Some(name) = column.and_then(|idx| names.get(idx).cloned()).or(known).or(names.first().cloned()) else {
        return;
    };
    if column.is_none() && model.state.with_untracked(|state| state.is_grouped) {
        open_row(model, row_id);
    } else if event.shift_key() {
        leptos::task::spawn_local(extend_to(model, row_id, name));
    } else if event.ctrl_key() || event.meta_key() {
        model.selection.update(|selection| selection.toggle(row_id, &name));
    } else {
        model.selection.update(|selection| selection.select(row_id, &name));
        if model.inspected.get_untracked().is_some() {
            model.inspected.set(Some(row_id));
        }
    }
}

/// The most rows that one gesture selects.
const MAX_SELECTED: u64 = 100_000;

/// Where a row is looked for: an answer holds it first, or it is gone.
fn anchor_at(row_id: u64) -> Anchor {
    Anchor::Row { row_id: row_id as f64, n_above: 0.0, else_rank: f64::from(u32::MAX) }
}

/// Selects from the anchor to that row: the worker tells which rows stand between.
async fn extend_to(model: PanelModel, row_id: u64, column: String) {
    let from = model.selection.with_untracked(Selection::anchor).unwrap_or(row_id);
    let (panel, link) = model.link();
    let rank_of = async |row_id: u64| {
        let found = link.window(panel, anchor_at(row_id), 1, Vec::new()).await?;
        found.window.row_ids.contains(&(row_id as f64)).then_some(found.window.first_rank)
    };
    let Some(to) = rank_of(row_id).await else { return };
    // An anchor that was filtered away leaves the row alone.
    let from = rank_of(from).await.unwrap_or(to);
    let start = if from < to { from.max(to.saturating_sub(MAX_SELECTED - 1)) } else { to };
    let n_rows = (from.max(to) - start + 1).min(MAX_SELECTED) as u32;
    let Some(found) = link.window(panel, Anchor::Rank(start as f64), n_rows, Vec::new()).await else { return };
    let between = found.window.row_ids.into_iter().map(|id| id as u64);
    model.selection.update(|selection| selection.extend(between, row_id, &column));
}

/// Shows a row in full, or the rows of a group.
fn open_row(model: PanelModel, row_id: u64) {
    if !model.state.with_untracked(|state| state.is_grouped) {
        model.inspected.set(Some(row_id));
        return;
    }
    let n_keys = model.query.with_untracked(|query| query.group_by().map_or(0, |(keys, _)| keys.len()));
    let columns = model.state.with_untracked(|s| s.columns.iter().take(n_keys).map(|c| c.name.clone()).collect());
    let (panel, link) = model.link();
    leptos::task::spawn_local(async move {
        let Some(found) = link.window(panel, anchor_at(row_id), 1, columns).await else { return };
        if found.window.row_ids.is_empty() {
            return;
        }
        let values: Vec<_> = found.window.columns.iter().map(|column| crate::state::cell::value(column, 0)).collect();
        let rows = model.query.with_untracked(|query| conditions::drill(query, &values));
        if let Some(rows) = rows {
            model.set_query(rows);
        }
    });
}
