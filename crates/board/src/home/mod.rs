//! Home: every table with its rows, how fast they come and when the last came, kept up to date. The server's come first,
//! then those that live in this browser; where no server answers they are all there is.

mod line;
mod list;
pub(crate) mod snippet;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;

use self::line::{BrowserLines, Line, NoList, of_server};
use self::list::List;
use self::snippet::Snippet;
use crate::app::{Top, server_place};
use crate::protocol::Place;
use crate::search::Search;
use crate::state::text::count;

/// How often the lists are asked for, in milliseconds.
const POLL_MILLIS: u32 = 1000;
/// The longest wait until a server that does not answer is asked again, in milliseconds. The wait doubles up to it: whoever
/// forwards such questions, or watches the console, sees each of them fail.
const MAX_POLL_MILLIS: u32 = 16_000;

/// A list, or why there is none; nothing before it was first asked for.
type Known = Option<Result<Vec<Line>, NoList>>;

/// Asks for both lists until the page is gone.
fn keep_asking(server: RwSignal<Known>, browser: RwSignal<Known>, now: RwSignal<f64>) {
    let tell = move |signal: RwSignal<Known>, known| {
        if signal.try_get_untracked().is_some_and(|old| old.as_ref() != Some(&known)) {
            signal.try_set(Some(known));
        }
        now.try_set(js_sys::Date::now()).is_none()
    };
    leptos::task::spawn_local(async move {
        let mut wait = POLL_MILLIS;
        loop {
            let known = of_server().await;
            wait = if known.is_ok() { POLL_MILLIS } else { MAX_POLL_MILLIS.min(wait * 2) };
            if !tell(server, known) {
                return;
            }
            TimeoutFuture::new(wait).await;
        }
    });
    leptos::task::spawn_local(async move {
        let mut lines = BrowserLines::default();
        while tell(browser, lines.look().await) {
            TimeoutFuture::new(POLL_MILLIS).await;
        }
    });
}

/// The page at `/`.
#[component]
pub(crate) fn Home() -> impl IntoView {
    document().set_title("StreamTable");
    let (server, browser) = (RwSignal::new(None), RwSignal::new(None));
    let search = RwSignal::new(String::new());
    let now = RwSignal::new(js_sys::Date::now());
    keep_asking(server, browser, now);
    let lines = |known: RwSignal<Known>| {
        Memo::new(move |_| {
            known.with(|known| known.as_ref().and_then(|known| known.as_ref().ok()).cloned()).unwrap_or_default()
        })
    };
    let (of_server, of_browser) = (lines(server), lines(browser));
    // A server that asks for a key is one.
    let refused = move || server.with(|known| known.clone()?.err().filter(|why| why.is_refused).map(|why| why.reason));
    let has_server =
        Memo::new(move |_| server.with(|known| known.as_ref().map(Result::is_ok)).map(|ok| ok || refused().is_some()));
    let has_tables = move |lines: Memo<Vec<Line>>| !lines.with(Vec::is_empty);
    let n_tables = move || of_server.with(Vec::len) + of_browser.with(Vec::len);
    let is_known = move || has_server.get().is_some() && browser.with(Option::is_some);
    view! {
        <Top crumbs=Vec::new() />
        <main class="home">
            <Show when=move || { n_tables() > 0 }>
                <div class="home-head">
                    <h1>"Tables"<small>{move || count(n_tables() as u64)}</small></h1>
                    <Search wanted=search prompt="Find a table" />
                </div>
            </Show>
            <Show when=move || has_tables(of_server)>
                <section class="of-server" aria-label="On the server">
                    <Show when=move || has_tables(of_browser)>
                        <SectionHead title="On the server" hint="" />
                    </Show>
                    <List lines=of_server place=server_place() search now />
                </section>
            </Show>
            <Show when=move || has_tables(of_browser)>
                <section class="of-browser" aria-label="In this browser">
                    <SectionHead title="In this browser" hint="Logged by pages of this address and kept in this browser alone." />
                    <List lines=of_browser place=Place::Browser search now />
                </section>
            </Show>
            {move || refused().map(|reason| view! { <div class="message"><h1>"Not allowed"</h1><p role="alert">{reason}</p></div> })}
            <Show when=move || is_known() && n_tables() == 0 && refused().is_none()>
                <NoTables has_server browser />
            </Show>
            <Show when=move || has_server.get() == Some(false) && has_tables(of_browser)>
                <NoServer server />
            </Show>
        </main>
    }
}

/// Why there is no list, where there is none.
fn why_none(known: &Known) -> Option<String> {
    known.as_ref()?.as_ref().err().map(|why| why.reason.clone())
}

#[component]
fn SectionHead(title: &'static str, hint: &'static str) -> impl IntoView {
    view! {
        <div class="section-head">
            <h2>{title}</h2>
            <p class="hint">{hint}</p>
        </div>
    }
}

#[component]
fn NoTables(has_server: Memo<Option<bool>>, browser: RwSignal<Known>) -> impl IntoView {
    let in_browser = move || has_server.get() == Some(false);
    let refused = move || browser.with(why_none);
    view! {
        <div class="message">
            <h1>"No tables yet"</h1>
            <p>{move || match in_browser() {
                true => "No server answers here, and none is needed to begin: a table can live in this browser. It is there as soon as a page of this address logs its first row:",
                false => "A table is there as soon as a page logs its first row:",
            }}</p>
            {move || view! { <Snippet name="my_project/my_table".to_owned() in_browser=in_browser() /> }}
            <p class="hint">
                "Or open the "<a href="/demo/">"demo page"</a>" and stream ten thousand orders into one."
            </p>
            {move || in_browser().then(|| view! { <p class="hint" data-testid="no-server">{how_to_start()}</p> })}
            {move || refused().map(|reason| view! { <p class="hint bad" role="alert">{reason}</p> })}
        </div>
    }
}

/// Says quietly that no server answers.
#[component]
fn NoServer(server: RwSignal<Known>) -> impl IntoView {
    let reason = move || server.with(why_none);
    view! {
        <p class="hint no-server" data-testid="no-server" title=reason>"No server answers here. "{how_to_start()}</p>
    }
}

fn how_to_start() -> impl IntoView {
    view! {
        "To share tables and keep them outside this browser, start a server with "<code>"cargo run --release"</code>"; this page goes on looking."
    }
}
