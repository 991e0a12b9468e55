//! One row in full: every column, long texts whole, pictures large.

use leptos::prelude::*;

use super::grid::local_time;
use super::icons;
use super::model::PanelModel;
use crate::protocol::Anchor;
use crate::state::cell::{Shown, shown};
use crate::state::text::count;

#[component]
pub(crate) fn Inspector(model: PanelModel) -> impl IntoView {
    let cells = RwSignal::new(Vec::<(String, AnyCell)>::new());
    Effect::new(move |_| {
        let Some(row_id) = model.inspected.get() else { return cells.set(Vec::new()) };
        let columns = model.state.with_untracked(|s| s.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
        let (panel, link) = model.link();
        leptos::task::spawn_local(async move {
            let anchor = Anchor::Row { row_id: row_id as f64, n_above: 0.0, else_rank: f64::from(u32::MAX) };
            let Some(found) = link.window(panel, anchor, 1, columns).await else { return };
            // Meanwhile another row may have been opened.
            if model.inspected.get_untracked() == Some(row_id) && found.window.row_ids == [row_id as f64] {
                let of = |column: &engine::WindowColumn| (column.name.clone(), AnyCell::of(&shown(column, 0)));
                cells.set(found.window.columns.iter().map(of).collect());
            }
        });
    });
    let fields = move || {
        let field = |(name, cell): (String, AnyCell)| view! { <dt>{name}</dt><dd>{cell.draw()}</dd> };
        cells.get().into_iter().map(field).collect_view()
    };
    view! {
        <Show when=move || model.inspected.get().is_some()>
            <aside class="inspector" data-testid="inspector" aria-label="Row in full">
                <header>
                    <b>{move || model.inspected.get().map(|row_id| format!("Row {}", count(row_id)))}</b>
                    <button class="tool small" aria-label="Close" on:click=move |_| model.inspected.set(None)>
                        {icons::close()}
                    </button>
                </header>
                <dl>{fields}</dl>
            </aside>
        </Show>
    }
}

/// A cell that outlives its window.
#[derive(Clone, PartialEq)]
struct AnyCell {
    class: &'static str,
    text: String,
}

impl AnyCell {
    fn of(cell: &Shown<'_>) -> Self {
        let (class, text) = match cell {
            Shown::Null => ("null", "empty".to_owned()),
            Shown::Bool(value) => ("bool", value.to_string()),
            Shown::Number(text) => ("number", text.to_string()),
            Shown::Time(micros) => ("time", local_time(*micros)),
            Shown::Text(text) => ("text", (*text).to_owned()),
            Shown::Code(text) => ("code", (*text).to_owned()),
            Shown::Picture(url) => ("picture", (*url).to_owned()),
            Shown::Media(mime) => ("media", (*mime).to_owned()),
        };
        Self { class, text }
    }

    fn draw(self) -> AnyView {
        match self.class {
            "picture" => view! { <img src=self.text alt="" /> }.into_any(),
            class => view! { <span class=class>{self.text}</span> }.into_any(),
        }
    }
}
