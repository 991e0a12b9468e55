//! The menus of a panel: of a column, and those that choose a column or a figure.

use expr::{Aggregate, AggregateOp, Share, SortKey};
use leptos::prelude::*;
use model::ColumnType;

use super::model::PanelModel;
use super::popover::PopoverKind;
use crate::search::Search;

/// What can be done with a column.
#[component]
pub(crate) fn ColumnMenu(model: PanelModel, column: String) -> impl IntoView {
    let is_grouped = model.state.with_untracked(|state| state.is_grouped);
    let column = StoredValue::new(column);
    let close = move || model.popover.set(None);
    let sort = move |descending: bool| {
        model.edit(|query| query.set_sort(vec![SortKey::column(column.get_value(), descending)]));
        close();
    };
    let filter = move |_| {
        let kind = PopoverKind::Filter { column: column.get_value(), idx: None };
        model.popover.update(|open| *open = open.as_ref().map(|popover| popover.with(kind)));
    };
    let group = move |_| {
        let column = column.get_value();
        let mut columns = untrack(|| model.group_columns());
        columns.push(column);
        model.group_by(&columns.iter().map(String::as_str).collect::<Vec<_>>());
        close();
    };
    let is_pinned = model.layout.with_untracked(|layout| layout.is_pinned(&column.get_value()));
    let pin = move |_| {
        model.layout.update(|layout| layout.toggle_pin(&column.get_value()));
        close();
    };
    let hide = move |_| {
        model.layout.update(|layout| layout.hide(&column.get_value()));
        close();
    };
    let is_computed = untrack(|| model.formula(&column.get_value()).is_some());
    let edit = move |_| {
        let kind = PopoverKind::Compute { column: Some(column.get_value()) };
        model.popover.update(|open| *open = open.as_ref().map(|popover| popover.with(kind)));
    };
    let remove = move |_| {
        model.edit(|query| query.remove_column(&column.get_value()));
        close();
    };
    view! {
        <p class="popover-title">{column.get_value()}</p>
        <div class="items">
            <button class="item" on:click=move |_| sort(false)>"Sort ascending"<small>"↑"</small></button>
            <button class="item" on:click=move |_| sort(true)>"Sort descending"<small>"↓"</small></button>
            <Show when=move || !is_grouped>
                <button class="item" on:click=filter>"Filter…"</button>
                <button class="item" on:click=group>"Group by this column"</button>
            </Show>
            <button class="item" on:click=pin>{if is_pinned { "Unpin column" } else { "Pin column" }}</button>
            <button class="item" on:click=hide>"Hide column"</button>
            {is_computed.then(|| view! {
                <button class="item" on:click=edit>"Edit the formula…"</button>
                <button class="item" on:click=remove>"Remove column"</button>
            })}
        </div>
    }
}

/// A list of the rows' columns, to choose one from.
#[component]
pub(crate) fn ColumnPicker(
    model: PanelModel,
    title: &'static str,
    taken: Vec<String>,
    choose: impl Fn(String) + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let search = RwSignal::new(String::new());
    let choices = move || {
        let wanted = search.get().to_lowercase();
        let columns = model.state.with(|state| state.row_columns.clone());
        let fits = |name: &String| !taken.contains(name) && name.to_lowercase().contains(&wanted);
        let choices: Vec<_> = columns.into_iter().filter(|column| fits(&column.name)).collect();
        let choose = choose.clone();
        let item = move |column: crate::protocol::PanelColumn| {
            let (choose, name) = (choose.clone(), column.name.clone());
            view! {
                <button class="item" on:click=move |_| choose(name.clone())>
                    <span class="item-name">{column.name}</span>
                    <small>{column.column_type.name()}</small>
                </button>
            }
        };
        match choices.is_empty() {
            true => view! { <p class="hint">"No such column"</p> }.into_any(),
            false => choices.into_iter().map(item).collect_view().into_any(),
        }
    };
    view! {
        <p class="popover-title">{title}</p>
        <Search wanted=search prompt="Find a column" />
        <div class="items">{choices}</div>
    }
}

/// Adds a figure to those of a grouping.
#[component]
pub(crate) fn FigurePicker(model: PanelModel) -> impl IntoView {
    let op = RwSignal::new(AggregateOp::Mean);
    let add = move |aggregate: Aggregate| {
        model.edit(|query| {
            let mut figures = query.group_by().map(|(_, figures)| figures.to_vec()).unwrap_or_default();
            if !figures.contains(&aggregate) {
                figures.push(aggregate);
                query.set_aggregates(figures);
            }
        });
        model.popover.set(None);
    };
    let p95 = Share::new(0.95).map(|share| (AggregateOp::Quantile(share), "p95"));
    let ops = AggregateOp::ALL.into_iter().chain(p95).map(|(candidate, name)| {
        let name = if candidate == AggregateOp::CountDistinct { "distinct" } else { name };
        view! {
            <button
                class="segment"
                aria-pressed=move || (op.get() == candidate).to_string()
                on:click=move |_| op.set(candidate)
            >
                {name}
            </button>
        }
    });
    let columns = move || {
        let needs_numbers = op.get().needs_numbers();
        let fits =
            |column_type: ColumnType| !needs_numbers || column_type.is_numeric() || column_type == ColumnType::Mixed;
        let columns = model.state.with(|state| state.row_columns.clone());
        let columns = columns.into_iter().filter(|column| fits(column.column_type)).map(|column| {
            let name = column.name.clone();
            view! {
                <button class="item" on:click=move |_| add(Aggregate::of(op.get_untracked(), name.clone()))>
                    <span class="item-name">{column.name}</span>
                    <small>{column.column_type.name()}</small>
                </button>
            }
        });
        columns.collect_view()
    };
    view! {
        <p class="popover-title">"Tell of each group"</p>
        <div class="segments many" role="group" aria-label="Figure">{ops.collect_view()}</div>
        <div class="items">
            <Show when=move || op.get() == AggregateOp::Count>
                <button class="item" on:click=move |_| add(Aggregate::count())>"All rows"</button>
            </Show>
            {columns}
        </div>
    }
}

/// Brings hidden columns back.
#[component]
pub(crate) fn HiddenColumns(model: PanelModel) -> impl IntoView {
    let hidden = move || {
        let columns = model.state.with(|state| state.columns.clone());
        let hidden = columns.into_iter().filter(|column| model.layout.with(|layout| layout.is_hidden(&column.name)));
        let item = move |column: crate::protocol::PanelColumn| {
            let name = column.name.clone();
            view! {
                <button class="item" on:click=move |_| model.layout.update(|layout| layout.show(&name))>
                    <span class="item-name">{column.name}</span>
                    <small>"show"</small>
                </button>
            }
        };
        hidden.map(item).collect_view()
    };
    let show_all = move |_| {
        model.layout.update(crate::state::layout::Layout::show_all);
        model.popover.set(None);
    };
    view! {
        <p class="popover-title">"Hidden columns"</p>
        <div class="items">{hidden}</div>
        <hr />
        <button class="item" on:click=show_all>"Show all"</button>
    }
}
