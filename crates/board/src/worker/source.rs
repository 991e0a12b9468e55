//! Where a panel's rows come from: a table that the worker holds, or one that the server answers for.

use model::ColumnSchema;

use super::followed::Followed;
use super::remote::RemoteTable;
use crate::protocol::{Connection, PanelColumn};

/// A table. Panels do not know where it is, beyond what they tell their reader.
pub(super) enum Source {
    /// Held by the worker.
    Local(Followed),
    /// Held by the server.
    Remote(RemoteTable),
}

impl Source {
    /// How many rows there are, and how many the table had before those.
    pub(super) fn n_rows(&self) -> (u64, u64) {
        match self {
            Source::Local(followed) => (followed.table.n_rows() as u64, followed.table.first_offset()),
            Source::Remote(table) => (table.n_rows(), table.first_offset()),
        }
    }

    /// How the link stands.
    pub(super) fn connection(&self) -> Connection {
        match self {
            Source::Local(followed) => followed.connection(),
            Source::Remote(table) => table.connection(),
        }
    }

    /// Rows a second; `now` in milliseconds.
    pub(super) fn rows_per_second(&self, now: f64) -> f64 {
        match self {
            Source::Local(followed) => followed.rate.per_second(now),
            Source::Remote(table) => table.rows_per_second(now),
        }
    }

    /// What it takes in the worker, in bytes.
    pub(super) fn memory_bytes(&self) -> u64 {
        if let Source::Local(followed) = self { followed.table.memory_bytes() as u64 } else { 0 }
    }

    /// What it would take, where the server answers for it, in bytes.
    pub(super) fn on_server_bytes(&self) -> Option<u64> {
        if let Source::Remote(table) = self { Some(table.expected_bytes()) } else { None }
    }
}

/// Columns as the page knows them.
pub(super) fn panel_columns(columns: &[ColumnSchema]) -> Vec<PanelColumn> {
    let column = |c: &ColumnSchema| PanelColumn { name: c.name.clone(), column_type: c.column_type };
    columns.iter().map(column).collect()
}
