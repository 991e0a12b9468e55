//! The page's frame: its two addresses and the bar on top.
//!
//! A link loads the page anew. Nothing is lost by that (a panel's query stands in its address), and going back shows
//! a page as it was left.

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::home::Home;
use crate::host::Host;
use crate::panel::{Link, TablePage};
use crate::protocol::Place;
use crate::theme::ThemeButton;

const WHERE_TITLE: &str = "This table is kept in this browser's storage: other browsers and devices do not see it.";

/// The board; or, where another page holds it, the panel that is asked for.
#[component]
pub fn App() -> impl IntoView {
    if let Some(host) = Host::find() {
        provide_context(StoredValue::new_local(Link::over(host.worker())));
        return view! { <TablePage name=host.table() /> }.into_any();
    }
    let path = window().location().pathname().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [] => view! { <Home /> }.into_any(),
        ["table", entity, project, table] => {
            provide_context(StoredValue::new_local(Link::start()));
            view! { <TablePage name=[entity, project, table].join("/") /> }.into_any()
        }
        _ => view! { <NotFound /> }.into_any(),
    }
}

#[component]
fn NotFound() -> impl IntoView {
    view! {
        <Top crumbs=Vec::new() />
        <main class="message">
            <h1>"Nothing here"</h1>
            <p>"A table's address reads /table/entity/project/table."</p>
            <a class="button" href="/">"All tables"</a>
        </main>
    }
}

/// The bar on top of every page; the crumbs are the parts of a table's name.
#[component]
pub(crate) fn Top(
    crumbs: Vec<String>,
    /// Whether the table lives in this browser.
    #[prop(optional)]
    in_browser: bool,
) -> impl IntoView {
    let n_crumbs = crumbs.len();
    let crumb = move |(idx, name): (usize, String)| {
        let class = if idx + 1 == n_crumbs { "crumb last" } else { "crumb" };
        view! { <span class=class>{name}</span> }
    };
    view! {
        <header class="top">
            <a class="brand" href="/"><img src="/icon.svg" alt="" width="20" height="20" /><span>"StreamTable"</span></a>
            <nav class="crumbs" aria-label="Table">{crumbs.into_iter().enumerate().map(crumb).collect_view()}</nav>
            {in_browser.then(|| view! { <span class="badge" data-testid="place" title=WHERE_TITLE>"In this browser"</span> })}
            <span class="stretch"></span>
            <a class="quiet wide-only" href="/demo/" target="_blank">"Demo"</a>
            <ThemeButton />
        </header>
    }
}

#[wasm_bindgen]
extern "C" {
    /// The key of the link by which this tab was opened.
    #[wasm_bindgen(thread_local_v2, js_name = boardKey)]
    static KEY: Option<String>;
}

/// The key to read with, where there is one.
pub(crate) fn key() -> Option<String> {
    Host::find().map_or_else(|| KEY.with(Clone::clone), |host| host.key())
}

/// The server as a place of tables.
pub(crate) fn server_place() -> Place {
    Place::Server(key().map_or_else(origin, |key| format!("{}#{key}", origin())))
}

/// Where the server answers: where the page came from, unless the page that holds the panel says another place.
pub(crate) fn origin() -> String {
    let said = Host::find().and_then(|host| host.server());
    said.unwrap_or_else(|| window().location().origin().unwrap_or_default())
}
