//! The menus of a panel: of a column, and those that choose a column or a figure.

use expr::{Aggregate, AggregateOp, Expr, Locale, Share, SortKey};
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
    let key = Memo::new(move |_| {
        let keys = model.query.with(expr::Query::sort_keys);
        column.with_value(|column| key_of(keys, column))
    });
    let sort = move |descending: bool| {
        let key = key.get_untracked().unwrap_or_else(|| SortKey::column(column.get_value(), descending));
        model.edit(|query| query.set_sort(vec![SortKey { descending, ..key }]));
        close();
    };
    // What a sort by several columns says of this one is changed in its place.
    let alter = move |change: fn(&mut SortKey)| {
        model.edit(|query| {
            let mut keys = query.sort_keys();
            let place = column.with_value(|column| keys.iter().position(|key| is_of(key, column)));
            match place {
                Some(place) => change(&mut keys[place]),
                None => {
                    let mut key = SortKey::column(column.get_value(), false);
                    change(&mut key);
                    keys = vec![key];
                }
            }
            query.set_sort(keys);
        });
        close();
    };
    let switch = move |name: &'static str, is_on: fn(&SortKey) -> bool, toggle: fn(&mut SortKey)| {
        let is_on = move || key.with(|key| key.as_ref().is_some_and(is_on));
        view! {
            <button class="item" aria-pressed=move || is_on().to_string() on:click=move |_| alter(toggle)>
                {name}
                <small>{move || is_on().then_some("✓")}</small>
            </button>
        }
    };
    let is_text = model.state.with_untracked(|state| {
        let column_type =
            column.with_value(|name| state.columns.iter().find(|c| c.name == *name).map(|c| c.column_type));
        matches!(column_type, Some(ColumnType::Text | ColumnType::Mixed))
    });
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
    view! {
        <p class="popover-title">{column.get_value()}</p>
        <div class="items">
            <button class="item" on:click=move |_| sort(false)>"Sort ascending"<small>"↑"</small></button>
            <button class="item" on:click=move |_| sort(true)>"Sort descending"<small>"↓"</small></button>
            {switch("Empty cells first", |key| key.nulls_first, |key| key.nulls_first = !key.nulls_first)}
            {is_text.then(|| switch("Alphabetical order", |key| key.locale.is_some(), toggle_locale))}
            <hr />
            <Show when=move || !is_grouped>
                <button class="item" on:click=filter>"Filter…"</button>
                <button class="item" on:click=group>"Group by this column"</button>
            </Show>
            <button class="item" on:click=pin>{if is_pinned { "Unpin column" } else { "Pin column" }}</button>
            <button class="item" on:click=hide>"Hide column"</button>
        </div>
    }
}

fn is_of(key: &SortKey, column: &str) -> bool {
    matches!(&key.expr, Expr::Column(name) if name == column)
}

fn key_of(keys: Vec<SortKey>, column: &str) -> Option<SortKey> {
    keys.into_iter().find(|key| is_of(key, column))
}

/// By the alphabet of the reader's language, or of none in particular; or by code point again.
fn toggle_locale(key: &mut SortKey) {
    let own = || window().navigator().language().and_then(|tag| Locale::from_tag(&tag)).unwrap_or(Locale::Root);
    key.locale = if key.locale.is_some() { None } else { Some(own()) };
}

/// A list of the table's columns, to choose one from.
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
        let columns = model.state.with(|state| state.table_columns.clone());
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
        let columns = model.state.with(|state| state.table_columns.clone());
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
