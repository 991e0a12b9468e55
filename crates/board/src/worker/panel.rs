//! A panel's view: what the page is told of it, and the windows it gives out.

use engine::{Table, View, ViewSpec};
use expr::{Expr, Query};
use model::{Offset, Timestamp};

use super::TableKey;
use super::followed::Followed;
use crate::protocol::{Anchor, ColumnFacts, PanelColumn, PanelState, ValueFact, WindowMessage};
use crate::state::conditions;

/// How many values a filter's list has at most.
const MAX_VALUES: usize = 200;

/// How many parts the histogram of a column has.
const N_BINS: usize = 48;

/// What a panel shows.
#[derive(Default)]
pub(super) struct Panel {
    shown: Option<Shown>,
    is_paused: bool,
    /// Revisions of the views that came before this one.
    revisions_before: u64,
    /// What the page was told last.
    told: PanelState,
}

struct Shown {
    key: TableKey,
    generation: u64,
    view: View,
    /// Where the table ended when the view took its rows in.
    next_offset: Offset,
}

impl Panel {
    /// The table that is shown.
    pub(super) fn key(&self) -> Option<&TableKey> {
        self.shown.as_ref().map(|shown| &shown.key)
    }

    /// Shows what a query asks for; the error is a sentence, and the panel shows nothing then.
    ///
    /// `now`, here and below, is in milliseconds.
    pub(super) fn show(&mut self, key: TableKey, followed: &Followed, query: &Query, now: f64) -> Result<(), String> {
        if let Some(shown) = self.shown.take() {
            self.revisions_before += shown.view.revision();
        }
        let spec = ViewSpec::of(query).map_err(|error| error.to_string())?;
        let view = view_of(&followed.table, spec, now)?;
        self.shown =
            Some(Shown { key, generation: followed.generation, view, next_offset: followed.table.next_offset() });
        // Whatever was told is told again.
        self.told = PanelState::default();
        Ok(())
    }

    /// Holds new rows back, or lets them in at the next look.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.is_paused = paused;
    }

    /// Whether its view changes as time goes by.
    pub(super) fn moves(&self) -> bool {
        !self.is_paused && self.shown.as_ref().is_some_and(|shown| !shown.view.spec().lasts.is_empty())
    }

    /// Whether the page shows rows to be coming.
    pub(super) fn shows_a_rate(&self) -> bool {
        self.told.rows_per_second > 0.0
    }

    /// Takes in new rows, moves windows and gives the panel's state, if it is another than the page knows.
    pub(super) fn news(&mut self, followed: &Followed, now: f64) -> Option<PanelState> {
        let (shown, table) = (self.shown.as_mut()?, &followed.table);
        if shown.generation != followed.generation {
            let spec = shown.view.spec().clone();
            self.revisions_before += shown.view.revision();
            shown.view = view_of(table, spec, now).ok()?;
            shown.generation = followed.generation;
            shown.next_offset = table.next_offset();
        } else if !self.is_paused {
            shown.view.advance(table, timestamp(now));
            shown.next_offset = table.next_offset();
        }
        let view = &shown.view;
        let columns = |columns: &[model::ColumnSchema]| {
            let column = |c: &model::ColumnSchema| PanelColumn { name: c.name.clone(), column_type: c.column_type };
            columns.iter().map(column).collect::<Vec<_>>()
        };
        let state = PanelState {
            revision: self.revisions_before + view.revision(),
            n_view_rows: view.n_rows() as u64,
            n_table_rows: table.n_rows() as u64,
            n_let_go: table.first_offset(),
            n_held_back: table.next_offset() - shown.next_offset,
            is_paused: self.is_paused,
            is_grouped: view.spec().is_grouped(),
            columns: columns(view.columns()),
            estimates: view.estimates(),
            row_columns: match view.spec().is_grouped() {
                true => columns(&view.spec().row_columns(table)),
                false => columns(view.columns()),
            },
            connection: followed.connection(),
            rows_per_second: followed.rate.per_second(now),
            memory_bytes: (table.memory_bytes() + view.memory_bytes()) as u64,
        };
        if state == self.told {
            return None;
        }
        self.told = state.clone();
        Some(state)
    }

    /// Rows of the view; `None` where nothing is shown.
    pub(super) fn window(
        &mut self,
        followed: &Followed,
        request: u32,
        anchor: Anchor,
        n_rows: u32,
        columns: &[String],
    ) -> Option<WindowMessage> {
        // Until the next look the view may still be one of the table before.
        let shown = self.shown.as_mut().filter(|shown| shown.generation == followed.generation)?;
        let (view, table) = (&mut shown.view, &followed.table);
        let n_rows = n_rows as usize;
        let first = match anchor {
            Anchor::Rank(rank) => rank as usize,
            Anchor::Row { row_id, n_above, else_rank } => {
                let rank = view.rank_of(table, row_id as u64);
                rank.map_or(else_rank as usize, |rank| rank.saturating_sub(n_above as usize))
            }
            Anchor::End => view.n_rows().saturating_sub(n_rows),
        };
        let mut window = view.window(table, first..first.saturating_add(n_rows), columns);
        window.revision += self.revisions_before;
        Some(WindowMessage { request, window })
    }

    /// The first rows of the view with columns that another query has; `None` where nothing is shown, or can be.
    pub(super) fn preview(
        &mut self,
        followed: &Followed,
        request: u32,
        query: &str,
        n_rows: u32,
        columns: &[String],
    ) -> Option<WindowMessage> {
        let shown = self.shown.as_mut().filter(|shown| shown.generation == followed.generation)?;
        let spec = ViewSpec::of(&expr::parse_query(query).ok()?).ok()?;
        Some(WindowMessage { request, window: shown.view.preview(&followed.table, &spec, columns, n_rows as usize) })
    }

    /// What a column of the rows holds; `None` where nothing is shown.
    pub(super) fn facts(&self, table: &Table, column: String) -> Option<ColumnFacts> {
        let shown = self.shown.as_ref()?;
        Some(facts(table, &shown.view.spec().row_column(&column), column))
    }

    /// Whether its view has put nothing off.
    pub(super) fn is_settled(&self) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.view.is_settled())
    }

    /// Does what its view has put off, unless it is of a table that was since thrown away.
    pub(super) fn settle(&mut self, followed: &Followed) {
        if let Some(shown) = self.shown.as_mut().filter(|shown| shown.generation == followed.generation) {
            shown.view.settle(&followed.table);
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
    let fact = |(value, n_rows): (model::Value, u64)| {
        let text = conditions::plain(&value);
        // What has no literal cannot be filtered by, and nulls have a filter of their own.
        let literal = if value.is_null() { None } else { Expr::literal(value) };
        Some(ValueFact { literal: literal?.to_string(), text, n_rows })
    };
    let range = table.range(of);
    ColumnFacts {
        range,
        histogram: range.map_or_else(Vec::new, |range| table.histogram(of, range, N_BINS)),
        values: values.into_iter().filter_map(fact).collect(),
        is_complete,
        column,
    }
}
