//! Copies what is selected: one row's focused cell, or several rows as tab-separated text under their names.

use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::time::local_time;
use crate::panel::model::PanelModel;
use crate::protocol::Anchor;
use crate::state::cell::{Shown, shown};

/// The most rows that are copied: the oldest of the selected.
const MAX_ROWS: usize = 10_000;
/// The most rows that are asked for at a time.
const MAX_ROWS_AT_A_TIME: u32 = 256;

pub(super) fn copy(model: PanelModel, columns: Vec<String>) {
    let (mut rows, focus) = model.selection.with_untracked(|selection| (selection.rows(), selection.focus().cloned()));
    rows.sort_unstable();
    let (panel, link) = model.link();
    leptos::task::spawn_local(async move {
        let columns = match focus {
            Some(focus) if rows.len() == 1 => vec![focus.column],
            _ => columns,
        };
        let (mut lines, mut n_rows) = (Vec::new(), 1);
        rows.truncate(MAX_ROWS);
        while let Some(&row_id) = rows.first() {
            let anchor = Anchor::Row { row_id: row_id as f64, n_above: 0.0, else_rank: f64::from(u32::MAX) };
            let Some(found) = link.window(panel, anchor, n_rows, columns.clone()).await else { return };
            let window = found.window;
            for (place, id) in window.row_ids.iter().enumerate() {
                if rows.binary_search(&(*id as u64)).is_ok() {
                    let cells: Vec<String> =
                        window.columns.iter().map(|column| text_of(&shown(column, place))).collect();
                    lines.push((window.first_rank + place as u64, cells));
                }
            }
            let n_before = rows.len();
            rows.retain(|known| *known != row_id && !window.row_ids.contains(&(*known as f64)));
            let is_run = n_before - rows.len() == window.row_ids.len();
            // Where rows that stand together are selected, more of them are asked for at a time.
            n_rows = if is_run { (n_rows * 2).min(MAX_ROWS_AT_A_TIME) } else { 1 };
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
