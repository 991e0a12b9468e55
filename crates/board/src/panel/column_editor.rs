//! The editor of a computed column: its name, its formula, and what that comes to for the first rows.

use expr::{Expr, NamedExpr, Query};
use leptos::html;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::fault::Fault;
use super::inspector::AnyCell;
use super::model::PanelModel;
use crate::state::cell::shown;

/// For how many rows the column is shown before it is there.
const PREVIEW_ROWS: u32 = 5;
/// What the column is called until it has a name.
const UNNAMED: &str = "new column";

/// Edits the computed column of that name, or makes one.
#[component]
pub(crate) fn ColumnEditor(model: PanelModel, column: Option<String>) -> impl IntoView {
    let formula = column.as_ref().and_then(|column| untrack(|| model.formula(column)));
    let is_new = column.is_none();
    let name = RwSignal::new(column.clone().unwrap_or_default());
    let text = RwSignal::new(formula.map(|formula| formula.to_string()).unwrap_or_default());
    let column = StoredValue::new(column);
    let trimmed = move || name.with(|name| name.trim().to_owned());
    let edited = Memo::new(move |_| {
        let name = Some(trimmed()).filter(|name| !name.is_empty());
        let new = (name.unwrap_or_else(|| UNNAMED.to_owned()), text.get());
        model.query.with_untracked(|query| read(query, column.get_value().as_deref(), new))
    });
    let cells = preview(model, edited);
    let can_take =
        move || name.with(|name| !name.trim().is_empty()) && edited.with(|edited| matches!(edited, Ok(Some(_))));
    let take = move || {
        let Some((query, name)) = untrack(|| can_take().then(|| edited.get().ok().flatten()).flatten()) else { return };
        match column.get_value() {
            Some(old) => model.layout.update(|layout| layout.rename(&old, &name)),
            None => model.added_column.set(Some(name)),
        }
        model.popover.set(None);
        model.set_query(query);
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            take();
        }
    };
    let area = NodeRef::<html::Textarea>::new();
    let is_grouped = model.state.with_untracked(|state| state.is_grouped);
    let takes_a_place = move || {
        let name = trimmed();
        let is_known = model.state.with(|state| state.row_columns.iter().any(|known| known.name == name));
        is_known && column.with_value(|column| column.as_ref() != Some(&name))
    };
    view! {
        <p class="popover-title">{if is_new { "Add a computed column" } else { "Computed column" }}</p>
        <div class="column-editor">
            <label class="field">
                <span>"Name"</span>
                <input
                    type="text"
                    data-testid="column-name"
                    data-focus=is_new.then_some("")
                    prop:value=move || name.get()
                    on:input=move |event| name.set(event_target_value(&event))
                    on:keydown=on_key
                />
            </label>
            <label class="field">
                <span>"Formula"</span>
                <textarea
                    rows="3"
                    spellcheck="false"
                    autocapitalize="off"
                    data-testid="column-formula"
                    data-focus=(!is_new).then_some("")
                    placeholder="row[\"a\"] / row[\"b\"]"
                    node_ref=area
                    aria-invalid=move || edited.with(Result::is_err).to_string()
                    prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event))
                    on:keydown=on_key
                ></textarea>
            </label>
            <ColumnInserter model area text own=column.get_value() />
        </div>
        {move || edited.get().err().map(|fault| view! {
            <p class="hint bad" data-testid="column-error" role="status">{fault.draw()}</p>
        })}
        <Show when=move || cells.with(|cells| !cells.is_empty())>
            <ol class="preview" data-testid="column-preview" aria-label="What it comes to for the first rows">
                {move || cells.get().into_iter().map(|cell| view! { <li>{cell.draw()}</li> }).collect_view()}
            </ol>
        </Show>
        <Show when=takes_a_place>
            <p class="hint">"It takes the place of the column of that name."</p>
        </Show>
        <Show when=move || is_new && is_grouped>
            <p class="hint">"Groups and figures can then be of it."</p>
        </Show>
        <div class="popover-end">
            <button class="button" data-testid="take-column" disabled=move || !can_take() on:click=move |_| take()>
                {if is_new { "Add column" } else { "Save" }}
            </button>
        </div>
    }
}

/// A panel's query with the column that was typed, and the column's name; `None` where nothing was typed.
type Edited = Result<Option<(Query, String)>, Fault>;

fn read(query: &Query, old: Option<&str>, (name, text): (String, String)) -> Edited {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let expr = expr::parse_expr(&text).map_err(|error| Fault::of(&text, &error.message, error.at))?;
    if old != Some(&name) && query.computed_columns().iter().any(|known| known.name == name) {
        return Err(Fault::of_all("there is a computed column of that name already"));
    }
    let (mut edited, new) = (query.clone(), NamedExpr { name: name.clone(), expr });
    match old {
        Some(old) => edited.replace_column(old, new),
        None => edited.add_column(new),
    }
    engine::ViewSpec::of(&edited).map_err(|error| Fault::of_all(&error.to_string()))?;
    Ok(Some((edited, name)))
}

/// What the column comes to for the first rows, as the worker says.
fn preview(model: PanelModel, edited: Memo<Edited>) -> RwSignal<Vec<AnyCell>> {
    let cells = RwSignal::new(Vec::new());
    Effect::new(move |_| {
        let Ok(Some((query, name))) = edited.get() else { return cells.set(Vec::new()) };
        let (panel, link) = model.link();
        leptos::task::spawn_local(async move {
            let found = link.preview(panel, &query, name, PREVIEW_ROWS).await;
            let columns = found.map(|found| found.window.columns).unwrap_or_default();
            // Meanwhile something else may have been typed, or the editor closed.
            let is_current =
                edited.try_with_untracked(|edited| matches!(edited, Ok(Some((known, _))) if *known == query));
            if is_current == Some(true) {
                let of = |column: &engine::WindowColumn| {
                    (0..column.kinds.len()).map(|idx| AnyCell::of(&shown(column, idx))).collect()
                };
                cells.set(columns.first().map(of).unwrap_or_default());
            }
        });
    });
    cells
}

/// Writes a column into the formula where the caret is.
#[component]
fn ColumnInserter(
    model: PanelModel,
    area: NodeRef<html::Textarea>,
    text: RwSignal<String>,
    own: Option<String>,
) -> impl IntoView {
    let columns = model.state.with_untracked(|state| state.row_columns.clone());
    let options = columns.into_iter().filter(|column| Some(&column.name) != own.as_ref()).map(|column| {
        let written = Expr::column(&column.name).to_string();
        view! { <option value=written>{column.name}</option> }
    });
    let insert = move |event| {
        let written = event_target_value(&event);
        let Some(area) = area.get_untracked() else { return };
        let start = area.selection_start().ok().flatten().unwrap_or_default();
        // A text area always has a selection.
        let _ = area.set_range_text(&written);
        let end = start + written.encode_utf16().count() as u32;
        let _ = area.set_selection_range(end, end);
        let _ = area.focus();
        text.set(area.value());
    };
    view! {
        <select aria-label="Write a column into the formula" prop:value="" on:change=insert>
            <option value="">"Insert a column…"</option>
            {options.collect_view()}
        </select>
    }
}
