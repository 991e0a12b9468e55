//! A table's panel: the expression line, the chips, the grid and the line below.

mod column_editor;
mod export;
mod expression;
mod fault;
mod filter_editor;
mod footer;
mod grid;
mod histogram;
mod hosted;
mod icons;
mod inspector;
mod last_editor;
mod link;
mod menus;
mod model;
mod popover;
mod toolbar;

use ::model::TableName;
use expr::Query;
use leptos::prelude::*;
use model::PanelModel;
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

use self::expression::ExpressionLine;
use self::footer::Footer;
use self::grid::GridView;
use self::inspector::Inspector;
pub(crate) use self::link::Link;
use self::popover::PopoverLayer;
use self::toolbar::{NewRows, Toolbar};
use crate::app::{Top, server_place};
use crate::home::snippet::Snippet;
use crate::host::Host;
use crate::protocol::Place;

pub(crate) use self::icons::{copy as copy_icon, theme as theme_icon, trash as trash_icon};

/// What an address says of a table that lives in this browser, as its `in`.
const IN_BROWSER: &str = "browser";

/// What an address says of the memory that tables may take, such as `512MB`.
const MEMORY: &str = "memory";

/// The page of one table, as its address says: `/table/{entity}/{project}/{table}?e={expression}`; of one that lives in this
/// browser `…?in=browser&e={expression}`; with `&embed` without the bar on top, with `&memory=512MB` within that
/// budget. A page that holds the panel says all that instead.
#[component]
pub(crate) fn TablePage(name: String) -> impl IntoView {
    match TableName::parse(&name) {
        Ok(name) => {
            let (place, typed) = match Host::find() {
                Some(host) => (host.server().map_or(Place::Browser, |_| server_place()), host.expression()),
                None if param("in").as_deref() == Some(IN_BROWSER) => (Place::Browser, param("e")),
                None => (server_place(), param("e")),
            };
            view! { <Panel name place typed /> }.into_any()
        }
        Err(error) => view! {
            <Top crumbs=Vec::new() />
            <main class="message">
                <h1>"No such table"</h1>
                <p>{error.to_string()}</p>
                <a class="button" href="/">"All tables"</a>
            </main>
        }
        .into_any(),
    }
}

/// A parameter of the address.
fn param(name: &str) -> Option<String> {
    UrlSearchParams::new_with_str(&window().location().search().ok()?).ok()?.get(name)
}

/// The query that an address asks for; all rows where it asks for nothing, or for what cannot be shown here.
fn query_of(name: &TableName, typed: Option<&str>) -> Result<Query, Query> {
    let rows = Query::rows(name.clone());
    let Some(typed) = typed else { return Ok(rows) };
    expr::parse_query(typed).ok().filter(|query| query.table == *name).ok_or(rows)
}

#[component]
fn Panel(name: TableName, place: Place, typed: Option<String>) -> impl IntoView {
    let link = expect_context::<StoredValue<Link, LocalStorage>>();
    let query = query_of(&name, typed.as_deref());
    let refused = RwSignal::new(if query.is_err() { typed } else { None });
    let model = PanelModel::open(link, place, query.unwrap_or_else(|rows| rows));
    let host = Host::find();
    let is_bare = host.is_some() || param("embed").is_some();
    let crumbs = vec![name.entity().to_owned(), name.project().to_owned(), name.table().to_owned()];
    let heading = name.to_string();
    let title = format!("{} · StreamTable", name.table());
    document().set_title(&title);
    match host {
        Some(host) => hosted::follow(host, model, name.clone(), refused),
        None => mirror_in_address(model, name.clone(), refused.with_untracked(Option::is_some)),
    }

    let has_rows_op = move || model.query.with(|query| !query.ops.is_empty());
    let is_empty = move || model.state.with(|state| state.n_table_rows == 0);
    let has_no_match =
        move || model.state.with(|state| state.n_table_rows > state.n_held_back && state.n_view_rows == 0);
    let name = StoredValue::new(name);
    view! {
        {(!is_bare).then(|| view! { <Top crumbs in_browser=model.is_in_browser() /> })}
        <main class="panel">
            <h1 class="unseen">{heading}</h1>
            <ExpressionLine model refused />
            <Show when=has_rows_op>
                <Toolbar model />
            </Show>
            <div class="panel-body">
                <div class="grid-box">
                    <Show when=has_rows_op fallback=move || view! { <NameOnly name=name.get_value() model /> }>
                        <GridView model />
                        <Show when=is_empty>
                            <FirstRow model name=name.get_value() />
                        </Show>
                        <Show when=has_no_match>
                            <div class="over-grid">
                                <p>"No row passes the filters."</p>
                                <button class="button" on:click=move |_| clear_filters(model)>"Remove the filters"</button>
                            </div>
                        </Show>
                        <NewRows model />
                    </Show>
                    {move || model.fault.get().filter(|_| has_rows_op()).map(|fault| view! { <div class="fault" role="alert">{fault}</div> })}
                </div>
                <Inspector model />
            </div>
            <Show when=has_rows_op>
                <Footer model />
            </Show>
        </main>
        <PopoverLayer model />
    }
}

fn clear_filters(model: PanelModel) {
    model.edit(|query| {
        for idx in (0..query.filters().len()).rev() {
            query.remove_filter(idx);
        }
        query.ops.retain(|op| !matches!(op, expr::Op::Last(_)));
    });
}

/// Keeps the address so that it opens the panel as it is. One that cannot be shown stays until something is chosen.
fn mirror_in_address(model: PanelModel, name: TableName, is_refused: bool) {
    let embed = param("embed").map(|_| "embed".to_owned());
    let memory = param(MEMORY).map(|text| format!("{MEMORY}={}", js_sys::encode_uri_component(&text)));
    Effect::new(move |known: Option<Query>| {
        let query = model.query.get();
        if is_refused && known.as_ref().is_none_or(|known| *known == query) {
            return query;
        }
        let place = model.is_in_browser().then(|| format!("in={IN_BROWSER}"));
        let is_all = query == Query::rows(name.clone());
        let shown = (!is_all).then(|| format!("e={}", js_sys::encode_uri_component(&query.to_string())));
        let params =
            place.into_iter().chain(embed.clone()).chain(memory.clone()).chain(shown).collect::<Vec<_>>().join("&");
        let address = format!("/table/{name}{}{params}", if params.is_empty() { "" } else { "?" });
        if let Ok(history) = window().history() {
            // A browser that refuses (too many changes at once) keeps the address of a moment ago.
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
        }
        query
    });
}

/// What a panel shows of a table that has no rows yet.
#[component]
fn FirstRow(model: PanelModel, name: TableName) -> impl IntoView {
    use crate::protocol::Connection;
    let connection = Memo::new(move |_| model.state.with(|state| state.connection.clone()));
    let in_browser = model.is_in_browser();
    let opening = if in_browser { "Opening the table…" } else { "Connecting to the server…" };
    let is_remote = move || model.state.with(|state| state.on_server_bytes.is_some());
    let lost = move || match (in_browser, is_remote()) {
        (true, _) => "The table cannot be read",
        (false, true) => "The server cannot show the table",
        (false, false) => "The server does not answer",
    };
    let opening = move || if is_remote() { "The server reads the table…" } else { opening };
    let who = if in_browser { "a page of this address logs them" } else { "a page logs them" };
    move || match connection.get() {
        Connection::Connecting | Connection::CatchingUp { .. } => {
            view! { <div class="over-grid quiet"><p>{opening()}</p></div> }.into_any()
        }
        Connection::Lost { reason, is_refused } => view! {
            <div class="over-grid">
                <h2>{if is_refused { "The server does not allow it" } else { lost() }}</h2>
                <p>{reason}</p>
                <p class="hint">"The board goes on trying."</p>
            </div>
        }
        .into_any(),
        Connection::Deleted => view! {
            <div class="over-grid">
                <h2>"The table was deleted"</h2>
                <p>"Rows that are logged to it from now on make it anew, and appear here."</p>
            </div>
        }
        .into_any(),
        Connection::Live => view! {
            <div class="over-grid">
                <h2>"Waiting for the first row"</h2>
                <p>"Rows appear here the moment "{who}"."</p>
                <Snippet name=name.to_string() in_browser />
            </div>
        }
        .into_any(),
    }
}

/// A table without `.rows()`: its names.
#[component]
fn NameOnly(name: TableName, model: PanelModel) -> impl IntoView {
    let rows = name.clone();
    view! {
        <div class="over-grid">
            <dl class="names">
                <dt>"Entity"</dt><dd>{name.entity().to_owned()}</dd>
                <dt>"Project"</dt><dd>{name.project().to_owned()}</dd>
                <dt>"Table"</dt><dd>{name.table().to_owned()}</dd>
            </dl>
            <button class="button" on:click=move |_| model.set_query(Query::rows(rows.clone()))>"Show its rows"</button>
        </div>
    }
}
