//! Copies what is selected: one row's focused cell, or several rows as tab-separated text under their names.

use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::time::local_time;
use crate::panel::model::PanelModel;
use crate::protocol::Anchor;
use crate::state::cell::{Shown, shown};

/// The most rows that are copied: the oldest of the selected.
const MAX_ROWS: usize = 10_000;

pub(super) fn copy(model: PanelModel, columns: Vec<String>) {
    let (mut rows, focus) = model.selection.with_untracked(|selection| (selection.rows(), selection.focus().cloned()));
    rows.sort_unstable();
    let (panel, link) = model.link();
    leptos::task::spawn_local(async move {
        let columns = match focus {
            Some(focus) if rows.len() == 1 => vec![focus.column],
            _ => columns,
        };
        let mut lines = Vec::new();
        for row_id in rows.iter().take(MAX_ROWS) {
            let anchor = Anchor::Row { row_id: *row_id as f64, n_above: 0.0, else_rank: f64::from(u32::MAX) };
            let Some(found) = link.window(panel, anchor, 1, columns.clone()).await else { return };
            if found.window.row_ids.first() == Some(&(*row_id as f64)) {
                let cells: Vec<String> = found.window.columns.iter().map(|column| text_of(&shown(column, 0))).collect();
                lines.push((found.window.first_rank, cells));
            }
        }
        lines.sort_by_key(|(rank, _)| *rank);
        let text = match &lines[..] {
            [] => return,
            [(_, cells)] if cells.len() == 1 => cells[0].clone(),
            lines => {
                let line = |cells: &[String]| cells.iter().map(|cell| in_a_line(cell)).collect::<Vec<_>>().join("\t");
                let all = std::iter::once(line(&columns)).chain(lines.iter().map(|(_, cells)| line(cells)));
                all.collect::<Vec<_>>().join("\n")
            }
        };
        // A browser that refuses the clipboard leaves it as it was.
        let _ = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
    });
}

/// A cell as text.
fn text_of(cell: &Shown<'_>) -> String {
    match cell {
        Shown::Null => String::new(),
        Shown::Bool(value) => value.to_string(),
        Shown::Number(text) => text.to_string(),
        Shown::Time(micros) => local_time(*micros),
        Shown::Text(text) | Shown::Code(text) | Shown::Picture(text) | Shown::Media(text) => (*text).to_owned(),
    }
}

/// A cell that does not break the line it stands in.
fn in_a_line(cell: &str) -> String {
    cell.replace(['\t', '\r', '\n'], " ")
}
