//! A list of tables, each line a link to its panel. Those of this browser can be deleted.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::line::Line;
use crate::browser_tables;
use crate::panel::trash_icon;
use crate::protocol::Place;
use crate::state::text::{ago, bytes, count, counted, rate};

/// The list. What the person searches for narrows it.
#[component]
pub(super) fn List(
    lines: Memo<Vec<Line>>,
    place: Place,
    search: RwSignal<String>,
    /// In milliseconds since 1970.
    now: RwSignal<f64>,
) -> impl IntoView {
    let in_browser = place == Place::Browser;
    let fault = RwSignal::new(None::<String>);
    let names = Memo::new(move |_| {
        let wanted = search.get().to_lowercase();
        let mut fitting = lines.get();
        fitting.retain(|line| line.name.to_lowercase().contains(&wanted));
        // Tables that live come first, by name, so that they do not change places while they are watched.
        fitting.sort_by_cached_key(|line| {
            let last = if line.is_live() { None } else { line.last_received_micros };
            (!line.is_live(), std::cmp::Reverse(last), line.name.clone())
        });
        fitting.into_iter().map(|line| line.name).collect::<Vec<_>>()
    });
    view! {
        <div class="table-box">
            <table data-testid=if in_browser { "browser-list" } else { "table-list" }>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="number">"Rows"</th>
                        <th scope="col" class="number">"Rows/s"</th>
                        <th scope="col" class="number wide-only">"Columns"</th>
                        <th scope="col" class="number wide-only">{if in_browser { "Size" } else { "On disk" }}</th>
                        <th scope="col" class="number">"Last row"</th>
                        {in_browser.then(|| view! { <th class="actions"><span class="unseen">"Delete"</span></th> })}
                    </tr>
                </thead>
                <tbody>
                    <For each=move || names.get() key=Clone::clone let(name)>
                        <TableRow name lines in_browser fault now />
                    </For>
                    <Show when=move || names.with(Vec::is_empty)>
                        <tr><td class="hint" colspan="7">"No table has that name."</td></tr>
                    </Show>
                </tbody>
            </table>
        </div>
        {move || fault.get().map(|fault| view! { <p class="bad" role="alert">{fault}</p> })}
    }
}

#[component]
fn TableRow(
    name: String,
    lines: Memo<Vec<Line>>,
    in_browser: bool,
    fault: RwSignal<Option<String>>,
    now: RwSignal<f64>,
) -> impl IntoView {
    let full = StoredValue::new(name.clone());
    let line = Memo::new(move |_| {
        let of_name = |lines: &Vec<Line>| lines.iter().find(|line| full.with_value(|name| *name == line.name)).cloned();
        lines.with(of_name).unwrap_or_default()
    });
    let (path, last) = name.rsplit_once('/').unwrap_or(("", &name));
    let (path, last) = (format!("{path}/"), last.to_owned());
    let href = format!("/table/{name}{}", if in_browser { "?in=browser" } else { "" });
    let is_live = move || line.with(Line::is_live);
    let last_row = move || {
        let received_millis = line.with(|line| line.last_received_micros).map(|micros| micros as f64 / 1e3);
        received_millis.map_or_else(|| "–".to_owned(), |millis| ago((now.get() - millis) / 1e3))
    };
    view! {
        <tr data-testid="table-row" data-name=name>
            <td>
                <a href=href title=name.clone()>
                    <span class="dot" class:live=is_live aria-hidden="true"></span>
                    <span class="path">{path}</span><b>{last}</b>
                </a>
            </td>
            <td class="number">{move || count(line.with(|line| line.n_rows))}</td>
            <td class="number" class:live=is_live>
                {move || if is_live() { rate(line.with(|line| line.rows_per_second)) } else { "–".to_owned() }}
            </td>
            <td class="number wide-only">{move || count(line.with(|line| line.n_columns))}</td>
            <td class="number wide-only">{move || bytes(line.with(|line| line.n_bytes))}</td>
            <td class="number">{last_row}</td>
            {in_browser.then(|| view! { <td class="actions"><DeleteButton name=full line fault /></td> })}
        </tr>
    }
}

/// Deletes the table at the second press; until then nothing is lost.
#[component]
fn DeleteButton(name: StoredValue<String>, line: Memo<Line>, fault: RwSignal<Option<String>>) -> impl IntoView {
    let is_asked = RwSignal::new(false);
    let press = move |_| {
        if !is_asked.get_untracked() {
            is_asked.set(true);
            return;
        }
        is_asked.set(false);
        let name = name.get_value();
        leptos::task::spawn_local(async move {
            let failed = browser_tables::delete(&name).await.err();
            // The page may be gone by then.
            fault.try_set(failed.map(|reason| format!("{name} was not deleted: {reason}.")));
        });
    };
    let leave = move || is_asked.set(false);
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            leave();
        }
    };
    let label = move || format!("Delete {}", name.get_value());
    view! {
        <button
            class="tool small"
            class:danger=is_asked
            data-testid="delete-table"
            title=label
            aria-label=move || if is_asked.get() { format!("{}: press again to delete it", label()) } else { label() }
            on:click=press
            on:blur=move |_| leave()
            on:keydown=on_key
        >
            {move || match is_asked.get() {
                true => format!("Delete {}?", counted(line.with(|line| line.n_rows), "row")).into_any(),
                false => trash_icon().into_any(),
            }}
        </button>
    }
}
