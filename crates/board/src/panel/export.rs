//! The menu that exports rows: links to the server, which writes the file, or forms where there is a key.

use std::time::Duration;

use leptos::prelude::*;

use super::model::PanelModel;

/// The formats by the name the server has for them.
const FORMATS: [(&str, &str); 5] =
    [("CSV", "csv"), ("JSON", "json"), ("NDJSON", "ndjson"), ("Arrow", "arrow"), ("Parquet", "parquet")];

/// A link for each format, to the rows and columns that are shown or to everything.
#[component]
pub(crate) fn ExportMenu(model: PanelModel, base_url: String) -> impl IntoView {
    let is_all = RwSignal::new(false);
    let (base_url, key) = wire::key::split(&base_url);
    let what = if key.is_some() { "export" } else { "rows" };
    let address = StoredValue::new(format!("{base_url}/api/v1/tables/{}/{what}?download=true&format=", model.table()));
    let key = StoredValue::new(key.map(str::to_owned));
    let segment = move |label: &'static str, all: bool| {
        view! {
            <button class="segment" aria-pressed=move || (is_all.get() == all).to_string() on:click=move |_| is_all.set(all)>
                {label}
            </button>
        }
    };
    let link = move |(label, format): (&'static str, &'static str)| {
        let href = move || {
            let shown = if is_all.get() { String::new() } else { shown_params(model) };
            format!("{}{format}{shown}", address.get_value())
        };
        // A page of another address opens the server's answer apart, so that a fault takes no page's place.
        match key.get_value() {
            None => view! {
                <a class="item" href=href download="" target="_blank" on:click=move |_| model.popover.set(None)>{label}</a>
            }
            .into_any(),
            // A link can send no header, and a key must not stand in an address. A form that is gone sends nothing, so the menu
            // goes after it.
            Some(key) => view! {
                <form method="post" action=href target="_blank" on:submit=move |_| set_timeout(move || model.popover.set(None), Duration::ZERO)>
                    <input type="hidden" name="key" value=key />
                    <button class="item">{label}</button>
                </form>
            }
            .into_any(),
        }
    };
    view! {
        <p class="popover-title">"Export rows"</p>
        <div class="segments" role="group" aria-label="Which rows">{segment("What is shown", false)}{segment("Everything", true)}</div>
        <div class="items" data-testid="export-formats">{FORMATS.map(link).collect_view()}</div>
    }
}

/// The filters, and the columns where some are hidden. Groups, sorting and computed columns are of the view alone: the file has
/// the table's rows, and what is filtered by a computed column is filtered by what that is computed from.
fn shown_params(model: PanelModel) -> String {
    let mut params = String::new();
    let mut add = |name: &str, value: &str| {
        params.push_str(&format!("&{name}={}", js_sys::encode_uri_component(value)));
    };
    let spec = model.query.with(engine::ViewSpec::of).unwrap_or_default();
    let filters: Vec<String> = spec.filters.iter().map(|filter| format!("({filter})")).collect();
    if !filters.is_empty() {
        add("filter", &filters.join(" && "));
    }
    let is_hidden = |name: &str| model.layout.with(|layout| layout.is_hidden(name));
    let names =
        model.state.with(|state| state.row_columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
    let is_own = |name: &str| *spec.row_column(name) == expr::Expr::column(name);
    let shown: Vec<&str> = names.iter().map(String::as_str).filter(|name| !is_hidden(name) && is_own(name)).collect();
    // The address separates names by commas, so a name with one cannot be asked for.
    if shown.len() < names.len() && !shown.is_empty() && !shown.iter().any(|name| name.contains(',')) {
        add("columns", &shown.join(","));
    }
    params
}
