//! Home: every table with its rows, how fast they come and when the last came, kept up to date.

pub(crate) mod snippet;

use gloo_net::http::Request;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use wire::api::{API_PREFIX, TableInfo, TableList};

use self::snippet::Snippet;
use crate::app::Top;
use crate::search::Search;
use crate::state::text::{ago, bytes, count, rate};

/// How often the list is asked for, in milliseconds.
const POLL_MILLIS: u32 = 1000;

#[derive(Clone, PartialEq)]
enum Tables {
    Loading,
    Known(Vec<TableInfo>),
    /// The list cannot be had, and why.
    Missing(String),
}

async fn list() -> Tables {
    let known = async {
        let response = Request::get(&format!("{API_PREFIX}/tables")).send().await.map_err(|error| error.to_string())?;
        if !response.ok() {
            return Err(format!("it answered {} {}", response.status(), response.status_text()));
        }
        response.json::<TableList>().await.map_err(|error| error.to_string())
    };
    match known.await {
        Ok(list) => Tables::Known(list.tables),
        Err(reason) => Tables::Missing(reason),
    }
}

/// The page at `/`.
#[component]
pub(crate) fn Home() -> impl IntoView {
    document().set_title("StreamTable");
    let tables = RwSignal::new(Tables::Loading);
    let search = RwSignal::new(String::new());
    let now = RwSignal::new(js_sys::Date::now());
    let is_open = StoredValue::new(true);
    on_cleanup(move || {
        is_open.try_set_value(false);
    });
    leptos::task::spawn_local(async move {
        while is_open.try_get_value() == Some(true) {
            let known = list().await;
            if tables.try_get_untracked().is_some_and(|old| old != known) {
                tables.try_set(known);
            }
            now.try_set(js_sys::Date::now());
            TimeoutFuture::new(POLL_MILLIS).await;
        }
    });
    view! {
        <Top crumbs=Vec::new() />
        <main class="home">
            {move || match tables.get() {
                Tables::Loading => ().into_any(),
                Tables::Missing(reason) => view! { <Unreachable reason /> }.into_any(),
                Tables::Known(list) if list.is_empty() => view! { <NoTables /> }.into_any(),
                Tables::Known(list) => view! { <List list search now /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn List(list: Vec<TableInfo>, search: RwSignal<String>, now: RwSignal<f64>) -> impl IntoView {
    let n_tables = list.len();
    let mut list = list;
    // Tables that live come first, by name, so that they do not change places while they are watched.
    list.sort_by_key(|table| {
        let is_live = table.rows_per_second > 0.0;
        let last = if is_live { None } else { table.last_received_micros };
        (!is_live, std::cmp::Reverse(last), table.name.clone())
    });
    let rows = move || {
        let wanted = search.get().to_lowercase();
        let fitting: Vec<_> =
            list.iter().filter(|table| table.name.to_lowercase().contains(&wanted)).cloned().collect();
        match fitting.is_empty() {
            true => view! { <tr><td class="hint" colspan="6">"No table has that name."</td></tr> }.into_any(),
            false => fitting.into_iter().map(|table| view! { <TableRow table now /> }).collect_view().into_any(),
        }
    };
    view! {
        <div class="home-head">
            <h1>"Tables"<small>{count(n_tables as u64)}</small></h1>
            <Search wanted=search prompt="Find a table" />
        </div>
        <div class="table-box">
            <table data-testid="table-list">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="number">"Rows"</th>
                        <th scope="col" class="number">"Rows/s"</th>
                        <th scope="col" class="number wide-only">"Columns"</th>
                        <th scope="col" class="number wide-only">"On disk"</th>
                        <th scope="col" class="number">"Last row"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

#[component]
fn TableRow(table: TableInfo, now: RwSignal<f64>) -> impl IntoView {
    let (path, name) = table.name.rsplit_once('/').map_or(("", table.name.as_str()), |(path, name)| (path, name));
    let (path, name) = (format!("{path}/"), name.to_owned());
    let is_live = table.rows_per_second > 0.0;
    let received_millis = table.last_received_micros.map(|micros| micros as f64 / 1e3);
    let last = move || received_millis.map_or_else(|| "–".to_owned(), |millis| ago((now.get() - millis) / 1e3));
    view! {
        <tr data-testid="table-row" data-name=table.name.clone()>
            <td>
                <a href=format!("/table/{}", table.name)>
                    <span class="dot" class:live=is_live aria-hidden="true"></span>
                    <span class="path">{path}</span><b>{name}</b>
                </a>
            </td>
            <td class="number">{count(table.n_rows)}</td>
            <td class="number" class:live=is_live>{if is_live { rate(table.rows_per_second) } else { "–".to_owned() }}</td>
            <td class="number wide-only">{count(table.columns.len() as u64)}</td>
            <td class="number wide-only">{bytes(table.n_bytes)}</td>
            <td class="number">{last}</td>
        </tr>
    }
}

#[component]
fn NoTables() -> impl IntoView {
    view! {
        <div class="message">
            <h1>"No tables yet"</h1>
            <p>"A table is there as soon as a page logs its first row:"</p>
            <Snippet name="my_project/my_table".to_owned() />
            <p class="hint">
                "Or open the "<a href="/demo/">"demo page"</a>" and stream ten thousand orders into one."
            </p>
        </div>
    }
}

#[component]
fn Unreachable(reason: String) -> impl IntoView {
    view! {
        <div class="message" data-testid="unreachable">
            <h1>"The server does not answer"</h1>
            <p>"Start it with "<code>"cargo xtask serve"</code>"; this page goes on trying."</p>
            <p class="hint">{reason}</p>
        </div>
    }
}
