//! The menus of a panel: of a column, and those that choose a column or a figure.

use expr::{Aggregate, AggregateOp, Share, SortKey};
use leptos::prelude::*;
use model::ColumnType;

use super::model::PanelModel;
use super::popover::PopoverKind;
use crate::search::Search;

/// A line of a menu: its label, a few words at its end, and what it does. Of one type whatever that is, which keeps the board small.
fn item(label: String, note: &'static str, act: Box<dyn Fn()>) -> impl IntoView {
    view! {
        <button class="item" on:click=move |_| act()>
            <span class="item-name">{label}</span>
            <small>{note}</small>
        </button>
    }
}

/// What can be done with a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ColumnAct {
    Ascending,
    Descending,
    Filter,
    Group,
    Pin,
    Hide,
    Edit,
    Remove,
}

impl ColumnAct {
    /// Does it, and closes the menu or goes on to an editor in its place.
    fn act(self, model: PanelModel, column: String) {
        let next = match self {
            ColumnAct::Filter => Some(PopoverKind::Filter { column, idx: None }),
            ColumnAct::Edit => Some(PopoverKind::Compute { column: Some(column) }),
            ColumnAct::Group => {
                let mut columns = untrack(|| model.group_columns());
                columns.push(column);
                model.group_by(&columns.iter().map(String::as_str).collect::<Vec<_>>());
                None
            }
            ColumnAct::Pin | ColumnAct::Hide => {
                model.layout.update(|layout| match self {
                    ColumnAct::Pin => layout.toggle_pin(&column),
                    _ => layout.hide(&column),
                });
                None
            }
            ColumnAct::Ascending | ColumnAct::Descending | ColumnAct::Remove => {
                model.edit(|query| match self {
                    ColumnAct::Remove => query.remove_column(&column),
                    _ => query.set_sort(vec![SortKey::column(column, self == ColumnAct::Descending)]),
                });
                None
            }
        };
        model.popover.update(|open| *open = open.as_ref().zip(next).map(|(popover, kind)| popover.with(kind)));
    }
}

/// The menu of a column.
#[component]
pub(crate) fn ColumnMenu(model: PanelModel, column: String) -> impl IntoView {
    let is_grouped = model.state.with_untracked(|state| state.is_grouped);
    let is_pinned = model.layout.with_untracked(|layout| layout.is_pinned(&column));
    let is_computed = untrack(|| model.formula(&column).is_some());
    let title = column.clone();
    let column = StoredValue::new(column);
    let items = [
        (ColumnAct::Ascending, "Sort ascending", "↑", true),
        (ColumnAct::Descending, "Sort descending", "↓", true),
        (ColumnAct::Filter, "Filter…", "", !is_grouped),
        (ColumnAct::Group, "Group by this column", "", !is_grouped),
        (ColumnAct::Pin, if is_pinned { "Unpin column" } else { "Pin column" }, "", true),
        (ColumnAct::Hide, "Hide column", "", true),
        (ColumnAct::Edit, "Edit the formula…", "", is_computed),
        (ColumnAct::Remove, "Remove column", "", is_computed),
    ];
    let items = items.into_iter().filter(|(.., is_offered)| *is_offered).map(|(act, label, mark, _)| {
        item(label.to_owned(), mark, Box::new(move || act.act(model, column.get_value())))
    });
    view! {
        <p class="popover-title">{title}</p>
        <div class="items">{items.collect_view()}</div>
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
            item(column.name, column.column_type.name(), Box::new(move || choose(name.clone())))
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
            let act = move || add(Aggregate::of(op.get_untracked(), name.clone()));
            item(column.name, column.column_type.name(), Box::new(act))
        });
        columns.collect_view()
    };
    view! {
        <p class="popover-title">"Tell of each group"</p>
        <div class="segments many" role="group" aria-label="Figure">{ops.collect_view()}</div>
        <div class="items">
            {move || (op.get() == AggregateOp::Count)
                .then(|| item("All rows".to_owned(), "", Box::new(move || add(Aggregate::count()))))}
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
            item(column.name, "show", Box::new(move || model.layout.update(|layout| layout.show(&name))))
        };
        hidden.map(item).collect_view()
    };
    let show_all = move || {
        model.layout.update(crate::state::layout::Layout::show_all);
        model.popover.set(None);
    };
    view! {
        <p class="popover-title">"Hidden columns"</p>
        <div class="items">{hidden}</div>
        <hr />
        {item("Show all".to_owned(), "", Box::new(show_all))}
    }
}
