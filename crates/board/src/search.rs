//! A field that narrows a list.

use leptos::prelude::*;

/// The field; `wanted` is what was typed.
#[component]
pub(crate) fn Search(wanted: RwSignal<String>, prompt: &'static str) -> impl IntoView {
    view! {
        <input
            type="search"
            placeholder=prompt
            aria-label=prompt
            prop:value=move || wanted.get()
            on:input=move |event| wanted.set(event_target_value(&event))
        />
    }
}
