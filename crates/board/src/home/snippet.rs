//! How to log a row, ready to be copied.

use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::panel::copy_icon;

/// The code that logs a first row to a table: of the server, or of this browser.
#[component]
pub(crate) fn Snippet(name: String, in_browser: bool) -> impl IntoView {
    let origin = crate::app::origin();
    let options = match origin.as_str() {
        _ if in_browser => ", {\n  server: null,\n}".to_owned(),
        // The default address need not be said.
        "http://127.0.0.1:7700" => String::new(),
        origin => format!(", {{\n  server: \"{origin}\",\n}}"),
    };
    let code = format!(
        "import {{ StreamTable }} from \"streamtable\";\n\nconst st = new StreamTable(\"{name}\"{options});\nst.log({{ step: 1, loss: 0.25 }});"
    );
    let copied = RwSignal::new(false);
    let text = StoredValue::new(code.clone());
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            let written = window().navigator().clipboard().write_text(&text.get_value());
            copied.set(JsFuture::from(written).await.is_ok());
        });
    };
    view! {
        <div class="snippet">
            <pre><code>{code}</code></pre>
            <button class="tool" on:click=copy>
                {copy_icon()}{move || if copied.get() { "Copied" } else { "Copy" }}
            </button>
        </div>
    }
}
