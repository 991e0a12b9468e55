//! What the worker asks a server once: what a column holds.

use model::TableName;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wire::api::API_PREFIX;
use wire::json::decode_column_facts;

use super::local::{MAX_VALUES, N_BINS, value_facts};
use crate::protocol::ColumnFacts;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch, catch)]
    fn fetch(url: &str) -> Result<js_sys::Promise, JsValue>;

    type Answer;
    #[wasm_bindgen(method, getter)]
    fn ok(this: &Answer) -> bool;
    #[wasm_bindgen(method, catch)]
    fn text(this: &Answer) -> Result<js_sys::Promise, JsValue>;
}

/// What a column holds; `None` where the server does not say.
pub(super) async fn column_facts(base_url: &str, name: &TableName, column: String) -> Option<ColumnFacts> {
    let encoded = js_sys::encode_uri_component(&column);
    let path = format!("/tables/{name}/facts?bins={N_BINS}&values={MAX_VALUES}&column={encoded}");
    let (facts, values) = decode_column_facts(&get(base_url, &path).await?).ok()?;
    let wire::api::ColumnFacts { range, histogram, is_complete } = facts;
    Some(ColumnFacts { column, range, histogram, values: value_facts(values), is_complete })
}

async fn get(base_url: &str, path: &str) -> Option<String> {
    let base_url = base_url.strip_suffix('/').unwrap_or(base_url);
    let answer = JsFuture::from(fetch(&format!("{base_url}{API_PREFIX}{path}")).ok()?).await.ok()?;
    let answer: Answer = answer.unchecked_into();
    if !answer.ok() {
        return None;
    }
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}
