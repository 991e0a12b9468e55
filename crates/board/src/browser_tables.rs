//! The tables that live in this browser. `browser_tables.js`, which page and worker load before their wasm, is built of the
//! npm package's own TypeScript, so that one code knows how they are stored.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(js_namespace = browserTables)]
extern "C" {
    #[wasm_bindgen(js_name = listTables, catch)]
    async fn js_list() -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = deleteTable, catch)]
    async fn js_delete(name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(js_name = followTable, catch)]
    fn js_follow(name: &str, from: f64, take: &Closure<dyn Fn(News)>) -> Result<js_sys::Function, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// A line of the list.
    type ListedTable;
    #[wasm_bindgen(method, getter)]
    fn name(this: &ListedTable) -> String;
    #[wasm_bindgen(method, getter)]
    fn id(this: &ListedTable) -> String;
    #[wasm_bindgen(method, getter, js_name = nRows)]
    fn n_rows(this: &ListedTable) -> f64;
    #[wasm_bindgen(method, getter, js_name = nColumns)]
    fn n_columns(this: &ListedTable) -> f64;
    #[wasm_bindgen(method, getter, js_name = nBytes)]
    fn n_bytes(this: &ListedTable) -> f64;
    #[wasm_bindgen(method, getter, js_name = lastReceived)]
    fn last_received(this: &ListedTable) -> f64;

    /// What following a table brings.
    pub(crate) type News;
    /// `hello`, `rows` or `lost`.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn kind(this: &News) -> String;
    /// Of `hello`.
    #[wasm_bindgen(method, getter, js_name = nextOffset)]
    pub(crate) fn next_offset(this: &News) -> f64;
    /// Of `rows`.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn chunk(this: &News) -> JsChunk;
    /// Of `lost`.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn reason(this: &News) -> String;

    /// Rows that came together.
    pub(crate) type JsChunk;
    #[wasm_bindgen(method, getter, js_name = firstOffset)]
    pub(crate) fn first_offset(this: &JsChunk) -> f64;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn lines(this: &JsChunk) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn writer(this: &JsChunk) -> String;
    #[wasm_bindgen(method, getter, js_name = firstSeq)]
    pub(crate) fn first_seq(this: &JsChunk) -> f64;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn received(this: &JsChunk) -> f64;
}

/// What is known of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BrowserTable {
    /// `entity/project/table`.
    pub(crate) name: String,
    /// Tells the table from one of its name that was deleted before.
    pub(crate) id: String,
    /// How many rows there are.
    pub(crate) n_rows: u64,
    /// How many columns.
    pub(crate) n_columns: u64,
    /// The size of the rows, in bytes.
    pub(crate) n_bytes: u64,
    /// When the last row came, in microseconds since 1970-01-01T00:00:00Z.
    pub(crate) last_received_micros: i64,
}

/// The tables by name; the error is a sentence.
pub(crate) async fn list() -> Result<Vec<BrowserTable>, String> {
    let tables: js_sys::Array = js_list().await.map_err(|error| sentence(&error))?.unchecked_into();
    let table = |table: JsValue| {
        let table: ListedTable = table.unchecked_into();
        BrowserTable {
            name: table.name(),
            id: table.id(),
            n_rows: table.n_rows() as u64,
            n_columns: table.n_columns() as u64,
            n_bytes: table.n_bytes() as u64,
            last_received_micros: table.last_received() as i64,
        }
    };
    Ok(tables.iter().map(table).collect())
}

/// Deletes a table with its rows; the error is a sentence.
pub(crate) async fn delete(name: &str) -> Result<(), String> {
    js_delete(name).await.map(drop).map_err(|error| sentence(&error))
}

/// A table that is followed. Dropping it ends that.
#[must_use = "dropping it ends the following"]
pub(crate) struct Following {
    end: js_sys::Function,
    /// Called for as long as `end` was not.
    _take: Closure<dyn Fn(News)>,
}

impl Drop for Following {
    fn drop(&mut self) {
        // It takes listeners off, which cannot fail.
        let _ = self.end.call0(&JsValue::NULL);
    }
}

/// Follows a table from its first row on. The error, a sentence, is that of a page that lacks the script.
pub(crate) fn follow(name: &str, take: impl Fn(News) + 'static) -> Result<Following, String> {
    let take = Closure::<dyn Fn(News)>::new(take);
    let end = js_follow(name, 0.0, &take).map_err(|error| sentence(&error))?;
    Ok(Following { end, _take: take })
}

fn sentence(error: &JsValue) -> String {
    let message = js_sys::Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    message.unwrap_or_else(|| "an unknown error".to_owned())
}
