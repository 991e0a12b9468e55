//! Gathers the rows of a request to batches, and names those that cannot be stored.

use std::collections::HashSet;
use std::sync::Arc;

use model::{Batch, BatchBuilder, Row, Schema, Seq};
use wire::WireError;
use wire::api::Refusal;

use super::error::ApiError;
use crate::journal::MAX_BATCH_CELLS;

/// A request with more bad rows than this is no mishap, and its answer would be larger than itself.
const MAX_REFUSALS: usize = 10_000;

/// Gathers rows.
#[derive(Debug)]
pub(super) struct Gather {
    max_columns: usize,
    /// The columns the table has, and after them those that this request adds.
    known: Arc<Schema>,
    added: HashSet<String>,
    builder: BatchBuilder,
    builder_columns: HashSet<String>,
    batches: Vec<Batch>,
    refused: Vec<Refusal>,
    n_rows: u64,
    /// The number of the first row.
    first_seq: Option<Seq>,
    seqs: Vec<Seq>,
}

/// Rows that can be stored, and their numbers where they have some.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) batches: Vec<Batch>,
    pub(super) seqs: Vec<Seq>,
}

impl Gather {
    /// Gathers rows for a table that has the columns of `known`, and may have `max_columns`.
    pub(super) fn new(max_columns: usize, known: Arc<Schema>) -> Self {
        Self {
            max_columns,
            known,
            added: HashSet::new(),
            builder: BatchBuilder::default(),
            builder_columns: HashSet::new(),
            batches: Vec::new(),
            refused: Vec::new(),
            n_rows: 0,
            first_seq: None,
            seqs: Vec::new(),
        }
    }

    /// Says which number the first row has, before there is one.
    pub(super) fn number_from(&mut self, first_seq: Option<Seq>) {
        self.first_seq = first_seq;
    }

    /// How many rows came, the refused ones included.
    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// The number of the last row that came.
    ///
    /// # Errors
    /// When it is past what a table can hold.
    pub(super) fn last_seq(&self) -> Result<Seq, ApiError> {
        let last = (self.first_seq.unwrap_or(1) - 1).checked_add(self.n_rows);
        let last = last.filter(|last| i64::try_from(*last).is_ok());
        Ok(last.ok_or_else(|| WireError::Header("seq is past 2^63".to_owned()))?)
    }

    /// Takes a row, or notes why not.
    pub(super) fn push(&mut self, row: Result<Row, WireError>) -> Result<(), ApiError> {
        let index = self.n_rows;
        self.n_rows += 1;
        let Err((code, message)) = self.try_push(index, row) else {
            return Ok(());
        };
        if self.refused.len() == MAX_REFUSALS {
            return Err(ApiError::TooManyRefused(MAX_REFUSALS));
        }
        self.refused.push(Refusal { index, code: code.to_owned(), message });
        Ok(())
    }

    fn try_push(&mut self, index: u64, row: Result<Row, WireError>) -> Result<(), (&'static str, String)> {
        let max_columns = self.max_columns;
        let row = row.map_err(|error| (error.code(), error.to_string()))?;
        self.add(index, row).map_err(|column| {
            let message = format!("column {column:?} is new, and the table may have {max_columns} columns at most");
            ("too_many_columns", message)
        })
    }

    /// Takes a row in, or gives back the column that is one too many.
    fn add(&mut self, idx: u64, row: Row) -> Result<(), String> {
        let news = |(_, (name, _)): &(usize, (&str, &model::Value))| !self.builder_columns.contains(*name);
        let new_here: Vec<(usize, String)> =
            row.iter().enumerate().filter(news).map(|(place, (name, _))| (place, name.to_owned())).collect();
        if !new_here.is_empty() {
            let new_to_table = |(place, name): &&(usize, String)| {
                self.known.index_near(*place, name).is_none() && !self.added.contains(name)
            };
            let new_names: Vec<String> = new_here.iter().filter(new_to_table).map(|(_, name)| name.clone()).collect();
            let n_free = self.max_columns.saturating_sub(self.known.columns().len() + self.added.len());
            if let Some(column) = new_names.get(n_free) {
                return Err(column.clone());
            }
            self.added.extend(new_names);
            // Rows that share few columns would make a batch that grows with their number squared.
            let n_columns = self.builder_columns.len() + new_here.len();
            if self.builder.n_rows() > 0 && (self.builder.n_rows() + 1) * n_columns > MAX_BATCH_CELLS {
                self.cut();
                self.builder_columns.extend(row.iter().map(|(name, _)| name.to_owned()));
            } else {
                self.builder_columns.extend(new_here.into_iter().map(|(_, name)| name));
            }
        }
        self.builder.push_row(row);
        if (self.builder.n_rows() + 1) * self.builder_columns.len() > MAX_BATCH_CELLS {
            self.cut();
        }
        if let Some(first) = self.first_seq {
            self.seqs.push(first.saturating_add(idx));
        }
        Ok(())
    }

    fn cut(&mut self) {
        self.builder_columns.clear();
        self.batches.push(std::mem::take(&mut self.builder).finish());
    }

    /// What was gathered since the last time.
    pub(super) fn take(&mut self) -> Gathered {
        if self.builder.n_rows() > 0 {
            self.cut();
        }
        Gathered { batches: std::mem::take(&mut self.batches), seqs: std::mem::take(&mut self.seqs) }
    }

    /// The rows that cannot be stored.
    pub(super) fn into_refused(self) -> Vec<Refusal> {
        self.refused
    }
}
