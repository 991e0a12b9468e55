//! `GET /metrics`: the server's figures for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::metrics::{CONTENT_TYPE, Looked};
use crate::state::AppState;

pub(super) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let tables = state.journal().tables();
    let looked = Looked {
        is_ready: state.check_ready().is_ok(),
        n_tables: tables.len(),
        n_rows: tables.iter().map(|table| table.next_offset - table.first_offset).sum(),
        n_stored_bytes: tables.iter().map(|table| table.n_bytes).sum(),
        n_query_bytes: state.queries().n_bytes(),
        n_imports: state.limits().max_imports.saturating_sub(state.imports().available_permits()),
    };
    ([(header::CONTENT_TYPE, CONTENT_TYPE), (header::CACHE_CONTROL, "no-store")], state.metrics().text(looked))
}
