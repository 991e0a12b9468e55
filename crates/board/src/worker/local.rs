//! A view of a table that the worker holds.

use engine::{Table, View, ViewSpec, Window};
use expr::{Expr, Query};
use model::{Offset, Timestamp};

use super::followed::Followed;
use super::panel::Figures;
use super::source::panel_columns;
use crate::protocol::{Anchor, ColumnFacts, ValueFact, WindowMessage};
use crate::state::conditions;
use crate::state::remote_view::Ask;

/// How many values a filter's list has at most.
pub(super) const MAX_VALUES: usize = 200;
/// How many parts the histogram of a column has.
pub(super) const N_BINS: usize = 48;

pub(super) struct LocalView {
    generation: u64,
    view: View,
    /// Where the table ended when the view took its rows in.
    next_offset: Offset,
    /// Revisions of the views of tables that were thrown away.
    revisions_before: u64,
}

impl LocalView {
    /// A view of the rows there are; the error is a sentence.
    ///
    /// `now`, here and below, is in milliseconds.
    pub(super) fn new(followed: &Followed, query: &Query, now: f64) -> Result<Self, String> {
        let spec = ViewSpec::of(query).map_err(|error| error.to_string())?;
        let view = view_of(&followed.table, spec, now)?;
        let next_offset = followed.table.next_offset();
        Ok(Self { generation: followed.generation, view, next_offset, revisions_before: 0 })
    }

    /// Takes in new rows and moves windows, unless that is held back; says how the view stands then.
    pub(super) fn figures(&mut self, followed: &Followed, is_paused: bool, now: f64) -> Option<Figures> {
        let table = &followed.table;
        if self.generation != followed.generation {
            let spec = self.view.spec().clone();
            self.revisions_before += self.view.revision();
            self.view = view_of(table, spec, now).ok()?;
            self.generation = followed.generation;
            self.next_offset = table.next_offset();
        } else if !is_paused {
            self.view.advance(table, timestamp(now));
            self.next_offset = table.next_offset();
        }
        Some(Figures {
            revision: self.revision(),
            n_rows: self.view.n_rows() as u64,
            n_held_back: table.next_offset() - self.next_offset,
            is_grouped: self.is_grouped(),
            columns: panel_columns(self.view.columns()),
            row_columns: match self.is_grouped() {
                true => panel_columns(&self.view.spec().row_columns(table)),
                false => panel_columns(self.view.columns()),
            },
            estimates: self.view.estimates(),
        })
    }

    /// Rows of the view; `None` where it is of a table that was since thrown away.
    pub(super) fn window(&mut self, followed: &Followed, ask: &Ask) -> Option<WindowMessage> {
        // Until the next look the view may still be one of the table before.
        if self.generation != followed.generation {
            return None;
        }
        let (view, table) = (&mut self.view, &followed.table);
        let n_rows = ask.n_rows as usize;
        let first = match ask.anchor {
            Anchor::Rank(rank) => rank as usize,
            Anchor::Row { row_id, n_above, else_rank } => {
                let rank = view.rank_of(table, row_id as u64);
                rank.map_or(else_rank as usize, |rank| rank.saturating_sub(n_above as usize))
            }
            Anchor::End => view.n_rows().saturating_sub(n_rows),
        };
        let mut window = view.window(table, first..first.saturating_add(n_rows), &ask.columns);
        window.revision += self.revisions_before;
        Some(WindowMessage { request: ask.request, window })
    }

    /// The first rows of the view with columns that another query has; `None` where there are none, or it is no query.
    pub(super) fn preview(
        &mut self,
        followed: &Followed,
        query: &str,
        n_rows: u32,
        columns: &[String],
    ) -> Option<Window> {
        let spec = ViewSpec::of(&expr::parse_query(query).ok()?).ok()?;
        let is_of_table = self.generation == followed.generation;
        is_of_table.then(|| self.view.preview(&followed.table, &spec, columns, n_rows as usize))
    }

    /// What a column of the rows holds.
    pub(super) fn facts(&self, followed: &Followed, column: String) -> ColumnFacts {
        facts(&followed.table, &self.view.spec().row_column(&column), column)
    }

    /// Whether it changes as time goes by.
    pub(super) fn moves(&self) -> bool {
        !self.view.spec().lasts.is_empty()
    }

    /// Where the table ended when the view took its rows in.
    pub(super) fn next_offset(&self) -> Offset {
        self.next_offset
    }

    /// Whether its rows are groups.
    pub(super) fn is_grouped(&self) -> bool {
        self.view.spec().is_grouped()
    }

    /// Grows with every change.
    pub(super) fn revision(&self) -> u64 {
        self.revisions_before + self.view.revision()
    }

    /// What it takes, in bytes.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.view.memory_bytes() as u64
    }

    /// Whether it has put nothing off.
    pub(super) fn is_settled(&self) -> bool {
        self.view.is_settled()
    }

    /// Does what it has put off, unless it is of a table that was since thrown away.
    pub(super) fn settle(&mut self, followed: &Followed) {
        if self.generation == followed.generation {
            self.view.settle(&followed.table);
        }
    }
}

fn view_of(table: &Table, spec: ViewSpec, now: f64) -> Result<View, String> {
    View::new_within(table, spec, timestamp(now), usize::MAX).map_err(|error| error.to_string())
}

fn timestamp(millis: f64) -> Timestamp {
    Timestamp((millis * 1000.0) as i64)
}

/// What a column holds: its range, and its values if they are few enough to choose from.
fn facts(table: &Table, of: &Expr, column: String) -> ColumnFacts {
    let mut values = table.distinct(of, MAX_VALUES + 1);
    let is_complete = values.len() <= MAX_VALUES;
    values.truncate(MAX_VALUES);
    let range = table.range(of);
    ColumnFacts {
        range,
        histogram: range.map_or_else(Vec::new, |range| table.histogram(of, range, N_BINS)),
        values: value_facts(values),
        is_complete,
        column,
    }
}

/// Values as the page is told of them.
pub(super) fn value_facts(values: Vec<(model::Value, u64)>) -> Vec<ValueFact> {
    let fact = |(value, n_rows): (model::Value, u64)| {
        let text = conditions::plain(&value);
        // What has no literal cannot be filtered by, and nulls have a filter of their own.
        let literal = if value.is_null() { None } else { Expr::literal(value) };
        Some(ValueFact { literal: literal?.to_string(), text, n_rows })
    };
    values.into_iter().filter_map(fact).collect()
}
