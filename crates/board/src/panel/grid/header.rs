//! The header: a click sorts, shift and click sorts by one more column, a drag moves the column, the edge resizes, the button
//! opens the menu.

use expr::{Expr, SortKey};
use leptos::prelude::*;
use model::ColumnType;
use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent, PointerEvent};

use super::controller::Grid;
use super::finder::RowFinder;
use crate::panel::icons;
use crate::panel::model::PanelModel;
use crate::panel::popover::{Popover, PopoverKind};
use crate::state::layout::{InView, Placed, drop_target, total_width};

#[component]
pub(super) fn Header(
    model: PanelModel,
    grid: StoredValue<Option<Grid>, LocalStorage>,
    placed: Memo<Vec<Placed>>,
    columns_in_view: RwSignal<InView>,
) -> impl IntoView {
    let in_view = move || {
        let in_view = columns_in_view.get();
        let cell = |idx: usize, column: &Placed| (column.name.clone(), column.column_type, idx < in_view.n_pinned);
        placed.with(|placed| in_view.places().filter_map(|idx| Some(cell(idx, placed.get(idx)?))).collect::<Vec<_>>())
    };
    let is_grouped = Memo::new(move |_| model.state.with(|state| state.is_grouped));
    let mover = Mover::new(model, placed);
    view! {
        <div
            class="grid-head"
            role="row"
            aria-rowindex="1"
            style:width=move || format!("{}px", placed.with(|placed| total_width(placed)))
            on:pointermove=move |event| mover.moved(&event)
            on:pointerup=move |_| mover.release()
            on:pointercancel=move |_| mover.release()
        >
            <div class="gutter" role="columnheader" aria-colindex="1" aria-label="Row">
                <Show when=move || !is_grouped.get() fallback=|| view! { <span class="unseen">"Group"</span> }>
                    <RowFinder model grid />
                </Show>
            </div>
            <For each=in_view key=Clone::clone let((name, column_type, is_pinned))>
                <HeaderCell model placed mover name column_type is_pinned />
            </For>
        </div>
    }
}

/// The sort key of a column: its place among the keys, and whether the greatest comes first.
fn sort_of(keys: &[SortKey], column: &str) -> Option<(usize, bool)> {
    let place = keys.iter().position(|key| matches!(&key.expr, Expr::Column(name) if name == column))?;
    Some((place, keys[place].descending))
}

#[component]
fn HeaderCell(
    model: PanelModel,
    placed: Memo<Vec<Placed>>,
    mover: Mover,
    name: String,
    column_type: ColumnType,
    is_pinned: bool,
) -> impl IntoView {
    let name = StoredValue::new(name);
    let place = Memo::new(move |_| {
        placed.with(|placed| {
            let idx = placed.iter().position(|column| name.with_value(|name| column.name == *name));
            idx.map(|idx| (idx, placed[idx].left, placed[idx].width)).unwrap_or_default()
        })
    });
    let sort = Memo::new(move |_| {
        let keys = model.query.with(expr::Query::sort_keys);
        name.with_value(|name| sort_of(&keys, name)).map(|(place, descending)| (place, descending, keys.len()))
    });
    let aria_sort = move || match sort.get() {
        None => "none",
        Some((_, false, _)) => "ascending",
        Some((_, true, _)) => "descending",
    };
    let on_click = move |event: MouseEvent| {
        model.edit(|query| name.with_value(|name| query.toggle_sort(name, event.shift_key())));
    };
    let open_menu = move |event: MouseEvent| {
        event.stop_propagation();
        model.popover.set(Some(Popover::below(&event, PopoverKind::Column { column: name.get_value() })));
    };
    let is_moving = move || mover.moving.with(|moving| name.with_value(|name| moving.as_ref() == Some(name)));
    let is_estimate =
        Memo::new(move |_| model.state.with(|state| name.with_value(|name| state.estimates.contains(name))));
    let formula = move || name.with_value(|name| model.formula(name));
    let class = if column_type.is_numeric() { "header-cell number" } else { "header-cell" };
    view! {
        <div
            class=class
            data-testid="header-cell"
            data-column=name.get_value()
            data-pinned=is_pinned
            role="columnheader"
            aria-colindex=move || place.get().0 + 2
            aria-sort=aria_sort
            title=move || {
                let kind = if is_estimate.get() { "an estimate" } else { column_type.name() };
                let formula = formula().map(|formula| format!(" = {formula}")).unwrap_or_default();
                format!("{}{formula} ({kind})", name.get_value())
            }
            style:left=move || format!("{}px", place.get().1)
            style:width=move || format!("{}px", place.get().2)
            on:click=on_click
            on:pointerdown=move |event| mover.press(&event, name.get_value())
            class:moving=is_moving
        >
            <span class="header-name" class:computed=move || formula().is_some()>{move || is_estimate.get().then_some("≈ ")} {name.get_value()}</span>
            <Show when=move || sort.get().is_some()>
                <span class="sort-mark" aria-hidden="true">
                    {move || if sort.get().is_some_and(|(_, descending, _)| descending) { "↓" } else { "↑" }}
                    {move || sort.get().filter(|(_, _, n)| *n > 1).map(|(place, _, _)| (place + 1).to_string())}
                </span>
            </Show>
            <button class="header-menu" aria-label=format!("Menu of {}", name.get_value()) on:click=open_menu>
                {icons::chevron()}
            </button>
            <Resizer model name place />
        </div>
    }
}

/// How far a pointer that is down may go and still click, in pixels.
const CLICK_PX: f64 = 5.0;

/// Moves a column as its header is dragged, place by place under the pointer.
#[derive(Clone, Copy)]
struct Mover {
    model: PanelModel,
    placed: Memo<Vec<Placed>>,
    /// The column whose header is pressed, and where it was, in pixels from the window's left edge.
    pressed: StoredValue<Option<(String, f64)>>,
    /// The column that is moved.
    moving: RwSignal<Option<String>>,
}

impl Mover {
    fn new(model: PanelModel, placed: Memo<Vec<Placed>>) -> Self {
        Self { model, placed, pressed: StoredValue::new(None), moving: RwSignal::new(None) }
    }

    fn press(self, event: &PointerEvent, name: String) {
        // A finger scrolls.
        if event.button() == 0 && event.pointer_type() != "touch" {
            self.pressed.set_value(Some((name, f64::from(event.client_x()))));
        }
    }

    /// Takes in where the pointer is over the header's row.
    fn moved(self, event: &PointerEvent) {
        let Some((name, start)) = self.pressed.get_value() else { return };
        let Some(head) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let x = f64::from(event.client_x());
        if self.moving.with_untracked(Option::is_none) {
            if (x - start).abs() < CLICK_PX {
                return;
            }
            // What the row captures is no click on the cell. Without a capture the drag just ends at the edge.
            let _ = head.set_pointer_capture(event.pointer_id());
            self.moving.set(Some(name.clone()));
        }
        let placed = self.placed.get_untracked();
        // The pinned stand still while the header is scrolled.
        let is_pinned = placed.iter().any(|placed| placed.is_pinned && placed.name == name);
        let edge = if is_pinned { head.closest(".grid").ok().flatten() } else { Some(head) };
        let Some(edge) = edge.map(|edge| edge.get_bounding_client_rect().left()) else { return };
        if let Some(target) = drop_target(&placed, &name, x - edge) {
            let columns = self.model.state.with_untracked(|state| state.columns.clone());
            self.model.layout.update(|layout| layout.move_to(&columns, &name, &target.name));
        }
    }

    fn release(self) {
        self.pressed.set_value(None);
        self.moving.set(None);
    }
}

/// The edge that is dragged to make a column wider or narrower.
#[component]
fn Resizer(model: PanelModel, name: StoredValue<String>, place: Memo<(usize, f64, f64)>) -> impl IntoView {
    let drag = RwSignal::new(None::<(f64, f64)>);
    let on_down = move |event: PointerEvent| {
        event.prevent_default();
        event.stop_propagation();
        if let Some(element) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
            // Without a capture the drag just ends at the edge.
            let _ = element.set_pointer_capture(event.pointer_id());
        }
        drag.set(Some((f64::from(event.client_x()), place.get_untracked().2)));
    };
    let on_move = move |event: PointerEvent| {
        if let Some((start, width)) = drag.get_untracked() {
            let width = width + f64::from(event.client_x()) - start;
            model.layout.update(|layout| name.with_value(|name| layout.set_width(name, width)));
        }
    };
    view! {
        <div
            class="resizer"
            aria-hidden="true"
            on:pointerdown=on_down
            on:pointermove=on_move
            on:pointerup=move |_| drag.set(None)
            on:pointercancel=move |_| drag.set(None)
            on:click=|event| event.stop_propagation()
        ></div>
    }
}
