//! A panel's state: one query, and what the worker says of it. Every control is an edit of the query.

use expr::{Aggregate, AggregateOp, Expr, Query};
use leptos::prelude::*;
use model::{ColumnType, TableName};

use super::link::Link;
use super::popover::Popover;
use super::{MEMORY, param};
use crate::protocol::{ColumnFacts, FromWorker, PanelColumn, PanelId, PanelState, Place, ToWorker};
use crate::state::budget;
use crate::state::layout::Layout;
use crate::state::selection::Selection;

/// How many columns a new grouping tells the mean of.
const MEANS_OF_A_NEW_GROUPING: usize = 4;

/// A panel's state. Copies share it.
#[derive(Clone, Copy)]
pub(crate) struct PanelModel {
    link: StoredValue<Link, LocalStorage>,
    panel: StoredValue<PanelId>,
    place: StoredValue<Place>,
    /// What is shown.
    pub(crate) query: RwSignal<Query>,
    /// How the worker's view of it stands.
    pub(crate) state: RwSignal<PanelState>,
    /// Why nothing can be shown.
    pub(crate) fault: RwSignal<Option<String>>,
    /// Whether new rows are held back.
    pub(crate) is_paused: RwSignal<bool>,
    /// Whether the view stays at the newest row.
    pub(crate) is_tailing: RwSignal<bool>,
    /// Rows that came since the end of the table was last in view.
    pub(crate) n_unseen: RwSignal<u64>,
    /// Widths, and which columns are hidden or pinned.
    pub(crate) layout: RwSignal<Layout>,
    /// Selected rows and the focused cell.
    pub(crate) selection: RwSignal<Selection>,
    /// What the filter's column holds.
    pub(crate) facts: RwSignal<Option<ColumnFacts>>,
    /// The menu or editor that is open.
    pub(crate) popover: RwSignal<Option<Popover>>,
    /// The row that is shown in full.
    pub(crate) inspected: RwSignal<Option<u64>>,
    /// A column that was added and is to be scrolled to.
    pub(crate) added_column: RwSignal<Option<String>>,
}

impl PanelModel {
    /// A panel that shows `query` of a table that lives at `place`, until the reactive owner is gone.
    pub(crate) fn open(link: StoredValue<Link, LocalStorage>, place: Place, query: Query) -> Self {
        let model = Self {
            panel: StoredValue::new(0),
            link,
            place: StoredValue::new(place),
            query: RwSignal::new(query),
            state: RwSignal::default(),
            fault: RwSignal::new(None),
            is_paused: RwSignal::new(false),
            is_tailing: RwSignal::new(false),
            n_unseen: RwSignal::new(0),
            layout: RwSignal::default(),
            selection: RwSignal::default(),
            facts: RwSignal::new(None),
            popover: RwSignal::new(None),
            inspected: RwSignal::new(None),
            added_column: RwSignal::new(None),
        };
        let panel = link.with_value(|link| link.open(move |message| model.take(message)));
        model.panel.set_value(panel);
        if let Some(n_bytes) = param(MEMORY).and_then(|text| budget::of_text(&text)) {
            link.with_value(|link| link.send(&ToWorker::Budget { n_bytes }));
        }
        on_cleanup(move || link.with_value(|link| link.close(panel)));
        model.show();
        model
    }

    /// The panel's number, and the link to the worker.
    pub(crate) fn link(&self) -> (PanelId, Link) {
        (self.panel.get_value(), self.link.get_value())
    }

    /// Changes what is shown.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Query)) {
        let mut query = self.query.get_untracked();
        change(&mut query);
        self.set_query(query);
    }

    /// Shows something else.
    pub(crate) fn set_query(&self, query: Query) {
        let old = self.query.get_untracked();
        if query == old {
            return;
        }
        if query.group_by().is_some() || old.group_by().is_some() {
            // Ids of groups mean nothing in another view.
            self.selection.update(Selection::clear);
            self.inspected.set(None);
        }
        if !query.sort_keys().is_empty() || query.group_by().is_some() {
            self.is_tailing.set(false);
        }
        self.n_unseen.set(0);
        self.query.set(query);
        self.show();
    }

    /// Holds new rows back, or lets them in.
    pub(crate) fn set_paused(&self, paused: bool) {
        let (panel, link) = self.link();
        self.is_paused.set(paused);
        link.send(&ToWorker::Pause { panel, paused });
    }

    /// Asks what a column holds; [`PanelModel::facts`] will say.
    pub(crate) fn ask_facts(&self, column: String) {
        let (panel, link) = self.link();
        self.facts.set(None);
        link.send(&ToWorker::Facts { panel, column });
    }

    /// Whether the newest rows come last in the view, so that its end can be followed.
    pub(crate) fn is_in_order_of_arrival(&self) -> bool {
        self.query.with(|query| query.sort_keys().is_empty() && query.group_by().is_none())
    }

    /// Groups by the columns; a first grouping tells the count, and the means of the first numeric columns.
    pub(crate) fn group_by(&self, columns: &[&str]) {
        let row_columns = self.state.with_untracked(|state| state.row_columns.clone());
        self.edit(|query| {
            let is_first = query.group_by().is_none();
            query.set_group_by(columns);
            if is_first && !columns.is_empty() {
                query.set_aggregates(first_figures(&row_columns, columns));
            }
        });
    }

    /// The names of the columns that rows are grouped by, keys that are more than a column left out.
    pub(crate) fn group_columns(&self) -> Vec<String> {
        self.query.with(|query| {
            let keys = query.group_by().map(|(keys, _)| keys.to_vec()).unwrap_or_default();
            let column = |key: Expr| if let Expr::Column(name) = key { Some(name) } else { None };
            keys.into_iter().filter_map(column).collect()
        })
    }

    /// What a column of the view is computed from; `None` where it is the table's own.
    pub(crate) fn formula(&self, column: &str) -> Option<Expr> {
        let is_shown = self.query.with(|query| query.group_by().is_none())
            || self.group_columns().iter().any(|name| name == column);
        self.query.with(|query| {
            let found = query.computed_columns().into_iter().find(|known| known.name == column)?;
            // What a map keeps is not computed.
            let is_own = matches!(&found.expr, Expr::Column(name) if name == column);
            (is_shown && !is_own).then(|| found.expr.clone())
        })
    }

    /// The table's name.
    pub(crate) fn table(&self) -> TableName {
        self.query.with(|query| query.table.clone())
    }

    /// Whether the table lives in this browser.
    pub(crate) fn is_in_browser(&self) -> bool {
        self.place.with_value(|place| *place == Place::Browser)
    }

    /// The server that the table lives on.
    pub(crate) fn server(&self) -> Option<String> {
        self.place.with_value(|place| match place {
            Place::Server(base_url) => Some(base_url.clone()),
            Place::Browser => None,
        })
    }

    /// Where the table lives, for a person to read.
    pub(crate) fn place_text(&self) -> String {
        self.place.with_value(|place| match place {
            Place::Server(base_url) => format!("On the server at {}", base_url.split('#').next().unwrap_or_default()),
            Place::Browser => "In this browser".to_owned(),
        })
    }

    fn show(&self) {
        let (panel, link) = self.link();
        let expression = self.query.with_untracked(ToString::to_string);
        self.fault.set(None);
        link.send(&ToWorker::Show { panel, place: self.place.get_value(), expression });
    }

    fn take(&self, message: FromWorker) {
        match message {
            FromWorker::State { state, .. } => {
                // Only of a view that is shown is there a state.
                if self.fault.with_untracked(Option::is_some) {
                    self.fault.set(None);
                }
                self.forget_gone_rows(&state);
                self.state.set(state);
            }
            FromWorker::Fault { message, .. } => self.fault.set(Some(message)),
            FromWorker::Facts { facts, .. } => self.facts.set(Some(facts)),
            FromWorker::NoWindow { .. } => {}
        }
    }

    /// Selects no row that the table has no more: it let go of its oldest, or it is another table of that name.
    fn forget_gone_rows(&self, new: &PanelState) {
        let end = |state: &PanelState| state.n_let_go + state.n_table_rows;
        let (is_another, are_gone) =
            self.state.with_untracked(|old| (end(new) < end(old), new.n_let_go > old.n_let_go && !new.is_grouped));
        if is_another {
            self.selection.update(Selection::clear);
        } else if are_gone && self.selection.with_untracked(|known| known.reaches_before(new.n_let_go)) {
            self.selection.update(|selection| selection.forget_before(new.n_let_go));
        }
    }
}

fn first_figures(row_columns: &[PanelColumn], keys: &[&str]) -> Vec<Aggregate> {
    let is_numeric = |column: &&PanelColumn| matches!(column.column_type, ColumnType::Int | ColumnType::Float);
    let means = row_columns.iter().filter(is_numeric).filter(|column| !keys.contains(&column.name.as_str()));
    let means = means.take(MEANS_OF_A_NEW_GROUPING).map(|column| Aggregate::of(AggregateOp::Mean, &column.name));
    std::iter::once(Aggregate::count()).chain(means).collect()
}
