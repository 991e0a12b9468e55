//! The editor of a moving window: how far back, from a list or as it is typed. Whatever is chosen applies at once.

use expr::Span;
use leptos::prelude::*;

use super::filter_editor::radio;
use super::model::PanelModel;

/// The spans that are offered.
const OFFERED: [&str; 7] = ["1m", "5m", "15m", "1h", "6h", "24h", "7d"];

/// Chooses the window by a column of times, or none.
#[component]
pub(crate) fn LastEditor(model: PanelModel, column: String) -> impl IntoView {
    let known = {
        let column = column.clone();
        move || {
            let span_of =
                |query: &expr::Query| query.lasts().iter().find(|last| last.column == column).map(|last| last.span);
            model.query.with(span_of)
        }
    };
    let chosen = Memo::new(move |_| known().map(|span| span.to_string()));
    let typed = RwSignal::new(chosen.get_untracked().unwrap_or_default());
    let column = StoredValue::new(column);
    let choose = move |text: &str| {
        typed.set(text.to_owned());
        let span = Span::parse(text);
        if span.is_some() || text.is_empty() {
            model.edit(|query| column.with_value(|column| query.set_last(column, span)));
        }
    };
    let is_wrong = move || typed.with(|text| !text.is_empty() && Span::parse(text).is_none());
    let offered = OFFERED.iter().filter_map(|text| Some((*text, Span::parse(text)?))).map(|(text, span)| {
        let is_chosen = Box::new(move || chosen.with(|chosen| chosen.as_deref() == Some(text)));
        radio(format!("Last {}", span.words()), is_chosen, Box::new(move || choose(text)))
    });
    view! {
        <div class="items">{offered.collect::<Vec<_>>()}</div>
        <label class="field">
            <span>"Another span"</span>
            <input
                type="text"
                placeholder="90s"
                aria-invalid=move || is_wrong().then_some("true")
                prop:value=move || typed.get()
                on:input=move |event| choose(event_target_value(&event).trim())
            />
        </label>
        <p class="hint" class:bad=is_wrong role="status">
            {move || match is_wrong() {
                true => "A span is a whole number and ms, s, m, h, d or w.",
                false => "Rows leave as they grow older.",
            }}
        </p>
    }
}
