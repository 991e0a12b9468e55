//! The expression line: the panel's whole query as text, which can be typed over.

use leptos::html;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::fault::Fault;
use super::model::PanelModel;

/// The line. Enter takes what was typed, Escape goes back to what is shown.
#[component]
pub(crate) fn ExpressionLine(
    model: PanelModel,
    /// What was asked for and cannot be shown; it stands there to be mended.
    refused: RwSignal<Option<String>>,
) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let text = RwSignal::new(model.query.with_untracked(ToString::to_string));
    let fault = RwSignal::new(None);
    Effect::new(move |was_refused: Option<bool>| {
        let typed = refused.get();
        let is_refused = typed.is_some();
        if let Some(typed) = typed {
            fault.set(read(&typed, model).err());
            text.set(typed);
        } else if was_refused == Some(true) {
            text.set(model.query.with_untracked(ToString::to_string));
            fault.set(None);
        }
        is_refused
    });
    // What is clicked edits the query, and the line follows.
    Effect::new(move |known: Option<String>| {
        let query = model.query.with(ToString::to_string);
        if known.is_some_and(|known| known != query) {
            text.set(query.clone());
            fault.set(None);
        }
        query
    });
    let take = move || {
        let typed = text.get_untracked();
        match read(&typed, model) {
            Ok(query) => {
                fault.set(None);
                text.set(query.to_string());
                model.set_query(query);
            }
            Err(error) => fault.set(Some(error)),
        }
    };
    let reset = move || {
        text.set(model.query.with_untracked(ToString::to_string));
        fault.set(None);
    };
    let on_key = move |event: KeyboardEvent| match event.key().as_str() {
        "Enter" => take(),
        "Escape" => {
            reset();
            if let Some(input) = input.get_untracked() {
                // An input that cannot lose the focus keeps it.
                let _ = input.blur();
            }
        }
        _ => {}
    };
    let is_changed = move || model.query.with(ToString::to_string) != text.get();
    view! {
        <div class="expression" class:changed=is_changed>
            <span class="expression-mark" aria-hidden="true">"ƒ"</span>
            <input
                data-testid="expression"
                type="text"
                spellcheck="false"
                autocomplete="off"
                autocapitalize="off"
                aria-label="Expression of this panel"
                aria-invalid=move || fault.get().is_some().to_string()
                node_ref=input
                prop:value=move || text.get()
                on:input=move |event| text.set(event_target_value(&event))
                on:keydown=on_key
            />
            <Show when=is_changed>
                <kbd aria-hidden="true">"Enter"</kbd>
            </Show>
        </div>
        {move || {
            fault.get().map(|fault| view! {
                <div class="expression-error" data-testid="expression-error" role="alert">{fault.draw()}</div>
            })
        }}
    }
}

fn read(text: &str, model: PanelModel) -> Result<expr::Query, Fault> {
    let fault = |message: &str, at| Fault::of(text, message, at);
    let query = expr::parse_query(text).map_err(|error| fault(&error.message, error.at))?;
    if query.table != untrack(|| model.table()) {
        let table = untrack(|| model.table());
        return Err(fault(&format!("This panel shows table(\"{table}\"); open another table from the list."), 0..5));
    }
    if !query.ops.is_empty() {
        engine::ViewSpec::of(&query).map_err(|error| fault(&error.to_string(), 0..0))?;
    }
    Ok(query)
}
