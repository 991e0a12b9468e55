//! What a list of tables shows, and where it is asked for: at the server, or in this browser.

use std::collections::HashMap;

use gloo_net::http::Request;
use wire::api::{API_PREFIX, ErrorBody, TableInfo, TableList};

use crate::app::key;
use crate::browser_tables::{self, BrowserTable};
use crate::state::rate::Rate;

/// A table as a line of the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// `entity/project/table`.
    pub(super) name: String,
    pub(super) n_rows: u64,
    pub(super) rows_per_second: f64,
    pub(super) n_columns: u64,
    pub(super) n_bytes: u64,
    /// In microseconds since 1970-01-01T00:00:00Z.
    pub(super) last_received_micros: Option<i64>,
}

impl Line {
    /// Whether rows are coming.
    pub(super) fn is_live(&self) -> bool {
        self.rows_per_second > 0.0
    }
}

impl From<TableInfo> for Line {
    fn from(table: TableInfo) -> Self {
        Self {
            n_rows: table.n_rows,
            rows_per_second: table.rows_per_second,
            n_columns: table.columns.len() as u64,
            n_bytes: table.n_bytes,
            last_received_micros: table.last_received_micros,
            name: table.name,
        }
    }
}

/// Why there is no list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NoList {
    /// A sentence.
    pub(super) reason: String,
    /// Whether for want of a key that allows it.
    pub(super) is_refused: bool,
}

impl From<String> for NoList {
    fn from(reason: String) -> Self {
        Self { reason, is_refused: false }
    }
}

/// The server's tables.
pub(super) async fn of_server() -> Result<Vec<Line>, NoList> {
    let mut request = Request::get(&format!("{API_PREFIX}/tables"));
    if let Some(key) = key() {
        request = request.header("authorization", &format!("Bearer {key}"));
    }
    let response = request.send().await.map_err(|error| error.to_string())?;
    if !response.ok() {
        if let Ok(ErrorBody { error }) = response.json().await {
            return Err(NoList { reason: error.message, is_refused: wire::key::is_refusal(&error.code) });
        }
        return Err(format!("the answer is {} {}", response.status(), response.status_text()).into());
    }
    let list: TableList = response.json().await.map_err(|_| "the answer is not one of a server".to_owned())?;
    Ok(list.tables.into_iter().map(Line::from).collect())
}

/// The tables of this browser, and how fast they grow from one look to the next.
#[derive(Default)]
pub(super) struct BrowserLines {
    /// By the table's id: how many rows there were at the last look.
    seen: HashMap<String, (u64, Rate)>,
}

impl BrowserLines {
    /// Looks again.
    pub(super) async fn look(&mut self) -> Result<Vec<Line>, NoList> {
        let tables = browser_tables::list().await?;
        self.seen.retain(|id, _| tables.iter().any(|table| table.id == *id));
        let now = js_sys::Date::now();
        Ok(tables.into_iter().map(|table| self.line(table, now)).collect())
    }

    fn line(&mut self, table: BrowserTable, now: f64) -> Line {
        let (n_seen, rate) = self.seen.entry(table.id).or_insert_with(|| (table.n_rows, Rate::default()));
        let n_new = table.n_rows - std::mem::replace(n_seen, table.n_rows);
        if n_new > 0 {
            rate.add(now, n_new);
        }
        Line {
            name: table.name,
            n_rows: table.n_rows,
            rows_per_second: rate.per_second(now),
            n_columns: table.n_columns,
            n_bytes: table.n_bytes,
            last_received_micros: Some(table.last_received_micros),
        }
    }
}
