//! The grid by keyboard: arrows, pages, ends, selection, copy.

use web_sys::KeyboardEvent;

use leptos::prelude::*;

use super::controller::Grid;
use super::{clipboard, extend_to, open_row};
use crate::panel::model::PanelModel;
use crate::protocol::Anchor;
use crate::state::selection::Selection;

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
    take(model, grid.clone(), &step, event.shift_key());
}

fn take(model: PanelModel, grid: Grid, step: &Step, extends: bool) {
    let names = grid.column_names();
    let n_rows = grid.n_rows();
    let (Some(last_column), Some(last_rank)) = (names.len().checked_sub(1), n_rows.checked_sub(1)) else { return };
    let focus = model.selection.with_untracked(|selection| selection.focus().cloned());
    let column = focus.as_ref().and_then(|focus| names.iter().position(|name| *name == focus.column)).unwrap_or(0);
    let rank = focus.as_ref().and_then(|focus| grid.rank_of(focus.row_id));
    let column = match step {
        Step::Columns(n) => column.saturating_add_signed(*n).min(last_column),
        Step::FirstColumn => 0,
        Step::LastColumn => last_column,
        Step::Rows(_) | Step::FirstRow | Step::LastRow => column,
    };
    let target = match (step, rank) {
        (Step::FirstRow, _) => 0,
        (Step::LastRow, _) => last_rank,
        // Without a focus near by, the first step goes to what is on screen.
        (_, None) => grid.first_rank_in_view(),
        (Step::Rows(n), Some(rank)) => rank.saturating_add_signed(*n).min(last_rank),
        (_, Some(rank)) => rank,
    };
    let name = names[column].clone();
    let (panel, link) = model.link();
    leptos::task::spawn_local(async move {
        let found = link.window(panel, Anchor::Rank(target as f64), 1, Vec::new()).await;
        let Some(row_id) = found.and_then(|found| found.window.row_ids.first().copied()) else { return };
        grid.reveal(target);
        grid.reveal_column(&name);
        if extends {
            extend_to(model, row_id as u64, name);
        } else {
            model.selection.update(|selection| selection.select(row_id as u64, &name));
            if model.inspected.get_untracked().is_some() {
                model.inspected.set(Some(row_id as u64));
            }
        }
    });
}
