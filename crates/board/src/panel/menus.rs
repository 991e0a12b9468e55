//! The menus of a panel: of a column, and those that choose a column or a figure.

use expr::{Aggregate, AggregateOp, Expr, Locale, Share, SortKey};
use leptos::prelude::*;
use model::ColumnType;

use super::model::PanelModel;
use super::popover::PopoverKind;
use crate::search::Search;
use crate::state::layout::{Layout, RowHeight};

/// A line of a menu: its label, a few words at its end, and what it does. Of one type whatever that is, which keeps the board small.
fn item(label: String, note: &'static str, act: Box<dyn Fn()>) -> impl IntoView {
    switch(label, note, None, act)
}

/// A line of a menu that says whether something is so.
fn switch(label: String, note: &'static str, is_on: Option<bool>, act: Box<dyn Fn()>) -> impl IntoView {
    view! {
        <button class="item" aria-pressed=is_on.map(|is_on| is_on.to_string()) on:click=move |_| act()>
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
    NullsFirst,
    Alphabet,
    Filter,
    Group,
    Pin,
    MoveLeft,
    MoveRight,
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
            ColumnAct::Pin | ColumnAct::Hide | ColumnAct::MoveLeft | ColumnAct::MoveRight => {
                let columns = model.state.with_untracked(|state| state.columns.clone());
                model.layout.update(|layout| match self {
                    ColumnAct::Pin => layout.toggle_pin(&column),
                    ColumnAct::Hide => layout.hide(&column),
                    _ => layout.move_by_one(&columns, &column, self == ColumnAct::MoveRight),
                });
                None
            }
            ColumnAct::Remove => {
                model.edit(|query| query.remove_column(&column));
                None
            }
            ColumnAct::Ascending | ColumnAct::Descending | ColumnAct::NullsFirst | ColumnAct::Alphabet => {
                model.edit(|query| query.set_sort(self.sort(query.sort_keys(), column)));
                None
            }
        };
        model.popover.update(|open| *open = open.as_ref().zip(next).map(|(popover, kind)| popover.with(kind)));
    }

    /// The keys of a sort, by this column alone; or what they say of this one changed in its place.
    fn sort(self, mut keys: Vec<SortKey>, column: String) -> Vec<SortKey> {
        let place = keys.iter().position(|key| is_of(key, &column));
        let mut key = place.map_or_else(|| SortKey::column(column, false), |place| keys[place].clone());
        match self {
            ColumnAct::NullsFirst => key.nulls_first = !key.nulls_first,
            ColumnAct::Alphabet => toggle_locale(&mut key),
            _ => {
                key.descending = self == ColumnAct::Descending;
                keys.clear();
            }
        }
        match place.filter(|place| *place < keys.len()) {
            Some(place) => keys[place] = key,
            None => keys = vec![key],
        }
        keys
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
    let key = model.query.with_untracked(expr::Query::sort_keys).into_iter().find(|key| is_of(key, &title));
    let has_nulls_first = key.as_ref().is_some_and(|key| key.nulls_first);
    let has_locale = key.is_some_and(|key| key.locale.is_some());
    let is_text = model.state.with_untracked(|state| {
        let found = state.columns.iter().find(|column| column.name == title);
        matches!(found.map(|column| column.column_type), Some(ColumnType::Text | ColumnType::Mixed))
    });
    let items = |items: &[(ColumnAct, &'static str, &'static str, Option<bool>, bool)]| {
        let items = items.iter().copied().filter(|(.., is_offered)| *is_offered).map(|(act, label, mark, is_on, _)| {
            let mark = if is_on == Some(true) { "✓" } else { mark };
            switch(label.to_owned(), mark, is_on, Box::new(move || act.act(model, column.get_value())))
        });
        items.collect_view()
    };
    let pin = if is_pinned { "Unpin column" } else { "Pin column" };
    view! {
        <p class="popover-title">{title}</p>
        <div class="items">
            {items(&[
                (ColumnAct::Ascending, "Sort ascending", "↑", None, true),
                (ColumnAct::Descending, "Sort descending", "↓", None, true),
                (ColumnAct::NullsFirst, "Empty cells first", "", Some(has_nulls_first), true),
                (ColumnAct::Alphabet, "Alphabetical order", "", Some(has_locale), is_text),
            ])}
            <hr />
            {items(&[
                (ColumnAct::Filter, "Filter…", "", None, !is_grouped),
                (ColumnAct::Group, "Group by this column", "", None, !is_grouped),
                (ColumnAct::Pin, pin, "", None, true),
                (ColumnAct::MoveLeft, "Move left", "←", None, true),
                (ColumnAct::MoveRight, "Move right", "→", None, true),
                (ColumnAct::Hide, "Hide column", "", None, true),
                (ColumnAct::Edit, "Edit the formula…", "", None, is_computed),
                (ColumnAct::Remove, "Remove column", "", None, is_computed),
            ])}
        </div>
    }
}

fn is_of(key: &SortKey, column: &str) -> bool {
    matches!(&key.expr, Expr::Column(name) if name == column)
}

/// By the alphabet of the reader's language, or of none in particular; or by code point again.
fn toggle_locale(key: &mut SortKey) {
    let own = || window().navigator().language().and_then(|tag| Locale::from_tag(&tag)).unwrap_or(Locale::Root);
    key.locale = if key.locale.is_some() { None } else { Some(own()) };
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

/// Chooses how tall the rows are.
#[component]
pub(crate) fn RowHeights(model: PanelModel) -> impl IntoView {
    let items = move || {
        let chosen = model.layout.with(Layout::row_height);
        let item = |height: RowHeight| {
            let choose = move || {
                model.layout.update(|layout| layout.set_row_height(height));
                model.popover.set(None);
            };
            let mark = if height == chosen { "✓" } else { "" };
            switch(height.name().to_owned(), mark, Some(height == chosen), Box::new(choose))
        };
        RowHeight::ALL.map(item).collect_view()
    };
    view! {
        <p class="popover-title">"Row height"</p>
        <div class="items">{items}</div>
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
        model.layout.update(Layout::show_all);
        model.popover.set(None);
    };
    view! {
        <p class="popover-title">"Hidden columns"</p>
        <div class="items">{hidden}</div>
        <hr />
        {item("Show all".to_owned(), "", Box::new(show_all))}
    }
}
