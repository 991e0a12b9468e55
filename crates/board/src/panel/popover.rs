//! The one menu or editor that is open: where it stands, and how it is closed.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent};

use super::column_editor::ColumnEditor;
use super::export::ExportMenu;
use super::filter_editor::FilterEditor;
use super::menus::{ColumnMenu, ColumnPicker, FigurePicker, HiddenColumns, RowHeights};
use super::model::PanelModel;

/// The widest that a popover gets, in pixels.
const WIDTH_PX: f64 = 288.0;

/// What is open, and the point below which it opens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Popover {
    kind: PopoverKind,
    x: f64,
    y: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PopoverKind {
    /// What can be done with a column.
    Column { column: String },
    /// A computed column: one there is, or a new one.
    Compute { column: Option<String> },
    /// Which column to filter by.
    NewFilter,
    /// A filter: the one at `idx`, or a new one.
    Filter { column: String, idx: Option<usize> },
    /// Which column to group by as well.
    NewGroup,
    /// Which figure to tell of each group as well.
    NewFigure,
    /// Which columns are hidden.
    Hidden,
    /// How tall the rows are.
    RowHeight,
    /// What to export, and as what, of a table of a server.
    Export { base_url: String },
}

impl PopoverKind {
    /// What it is, for those who do not see it.
    fn name(&self) -> &'static str {
        match self {
            PopoverKind::Column { .. } => "Menu of a column",
            PopoverKind::Compute { .. } => "Computed column",
            PopoverKind::NewFilter | PopoverKind::Filter { .. } => "Filter",
            PopoverKind::NewGroup => "Group by",
            PopoverKind::NewFigure => "Figure",
            PopoverKind::Hidden => "Hidden columns",
            PopoverKind::RowHeight => "Row height",
            PopoverKind::Export { .. } => "Export",
        }
    }
}

impl Popover {
    /// Opens below what was clicked.
    pub(crate) fn below(event: &MouseEvent, kind: PopoverKind) -> Self {
        let element = event.current_target().and_then(|target| target.dyn_into::<Element>().ok());
        let (x, y) = element.map_or((0.0, 0.0), |element| {
            let edges = element.get_bounding_client_rect();
            (edges.left(), edges.bottom() + 4.0)
        });
        Self { kind, x, y }
    }

    /// The same place, other contents.
    pub(crate) fn with(&self, kind: PopoverKind) -> Self {
        Self { kind, ..*self }
    }
}

/// The popover of a panel, if one is open.
#[component]
pub(crate) fn PopoverLayer(model: PanelModel) -> impl IntoView {
    let close = move || model.popover.set(None);
    let on_key = move |event: KeyboardEvent| {
        if ["ArrowDown", "ArrowUp"].contains(&event.key().as_str()) {
            move_focus(&event);
        }
    };
    // Wherever the focus went meanwhile, Escape closes.
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        if event.key() == "Escape" && model.popover.get_untracked().is_some() {
            close();
        }
    });
    on_cleanup(move || listener.remove());
    let opener = StoredValue::new_local(None::<HtmlElement>);
    Effect::new(move |was_open: Option<bool>| {
        let is_open = model.popover.get().is_some();
        match (was_open.unwrap_or_default(), is_open) {
            (false, true) => {
                let focused = document().active_element();
                opener.set_value(focused.and_then(|element| element.dyn_into().ok()));
            }
            // An opener that is gone, such as a removed chip, leaves the focus where it is.
            // So does somebody who went on to another element.
            (true, false) if document().active_element().is_none_or(|element| element.tag_name() == "BODY") => {
                drop(opener.get_value().map(|element| element.focus()));
            }
            _ => {}
        }
        is_open
    });
    move || {
        let popover = model.popover.get()?;
        let node = NodeRef::<html::Div>::new();
        Effect::new(move |_| {
            if let Some(node) = node.get() {
                focus_first(&node);
            }
        });
        let room = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(f64::MAX);
        let left = popover.x.min(room - WIDTH_PX - 8.0).max(8.0);
        let label = popover.kind.name();
        let max_height = format!("calc(100dvh - {}px)", popover.y + 12.0);
        Some(view! {
            <div class="backdrop" on:click=move |_| close()></div>
            <div
                class="popover"
                role="dialog"
                aria-label=label
                tabindex="-1"
                node_ref=node
                style:left=format!("{left}px")
                style:top=format!("{}px", popover.y)
                style:max-height=max_height
                on:keydown=on_key
                on:focusout=move |event| {
                    // Whoever goes on by Tab is done here; a click on nothing goes nowhere.
                    let next = event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
                    let is_left = next.is_some_and(|next| node.get_untracked().is_some_and(|node| !node.contains(Some(&next))));
                    if is_left {
                        close();
                    }
                }
            >
                {contents(model, popover.kind)}
            </div>
        })
    }
}

fn contents(model: PanelModel, kind: PopoverKind) -> AnyView {
    match kind {
        PopoverKind::Column { column } => view! { <ColumnMenu model column /> }.into_any(),
        PopoverKind::Compute { column } => view! { <ColumnEditor model column /> }.into_any(),
        PopoverKind::NewFilter => {
            let choose = move |column: String| {
                let kind = PopoverKind::Filter { column, idx: None };
                model.popover.update(|open| *open = open.as_ref().map(|popover| popover.with(kind)));
            };
            view! { <ColumnPicker model title="Filter by" taken=Vec::new() choose /> }.into_any()
        }
        PopoverKind::Filter { column, idx } => view! { <FilterEditor model column idx /> }.into_any(),
        PopoverKind::NewGroup => {
            let taken = untrack(|| model.group_columns());
            let groups = taken.clone();
            let choose = move |column: String| {
                let columns: Vec<&str> = groups.iter().chain([&column]).map(String::as_str).collect();
                model.group_by(&columns);
                model.popover.set(None);
            };
            view! { <ColumnPicker model title="Group by" taken choose /> }.into_any()
        }
        PopoverKind::NewFigure => view! { <FigurePicker model /> }.into_any(),
        PopoverKind::Hidden => view! { <HiddenColumns model /> }.into_any(),
        PopoverKind::RowHeight => view! { <RowHeights model /> }.into_any(),
        PopoverKind::Export { base_url } => view! { <ExportMenu model base_url /> }.into_any(),
    }
}

/// What of an element takes the keyboard.
const FOCUSABLE: &str = "button:not(:disabled), input, select, textarea, a[href]";

fn focus_first(node: &HtmlElement) {
    let wanted = node.query_selector("[data-focus]").ok().flatten();
    let first = wanted.or_else(|| node.query_selector(FOCUSABLE).ok().flatten());
    if let Some(first) = first.and_then(|first| first.dyn_into::<HtmlElement>().ok()) {
        // An element that cannot take the focus leaves it where it is.
        let _ = first.focus();
    }
}

/// Moves among the buttons of a menu.
fn move_focus(event: &KeyboardEvent) {
    let Some(menu) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let Ok(items) = menu.query_selector_all(".item, input[type=search]") else { return };
    let items: Vec<HtmlElement> = (0..items.length()).filter_map(|idx| items.get(idx)?.dyn_into().ok()).collect();
    let focused = document().active_element();
    let place = items.iter().position(|item| focused.as_ref().is_some_and(|focused| focused == item.as_ref()));
    let step = if event.key() == "ArrowDown" { 1 } else { -1 };
    let next = place.map_or(0, |place| place.saturating_add_signed(step).min(items.len().saturating_sub(1)));
    if let Some(item) = items.get(next) {
        event.prevent_default();
        let _ = item.focus();
    }
}
