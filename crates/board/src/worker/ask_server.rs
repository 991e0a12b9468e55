//! What the worker asks a server once: what a column holds, and how other columns would look.

use engine::Window;
use model::TableName;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wire::api::{API_PREFIX, QueryRequest};
use wire::json::{decode_column_facts, decode_query_answer};

use super::local::{MAX_VALUES, N_BINS, value_facts};
use crate::protocol::ColumnFacts;
use crate::state::remote_view::window_of;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch, catch)]
    fn fetch(url: &str, init: &JsValue) -> Result<js_sys::Promise, JsValue>;

    type Answer;
    #[wasm_bindgen(method, getter)]
    fn ok(this: &Answer) -> bool;
    #[wasm_bindgen(method, catch)]
    fn text(this: &Answer) -> Result<js_sys::Promise, JsValue>;
}

/// The key, where there is one.
#[derive(Default, Serialize)]
struct Headers {
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<String>,
}

/// How a request is sent.
#[derive(Default, Serialize)]
struct Init {
    method: &'static str,
    headers: Headers,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// What a column of a query's rows holds; `None` where the server does not say.
pub(super) async fn column_facts(
    base_url: &str,
    name: &TableName,
    expression: &str,
    column: String,
) -> Option<ColumnFacts> {
    let [of, query] = [&*column, expression].map(js_sys::encode_uri_component);
    let path = format!("/tables/{name}/facts?bins={N_BINS}&values={MAX_VALUES}&column={of}&query={query}");
    let answer = ask(base_url, &path, Init { method: "GET", ..Init::default() }).await?;
    let (facts, values) = decode_column_facts(&answer).ok()?;
    let wire::api::ColumnFacts { range, histogram, is_complete } = facts;
    Some(ColumnFacts { column, range, histogram, values: value_facts(values), is_complete })
}

/// The first rows of a query's outcome; `None` where the server gives none.
pub(super) async fn first_rows(base_url: &str, query: String, n_rows: u32, columns: Vec<String>) -> Option<Window> {
    let rows = Some(u64::from(n_rows));
    let question = QueryRequest { query, rows, columns: Some(columns.clone()), ..QueryRequest::default() };
    let body = text_of(&question)?;
    let answer = ask(base_url, "/query", Init { method: "POST", body: Some(body), ..Init::default() }).await?;
    let (answer, rows) = decode_query_answer(&answer).ok()?;
    Some(window_of(&answer, &rows, &columns))
}

/// A request as JSON.
pub(super) fn text_of(question: &QueryRequest) -> Option<String> {
    // It is plain data, which always has a JavaScript form and a text.
    js_sys::JSON::stringify(&serde_wasm_bindgen::to_value(question).ok()?).ok().map(String::from)
}

/// Asks the server at this origin, which a `#` and a key may follow.
async fn ask(base_url: &str, path: &str, mut init: Init) -> Option<String> {
    let (base_url, key) = wire::key::split(base_url);
    init.headers.authorization = key.map(|key| format!("Bearer {key}"));
    let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
    let init = serde_wasm_bindgen::to_value(&init).ok()?;
    let answer = JsFuture::from(fetch(&format!("{base_url}{API_PREFIX}{path}"), &init).ok()?).await.ok()?;
    let answer: Answer = answer.unchecked_into();
    if !answer.ok() {
        return None;
    }
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}
