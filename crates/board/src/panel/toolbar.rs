//! The chips and switches above the grid.

use expr::{Aggregate, Condition, Query};
use leptos::prelude::*;
use web_sys::MouseEvent;

use super::icons;
use super::model::PanelModel;
use super::popover::{Popover, PopoverKind};
use crate::state::conditions::{Label, label, last_label};
use crate::state::text::{count, counted};

/// The row of controls.
#[component]
pub(crate) fn Toolbar(model: PanelModel) -> impl IntoView {
    view! {
        <div class="toolbar" role="toolbar" aria-label="Filters, groups and columns">
            <Filters model />
            <Groups model />
            <button
                class="tool"
                data-testid="add-column"
                title="Add a computed column"
                on:click=open(model, PopoverKind::Compute { column: None })
            >
                {icons::plus()}"Column"
            </button>
            <Hidden model />
            <span class="stretch"></span>
            <button
                class="tool"
                data-testid="row-height"
                aria-label="Row height"
                title="Row height"
                on:click=open(model, PopoverKind::RowHeight)
            >
                {icons::row_height()}
            </button>
            {model.server().map(|base_url| view! {
                <button class="tool" data-testid="export" on:click=open(model, PopoverKind::Export { base_url })>
                    {icons::export()}"Export"
                </button>
            })}
            <Live model />
        </div>
    }
}

fn open(model: PanelModel, kind: PopoverKind) -> impl Fn(MouseEvent) + 'static {
    move |event| model.popover.set(Some(Popover::below(&event, kind.clone())))
}

/// The cross at a chip's end.
fn remove_button(what: String, remove: impl Fn() + 'static) -> impl IntoView {
    view! {
        <button class="chip-remove" aria-label=format!("Remove {what}") on:click=move |_| remove()>
            {icons::close()}
        </button>
    }
}

/// A chip of what keeps rows; a click edits it where there is an editor.
fn filter_chip(
    model: PanelModel,
    label: Label,
    title: String,
    editor: Option<PopoverKind>,
    remove: Box<dyn Fn(&mut Query)>,
) -> AnyView {
    let said = [label.column.as_str(), label.relation, &label.value].join(" ");
    let edit = move |event: MouseEvent| {
        if let Some(kind) = editor.clone() {
            model.popover.set(Some(Popover::below(&event, kind)));
        }
    };
    view! {
        <span class="chip" data-testid="chip">
            <button class="chip-text" title=title on:click=edit>
                <b>{label.column}</b>
                " "
                <span class="relation">{label.relation}</span>
                " "
                <span>{label.value}</span>
            </button>
            {remove_button(format!("the filter {said}"), move || model.edit(|query| remove(query)))}
        </span>
    }
    .into_any()
}

#[component]
fn Filters(model: PanelModel) -> impl IntoView {
    let filters = move || {
        let filters: Vec<_> = model.query.with(|query| query.filters().into_iter().cloned().collect());
        let chip = |(idx, filter): (usize, expr::Expr)| {
            let editor = match Condition::of(&filter) {
                Condition::Other(_) => None,
                condition => {
                    let column = condition.column().map(str::to_owned);
                    column.map(|column| PopoverKind::Filter { column, idx: Some(idx) })
                }
            };
            let remove = Box::new(move |query: &mut Query| query.remove_filter(idx));
            filter_chip(model, label(&filter), filter.to_string(), editor, remove)
        };
        filters.into_iter().enumerate().map(chip).collect::<Vec<_>>()
    };
    let windows = move || {
        let lasts: Vec<_> = model.query.with(|query| query.lasts().into_iter().cloned().collect());
        let chip = |last: expr::Last| {
            let editor = PopoverKind::Filter { column: last.column.clone(), idx: None };
            let (title, label) = (format!("last {}", last.span), last_label(&last));
            let remove = Box::new(move |query: &mut Query| query.set_last(&last.column, None));
            filter_chip(model, label, title, Some(editor), remove)
        };
        lasts.into_iter().map(chip).collect::<Vec<_>>()
    };
    view! {
        <div class="chips" role="group" aria-label="Filters">
            <button class="tool" data-testid="add-filter" on:click=open(model, PopoverKind::NewFilter)>
                {icons::funnel()}"Filter"
            </button>
            {move || windows().into_iter().chain(filters()).collect::<Vec<_>>()}
        </div>
    }
}

#[component]
fn Groups(model: PanelModel) -> impl IntoView {
    let grouping = Memo::new(move |_| {
        model.query.with(|query| query.group_by().map(|(keys, figures)| (keys.to_vec(), figures.to_vec())))
    });
    let is_grouped = move || grouping.with(Option::is_some);
    let remove_key = move |idx: usize| {
        model.edit(|query| {
            let (keys, figures) = query.group_by().map(|(k, f)| (k.to_vec(), f.to_vec())).unwrap_or_default();
            let kept: Vec<_> =
                keys.into_iter().enumerate().filter(|(place, _)| *place != idx).map(|(_, key)| key).collect();
            query.set_grouping(kept.clone(), if kept.is_empty() { vec![Aggregate::count()] } else { figures });
        });
    };
    let remove_figure = move |idx: usize| {
        model.edit(|query| {
            let mut figures = query.group_by().map(|(_, figures)| figures.to_vec()).unwrap_or_default();
            figures.remove(idx);
            query.set_aggregates(figures);
        });
    };
    let keys = move || {
        let keys = grouping.with(|grouping| grouping.as_ref().map(|(keys, _)| keys.clone()).unwrap_or_default());
        let chip = move |(idx, key): (usize, expr::Expr)| {
            let name = key.name();
            view! {
                <span class="chip group" data-testid="group-chip">
                    <span class="chip-text"><b>{name.clone()}</b></span>
                    {remove_button(format!("the group by {name}"), move || remove_key(idx))}
                </span>
            }
        };
        keys.into_iter().enumerate().map(chip).collect_view()
    };
    let figures = move || {
        let figures =
            grouping.with(|grouping| grouping.as_ref().map(|(_, figures)| figures.clone()).unwrap_or_default());
        let can_remove = figures.len() > 1;
        let chip = move |(idx, figure): (usize, Aggregate)| {
            let name = figure.name();
            view! {
                <span class="chip figure" data-testid="figure-chip">
                    <span class="chip-text">{name.clone()}</span>
                    {can_remove.then(|| remove_button(format!("the figure {name}"), move || remove_figure(idx)))}
                </span>
            }
        };
        figures.into_iter().enumerate().map(chip).collect_view()
    };
    view! {
        <div class="chips" role="group" aria-label="Groups">
            <button class="tool" data-testid="add-group" on:click=open(model, PopoverKind::NewGroup)>
                {icons::layers()}"Group by"
            </button>
            {keys}
            <Show when=is_grouped>
                {figures}
                <button class="tool small" data-testid="add-figure" aria-label="Add a figure" title="Add a figure" on:click=open(model, PopoverKind::NewFigure)>
                    {icons::plus()}
                </button>
            </Show>
        </div>
    }
}

#[component]
fn Hidden(model: PanelModel) -> impl IntoView {
    let n_hidden = move || {
        let is_hidden = |name: &str| model.layout.with(|layout| layout.is_hidden(name));
        model.state.with(|state| state.columns.iter().filter(|column| is_hidden(&column.name)).count())
    };
    view! {
        <Show when=move || { n_hidden() > 0 }>
            <button class="tool" on:click=open(model, PopoverKind::Hidden)>
                {move || format!("{} hidden", counted(n_hidden() as u64, "column"))}
            </button>
        </Show>
    }
}

/// Pause, and staying at the newest row.
#[component]
fn Live(model: PanelModel) -> impl IntoView {
    let is_paused = model.is_paused;
    let can_tail = move || model.is_in_order_of_arrival();
    let tail_title = move || match can_tail() {
        true => "Stay at the newest row",
        false => "The newest rows stand at the end only in the order they came: remove the sort or the groups",
    };
    view! {
        <div class="chips" role="group" aria-label="Live">
            <button
                class="tool"
                data-testid="pause-toggle"
                aria-pressed=move || is_paused.get().to_string()
                title="Hold new rows back"
                on:click=move |_| model.set_paused(!is_paused.get_untracked())
            >
                {move || if is_paused.get() { icons::play().into_any() } else { icons::pause().into_any() }}
                {move || if is_paused.get() { "Resume" } else { "Pause" }}
            </button>
            <button
                class="tool"
                data-testid="tail-toggle"
                aria-pressed=move || model.is_tailing.get().to_string()
                disabled=move || !can_tail()
                title=tail_title
                on:click=move |_| model.is_tailing.update(|is_tailing| *is_tailing = !*is_tailing)
            >
                {icons::to_end()}"Tail"
            </button>
        </div>
    }
}

/// Says that rows came which are not in view, and goes there.
#[component]
pub(crate) fn NewRows(model: PanelModel) -> impl IntoView {
    let n_new = move || match model.is_paused.get() {
        true => model.state.with(|state| state.n_held_back),
        false if model.is_tailing.get() => 0,
        false => model.n_unseen.get(),
    };
    let show = move |_| {
        if model.is_paused.get_untracked() {
            model.set_paused(false);
        } else {
            model.is_tailing.set(true);
        }
    };
    view! {
        <Show when=move || { n_new() > 0 }>
            <button class="new-rows" data-testid="new-rows" on:click=show>
                {move || format!("{} new {}", count(n_new()), if n_new() == 1 { "row" } else { "rows" })}
                {move || (!model.is_paused.get()).then(icons::to_end)}
            </button>
        </Show>
    }
}
