//! What tables there are.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::ColumnSchema;
use wire::api::{ColumnInfo, TableInfo, TableList};

use super::access::Caller;
use super::error::ApiError;
use super::params::{TablePath, table_name};
use crate::clock::now_micros;
use crate::journal::TableState;
use crate::keys::Right;
use crate::state::AppState;

pub(super) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<TableList>, ApiError> {
    let (tables, access) = (state.journal().tables(), caller.access()?);
    let readable = tables.iter().filter(|table| access.check(Right::Read, &table.name).is_ok());
    Ok(Json(TableList { tables: readable.map(|table| describe(&state, table)).collect() }))
}

pub(super) async fn info(State(state): State<AppState>, path: TablePath) -> Result<Json<TableInfo>, ApiError> {
    let name = table_name(path)?;
    let table = state.journal().table(&name).ok_or(ApiError::UnknownTable(name))?;
    Ok(Json(describe(&state, &table)))
}

/// Deletes a table with all that is known of it.
pub(super) async fn delete(State(state): State<AppState>, path: TablePath) -> Result<StatusCode, ApiError> {
    let name = table_name(path)?;
    if !state.journal().delete(&name).await? {
        return Err(ApiError::UnknownTable(name));
    }
    tracing::info!(table = %name, "a table was deleted");
    Ok(StatusCode::NO_CONTENT)
}

fn describe(state: &AppState, table: &TableState) -> TableInfo {
    let column = |column: &ColumnSchema| ColumnInfo {
        name: column.name.clone(),
        column_type: column.column_type.name().to_owned(),
    };
    TableInfo {
        name: table.name.to_string(),
        n_rows: table.next_offset - table.first_offset,
        first_offset: table.first_offset,
        n_bytes: table.n_bytes,
        rows_per_second: state.rates().rows_per_second(&table.name, now_micros()),
        last_received_micros: table.last_received_micros,
        columns: table.schema.columns().iter().map(column).collect(),
    }
}
