//! Light, dark, or as the system is: remembered in this browser.

use leptos::prelude::*;

use crate::panel::theme_icon;

const KEY: &str = "streamtable-theme";
const THEMES: [&str; 3] = ["system", "light", "dark"];

fn remembered() -> Option<String> {
    window().local_storage().ok()??.get_item(KEY).ok()?
}

fn apply(theme: &str) {
    if let Some(root) = document().document_element() {
        // `data-theme` is a valid name, and a missing attribute is as good as a removed one.
        let _ = if theme == "system" {
            root.remove_attribute("data-theme")
        } else {
            root.set_attribute("data-theme", theme)
        };
    }
}

/// A button that goes from one theme to the next.
#[component]
pub(crate) fn ThemeButton() -> impl IntoView {
    let known = remembered().and_then(|known| THEMES.into_iter().find(|theme| *theme == known)).unwrap_or(THEMES[0]);
    let theme = RwSignal::new(known);
    apply(known);
    let next = move |_| {
        let place = THEMES.iter().position(|known| *known == theme.get_untracked()).unwrap_or_default();
        let next = THEMES[(place + 1) % THEMES.len()];
        theme.set(next);
        apply(next);
        if let Ok(Some(storage)) = window().local_storage() {
            // Where nothing can be stored the choice holds for this page.
            let _ = storage.set_item(KEY, next);
        }
    };
    view! {
        <button
            class="tool small"
            data-testid="theme"
            aria-label=move || format!("Theme: {}", theme.get())
            title=move || format!("Theme: {}", theme.get())
            on:click=next
        >
            {theme_icon()}
        </button>
    }
}
