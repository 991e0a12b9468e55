//! The grid by keyboard: arrows, pages, ends, selection, copy.

use std::collections::VecDeque;

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::controller::Grid;
use super::{clipboard, extend_to, open_row};
use crate::panel::model::PanelModel;
use crate::protocol::Anchor;
use crate::state::selection::Selection;

/// Keys that wait for the one before: where each leads is only known once the worker has said where that one led.
#[derive(Default)]
pub(super) struct Presses {
    waiting: VecDeque<Press>,
    is_under_way: bool,
}

struct Press {
    step: Step,
    /// Whether the selection is drawn along.
    extends: bool,
}

impl Presses {
    /// Takes in a key; one that is held down while the worker is busy makes one long step of many.
    fn push(&mut self, new: Press) {
        if let Some(last) = self.waiting.back_mut().filter(|last| last.extends == new.extends) {
            match (&mut last.step, &new.step) {
                (Step::Rows(n), Step::Rows(more)) => return *n = n.saturating_add(*more),
                (Step::Columns(n), Step::Columns(more)) => return *n = n.saturating_add(*more),
                _ => {}
            }
        }
        self.waiting.push_back(new);
    }

    /// The next one to do something about.
    fn next(&mut self) -> Option<Press> {
        let next = self.waiting.pop_front();
        self.is_under_way = next.is_some();
        next
    }
}

/// Where a key moves the focus.
enum Step {
    Rows(i64),
    FirstRow,
    LastRow,
    Columns(isize),
    FirstColumn,
    LastColumn,
}

pub(super) fn press(model: PanelModel, grid: &Grid, event: &KeyboardEvent) {
    let with_control = event.ctrl_key() || event.meta_key();
    let page = i64::try_from(grid.n_per_page()).unwrap_or(1);
    let step = match (event.key().as_str(), with_control) {
        ("ArrowDown", false) => Step::Rows(1),
        ("ArrowUp", false) => Step::Rows(-1),
        ("PageDown", _) => Step::Rows(page),
        ("PageUp", _) => Step::Rows(-page),
        ("ArrowDown" | "End", true) => Step::LastRow,
        ("ArrowUp" | "Home", true) => Step::FirstRow,
        ("ArrowRight", false) => Step::Columns(1),
        ("ArrowLeft", false) => Step::Columns(-1),
        ("Home", false) | ("ArrowLeft", true) => Step::FirstColumn,
        ("End", false) | ("ArrowRight", true) => Step::LastColumn,
        ("Enter", false) => {
            if let Some(row_id) = model.selection.with_untracked(|s| s.focus().map(|focus| focus.row_id)) {
                open_row(model, row_id);
            }
            return event.prevent_default();
        }
        ("c", true) => {
            // A text that is marked somewhere is what the reader wants to copy.
            let marked = window().get_selection().ok().flatten().map(|marked| String::from(marked.to_string()));
            if marked.is_none_or(|text| text.is_empty()) {
                clipboard::copy(model, grid.column_names());
                event.prevent_default();
            }
            return;
        }
        ("Escape", _) => {
            if model.inspected.get_untracked().is_some() {
                model.inspected.set(None);
            } else {
                model.selection.update(Selection::clear);
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    let was_under_way = {
        let mut presses = grid.presses().borrow_mut();
        presses.push(Press { step, extends: event.shift_key() });
        std::mem::replace(&mut presses.is_under_way, true)
    };
    if !was_under_way {
        let grid = grid.clone();
        leptos::task::spawn_local(async move {
            loop {
                let next = grid.presses().borrow_mut().next();
                let Some(press) = next else { return };
                walk(model, &grid, &press).await;
            }
        });
    }
}

/// Moves the focus. The worker says which row the step ends at, wherever the focused one stands by now.
async fn walk(model: PanelModel, grid: &Grid, Press { step, extends }: &Press) {
    let names = grid.column_names();
    let Some(last_column) = names.len().checked_sub(1) else { return };
    let focus = model.selection.with_untracked(|selection| selection.focus().cloned());
    let column = focus.as_ref().and_then(|focus| names.iter().position(|name| *name == focus.column)).unwrap_or(0);
    let column = match step {
        Step::Columns(n) => column.saturating_add_signed(*n).min(last_column),
        Step::FirstColumn => 0,
        Step::LastColumn => last_column,
        Step::Rows(_) | Step::FirstRow | Step::LastRow => column,
    };
    let n_down = if let Step::Rows(n) = step { *n } else { 0 };
    let (n_rows, n_above) = (n_down.unsigned_abs() + 1, n_down.min(0).unsigned_abs());
    let on_screen = grid.first_rank_in_view() as f64;
    let (anchor, n_rows) = match (step, &focus) {
        (Step::FirstRow, _) => (Anchor::Rank(0.0), 1),
        (Step::LastRow, _) => (Anchor::End, 1),
        // Without a focus, the first step goes to what is on screen; and so where the row is gone.
        (_, None) => (Anchor::Rank(on_screen), 1),
        (_, Some(focus)) => {
            let anchor = Anchor::Row { row_id: focus.row_id as f64, n_above: n_above as f64, else_rank: on_screen };
            (anchor, u32::try_from(n_rows).unwrap_or(u32::MAX))
        }
    };
    let (panel, link) = model.link();
    let Some(found) = link.window(panel, anchor, n_rows, Vec::new()).await else { return };
    let row_ids = &found.window.row_ids;
    let is_there = focus.is_some_and(|focus| row_ids.contains(&(focus.row_id as f64)));
    let place = if n_down > 0 && is_there { row_ids.len().saturating_sub(1) } else { 0 };
    let Some(row_id) = row_ids.get(place).copied() else { return };
    go_to(model, grid, found.window.first_rank + place as u64, row_id, &names[column], *extends).await;
}

/// Focuses a cell, in view.
pub(super) async fn go_to(model: PanelModel, grid: &Grid, rank: u64, row_id: f64, column: &str, extends: bool) {
    grid.reveal(rank, row_id);
    grid.reveal_column(column);
    if extends {
        extend_to(model, row_id as u64, column.to_owned()).await;
    } else {
        model.selection.update(|selection| selection.select(row_id as u64, column));
        if model.inspected.get_untracked().is_some() {
            model.inspected.set(Some(row_id as u64));
        }
    }
}
