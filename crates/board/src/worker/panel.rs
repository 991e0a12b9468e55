//! A panel: its view, wherever that is kept, what the page is told of it, and the windows it is given.

use expr::Query;
use streamtable::web::query::QueryEvent;

use super::TableKey;
use super::local::LocalView;
use super::remote::RemotePanel;
use super::source::Source;
use crate::protocol::{Connection, PanelColumn, PanelState, WindowMessage};
use crate::state::remote_view::{Ask, RemoteView};

/// What a panel shows.
#[derive(Default)]
pub(super) struct Panel {
    shown: Option<Shown>,
    is_paused: bool,
    /// Revisions of the views that came before this one.
    revisions_before: u64,
    /// What the page was told last, and whether that still counts.
    told: PanelState,
    is_told: bool,
    /// The answers that the page has not got yet, and the requests that get none.
    ready: Vec<WindowMessage>,
    given_up: Vec<u32>,
}

struct Shown {
    key: TableKey,
    /// What is shown, as it was written.
    expression: String,
    view: PanelView,
}

/// Where the view is kept.
enum PanelView {
    Local(LocalView),
    Remote(RemotePanel),
}

/// How a view stands.
pub(super) struct Figures {
    pub(super) revision: u64,
    pub(super) n_rows: u64,
    pub(super) n_held_back: u64,
    pub(super) is_grouped: bool,
    pub(super) columns: Vec<PanelColumn>,
    pub(super) row_columns: Vec<PanelColumn>,
    pub(super) estimates: Vec<String>,
}

/// The worker's memory, in bytes: what is used, and what may be.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    pub(super) used: u64,
    pub(super) budget: u64,
}

impl Panel {
    /// The table that is shown.
    pub(super) fn key(&self) -> Option<&TableKey> {
        self.shown.as_ref().map(|shown| &shown.key)
    }

    /// Shows what a query asks for, which is also given as it was written; the error is a sentence, and the panel shows nothing
    /// then. `connect` makes a view on the server.
    ///
    /// `now`, here and below, is in milliseconds.
    pub(super) fn show(
        &mut self,
        key: TableKey,
        source: &Source,
        (query, expression): (&Query, &str),
        now: f64,
        connect: impl FnOnce(RemoteView) -> RemotePanel,
    ) -> Result<(), String> {
        let before = self.shown.take();
        let is_grouped = query.group_by().is_some();
        self.is_told = false;
        let view = match (source, before) {
            (Source::Remote(_), Some(Shown { key: known, view: PanelView::Remote(mut remote), .. }))
                if known == key =>
            {
                remote.view.show(expression.to_owned(), is_grouped);
                remote.send();
                PanelView::Remote(remote)
            }
            (source, before) => {
                let is_of_table = before.as_ref().is_some_and(|shown| shown.key == key);
                if !is_of_table {
                    self.told = PanelState::default();
                }
                let waiting = self.end(before);
                let mut view = match source {
                    Source::Local(followed) => PanelView::Local(LocalView::new(followed, query, now)?),
                    Source::Remote(_) => {
                        let mut view = RemoteView::new(expression.to_owned(), is_grouped, None);
                        view.set_paused(self.is_paused);
                        PanelView::Remote(connect(view))
                    }
                };
                ask_all(&mut view, waiting, &mut self.given_up);
                view
            }
        };
        self.shown = Some(Shown { key, expression: expression.to_owned(), view });
        Ok(())
    }

    /// The server answers from now on for the table that is shown: the view moves there, with what is held back.
    pub(super) fn move_to_server(&mut self, connect: impl FnOnce(RemoteView) -> RemotePanel) {
        if let Some(Shown { key, expression, view: PanelView::Local(local) }) = self.shown.take() {
            let paused_at = self.is_paused.then(|| local.next_offset());
            self.revisions_before += local.revision();
            let view = RemoteView::new(expression.clone(), local.is_grouped(), paused_at);
            self.shown = Some(Shown { key, expression, view: PanelView::Remote(connect(view)) });
        }
    }

    /// Ends the panel: what was asked gets no answer.
    pub(super) fn close(mut self) -> Vec<u32> {
        let before = self.shown.take();
        let waiting = self.end(before);
        self.given_up.into_iter().chain(waiting.into_iter().map(|ask| ask.request)).collect()
    }

    /// Holds new rows back, or lets them in at the next look.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.is_paused = paused;
        if let Some(Shown { view: PanelView::Remote(remote), .. }) = &mut self.shown {
            remote.view.set_paused(paused);
            remote.send();
        }
    }

    /// Whether its view changes here as time goes by.
    pub(super) fn moves(&self) -> bool {
        !self.is_paused
            && self.shown.as_ref().is_some_and(|shown| matches!(&shown.view, PanelView::Local(view) if view.moves()))
    }

    /// Whether the page shows rows to be coming.
    pub(super) fn shows_a_rate(&self) -> bool {
        self.told.rows_per_second > 0.0
    }

    /// What the view takes in the worker, in bytes.
    pub(super) fn memory_bytes(&self) -> u64 {
        match self.shown.as_ref().map(|shown| &shown.view) {
            Some(PanelView::Local(view)) => view.memory_bytes(),
            Some(PanelView::Remote(remote)) => remote.view.memory_bytes(),
            None => 0,
        }
    }

    /// Takes in what came of the view from the server.
    pub(super) fn take(&mut self, event: QueryEvent) {
        if let Some(Shown { view: PanelView::Remote(remote), .. }) = &mut self.shown {
            // Whether it is a fault or the end of one, the page has to be told.
            self.is_told &= !remote.take(event);
        }
    }

    /// Takes in new rows, moves windows and gives the panel's state, if it is another than the page knows, and why nothing can be
    /// shown.
    pub(super) fn news(&mut self, source: &Source, memory: Memory, now: f64) -> Option<(PanelState, Option<String>)> {
        let shown = self.shown.as_mut()?;
        let mut connection = source.connection();
        let (figures, fault) = match (&mut shown.view, source) {
            (PanelView::Local(view), Source::Local(followed)) => {
                (Some(view.figures(followed, self.is_paused, now)?), None)
            }
            (PanelView::Remote(remote), Source::Remote(table)) => {
                let is_link_well = !matches!(connection, Connection::Lost { .. });
                connection = remote.connection(connection);
                (remote.figures(table), remote.fault().filter(|_| is_link_well).cloned())
            }
            _ => return None,
        };
        let mut state = PanelState {
            is_paused: self.is_paused,
            connection,
            rows_per_second: source.rows_per_second(now),
            memory_bytes: memory.used,
            budget_bytes: memory.budget,
            on_server_bytes: source.on_server_bytes(),
            ..self.told.clone()
        };
        // Until the server has answered, what was shown before stays.
        if let Some(figures) = figures {
            (state.n_table_rows, state.n_let_go) = source.n_rows();
            state.revision = self.revisions_before + figures.revision;
            state.n_view_rows = figures.n_rows;
            state.n_held_back = figures.n_held_back;
            state.is_grouped = figures.is_grouped;
            state.columns = figures.columns;
            state.row_columns = figures.row_columns;
            state.estimates = figures.estimates;
        }
        // A state that is told takes a fault away, so that one stays alone.
        if self.is_told && (state == self.told || fault.is_some()) {
            return None;
        }
        self.is_told = true;
        self.told = state.clone();
        Some((state, fault))
    }

    /// Takes a question about the view; what has an answer is in [`Panel::take_ready`], at once or later.
    pub(super) fn ask(&mut self, source: &Source, ask: Ask) {
        match (self.shown.as_mut().map(|shown| &mut shown.view), source) {
            (Some(PanelView::Local(view)), Source::Local(followed)) => match view.window(followed, &ask) {
                Some(window) => self.ready.push(window),
                None => self.given_up.push(ask.request),
            },
            (Some(PanelView::Remote(remote)), _) => {
                remote.view.ask(ask);
                remote.send();
            }
            _ => self.given_up.push(ask.request),
        }
    }

    /// What is shown, as it was written.
    pub(super) fn expression(&self) -> &str {
        self.shown.as_ref().map_or("", |shown| &shown.expression)
    }

    /// The view, where the worker keeps it.
    pub(super) fn local_view(&mut self) -> Option<&mut LocalView> {
        match &mut self.shown {
            Some(Shown { view: PanelView::Local(view), .. }) => Some(view),
            _ => None,
        }
    }

    /// The answers that the page has not got yet, and the requests that get none.
    pub(super) fn take_ready(&mut self) -> (Vec<WindowMessage>, Vec<u32>) {
        if let Some(Shown { view: PanelView::Remote(remote), .. }) = &mut self.shown {
            let (ready, given_up) = remote.view.take_ready();
            self.ready.extend(ready);
            self.given_up.extend(given_up);
        }
        for message in &mut self.ready {
            message.window.revision += self.revisions_before;
        }
        (std::mem::take(&mut self.ready), std::mem::take(&mut self.given_up))
    }

    /// Whether its view has put nothing off.
    pub(super) fn is_settled(&self) -> bool {
        !matches!(&self.shown, Some(Shown { view: PanelView::Local(view), .. }) if !view.is_settled())
    }

    /// Does what its view has put off.
    pub(super) fn settle(&mut self, source: &Source) {
        if let (Some(view), Source::Local(followed)) = (self.local_view(), source) {
            view.settle(followed);
        }
    }

    /// Ends a view; what it has not answered is left.
    fn end(&mut self, before: Option<Shown>) -> Vec<Ask> {
        match before.map(|shown| shown.view) {
            Some(PanelView::Local(view)) => self.revisions_before += view.revision(),
            Some(PanelView::Remote(remote)) => {
                self.revisions_before += remote.view.revision();
                return remote.view.into_waiting();
            }
            None => {}
        }
        Vec::new()
    }
}

/// Asks a new view what the one before has not answered.
fn ask_all(view: &mut PanelView, waiting: Vec<Ask>, given_up: &mut Vec<u32>) {
    for ask in waiting {
        match view {
            PanelView::Remote(remote) => remote.view.ask(ask),
            PanelView::Local(_) => given_up.push(ask.request),
        }
    }
}
