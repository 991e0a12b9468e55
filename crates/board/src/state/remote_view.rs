//! A view that a server keeps: what is to be asked of it, and which of the page's questions its last answer already tells.
//!
//! Pure: it is told what comes over the connection, and says what is to go out. The server follows the window that was asked
//! for last, so one question is on its way at a time, and the others wait.

use std::collections::VecDeque;

use engine::{Window, WindowColumn};
use model::{ColumnType, Offset, Value, system_column};
use wire::api::{ColumnInfo, QueryAnswer, QueryRequest};
use wire::json::NamedCells;

use crate::protocol::{Anchor, PanelColumn, WindowMessage};

/// How many rows a server answers at a time.
const MAX_ROWS: u32 = 10_000;
/// How many rows a question is answered with at most.
const MAX_ROWS_IN_ALL: u32 = 100_000;
/// How many questions may wait.
const MAX_WAITING: usize = 1000;

/// What the page asks of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The page's number for it.
    pub request: u32,
    /// Which rows.
    pub anchor: Anchor,
    /// How many.
    pub n_rows: u32,
    /// The columns wanted.
    pub columns: Vec<String>,
}

/// What is told of the view as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Where the table ended when the view took in its rows.
    pub next_offset: Offset,
    /// How many rows, or groups, there are.
    pub n_rows: u64,
    /// The columns.
    pub columns: Vec<PanelColumn>,
    /// Those of the rows, which are the same unless the view has groups.
    pub row_columns: Vec<PanelColumn>,
    /// The names of the columns whose values are estimates.
    pub estimates: Vec<String>,
}

/// A view on a server.
#[derive(Debug)]
pub struct RemoteView {
    /// What is shown, as text.
    query: String,
    is_grouped: bool,
    is_paused: bool,
    /// While it is paused: where the table ended then. Later rows are not asked for.
    paused_at: Option<Offset>,
    head: Option<Head>,
    revision: u64,
    is_open: bool,
    /// The newest answer's rows, which the server keeps up to date.
    held: Option<Window>,
    /// The question that was asked last, and its number.
    sent: Option<Sent>,
    last_number: u64,
    /// Whether the server has to be asked though the page asks for nothing, so that it follows the right view.
    is_stale: bool,
    waiting: VecDeque<Ask>,
    ready: Vec<WindowMessage>,
    /// The requests that get no answer.
    given_up: Vec<u32>,
}

#[derive(Debug)]
struct Sent {
    number: u64,
    /// What the page asked; `None` where it did not.
    ask: Option<Ask>,
    /// Rows of the same question that came before.
    gathered: Option<Window>,
    /// The question, for when it is to be asked again.
    anchor: Anchor,
    n_rows: u32,
    columns: Vec<String>,
    is_answered: bool,
}

impl RemoteView {
    /// A view of what a query shows, of rows or of groups, of which nothing is known yet. Where rows are held
    /// back, `paused_at` is where the table ended when that began.
    #[must_use]
    pub fn new(query: String, is_grouped: bool, paused_at: Option<Offset>) -> Self {
        Self {
            query,
            is_grouped,
            is_paused: paused_at.is_some(),
            paused_at,
            head: None,
            revision: 0,
            is_open: false,
            held: None,
            sent: None,
            last_number: 0,
            is_stale: true,
            waiting: VecDeque::new(),
            ready: Vec::new(),
            given_up: Vec::new(),
        }
    }

    /// Shows what another query asks for. What waits is asked of that.
    pub fn show(&mut self, query: String, is_grouped: bool) {
        (self.query, self.is_grouped) = (query, is_grouped);
        self.paused_at = None;
        self.head = None;
        self.ask_again();
    }

    /// What is told of the view; `None` until the server has answered.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether the view's rows are groups.
    #[must_use]
    pub fn is_grouped(&self) -> bool {
        self.is_grouped
    }

    /// Grows with every change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many rows of a table that ends at `next_offset` are held back.
    #[must_use]
    pub fn n_held_back(&self, next_offset: Offset) -> u64 {
        self.paused_at.map_or(0, |paused_at| next_offset.saturating_sub(paused_at))
    }

    /// Holds new rows back, or lets them in.
    pub fn set_paused(&mut self, paused: bool) {
        if paused != self.is_paused {
            self.is_paused = paused;
            let known = self.head.as_ref().map(|head| head.next_offset);
            self.paused_at = known.filter(|_| paused);
            // What the server follows from now on is another view; of a paused one the rows are the same.
            let held = self.held.take().filter(|_| paused);
            self.ask_again();
            self.held = held;
        }
    }

    /// Takes a question of the page. It is answered by [`RemoteView::take_ready`], at once where the answer is known.
    pub fn ask(&mut self, ask: Ask) {
        if self.waiting.len() == MAX_WAITING {
            self.given_up.extend(self.waiting.pop_front().map(|ask| ask.request));
        }
        self.waiting.push_back(ask);
        self.answer_what_is_known();
    }

    /// The connection stands.
    pub fn opened(&mut self) {
        self.is_open = true;
    }

    /// The connection is lost: what was asked will be asked again.
    pub fn lost(&mut self) {
        self.is_open = false;
        let held = self.held.take();
        self.ask_again();
        self.held = held;
    }

    /// Takes in an answer. Answers to what is asked no more are let pass.
    pub fn take(&mut self, request: Option<u64>, answer: &QueryAnswer, rows: &[NamedCells]) {
        let Some(sent) = self.sent.as_mut().filter(|sent| request == Some(sent.number)) else { return };
        let is_pushed = std::mem::replace(&mut sent.is_answered, true);
        let window = window_of(answer, rows, &sent.columns);
        let head = Head {
            next_offset: answer.next_offset,
            n_rows: answer.n_rows,
            columns: answer.columns.iter().map(panel_column).collect(),
            row_columns: if self.is_grouped { &answer.row_columns } else { &answer.columns }
                .iter()
                .map(panel_column)
                .collect(),
            estimates: answer.estimates.clone(),
        };
        if is_pushed || self.head.as_ref() != Some(&head) {
            self.revision += 1;
        }
        if self.is_paused && self.paused_at.is_none() {
            self.paused_at = Some(head.next_offset);
            self.is_stale = true;
        }
        self.head = Some(head);
        if let Some(ask) = sent.ask.take() {
            let gathered = match sent.gathered.take() {
                Some(before) => joined(before, &window),
                None => window.clone(),
            };
            let n_gathered = gathered.row_ids.len() as u64;
            let is_whole = n_gathered >= u64::from(ask.n_rows.min(MAX_ROWS_IN_ALL)) || window.row_ids.is_empty();
            if is_whole || gathered.first_rank + n_gathered >= gathered.n_view_rows {
                self.ready.push(WindowMessage { request: ask.request, window: gathered });
            } else {
                sent.gathered = Some(gathered);
                sent.ask = Some(ask);
            }
        }
        self.held = Some(window);
        self.answer_what_is_known();
    }

    /// The server does not answer what was asked last, nor follow it.
    pub fn refused(&mut self, request: Option<u64>) -> bool {
        let is_last = self.sent.as_ref().is_some_and(|sent| request == Some(sent.number));
        if is_last {
            self.given_up.extend(self.sent.take().and_then(|sent| sent.ask).map(|ask| ask.request));
            self.held = None;
        }
        is_last
    }

    /// The question that is to go out now.
    pub fn next_question(&mut self) -> Option<QueryRequest> {
        if !self.is_open || self.sent.as_ref().is_some_and(|sent| !sent.is_answered) {
            return None;
        }
        let columns_before = |sent: &Option<Sent>| sent.as_ref().map(|sent| sent.columns.clone()).unwrap_or_default();
        let next = match self.sent.take() {
            // More rows of the same question.
            Some(Sent { ask: Some(ask), gathered: Some(gathered), columns, .. }) => {
                let n_gathered = gathered.row_ids.len() as u64;
                let anchor = Anchor::Rank((gathered.first_rank + n_gathered) as f64);
                let n_rows = ask.n_rows.min(MAX_ROWS_IN_ALL) - n_gathered as u32;
                Sent { ask: Some(ask), gathered: Some(gathered), anchor, n_rows, columns, ..self.unsent() }
            }
            sent => match self.waiting.pop_front() {
                Some(ask) => {
                    let (anchor, n_rows, columns) = (ask.anchor, ask.n_rows, ask.columns.clone());
                    Sent { ask: Some(ask), anchor, n_rows, columns, ..self.unsent() }
                }
                None if self.is_stale => {
                    let columns = columns_before(&sent);
                    let (anchor, n_rows) = sent.map_or((Anchor::Rank(0.0), 0), |sent| (sent.anchor, sent.n_rows));
                    Sent { anchor, n_rows, columns, ..self.unsent() }
                }
                None => {
                    self.sent = sent;
                    return None;
                }
            },
        };
        self.is_stale = false;
        self.last_number = next.number;
        let (mut first, mut around, mut above) = (0, None, 0);
        match next.anchor {
            Anchor::Rank(rank) => first = rank as u64,
            Anchor::Row { row_id, n_above, else_rank } => {
                (first, around, above) = (else_rank as u64, Some(row_id as u64), n_above as u64);
            }
            Anchor::End => {}
        }
        let question = QueryRequest {
            query: self.query.clone(),
            first,
            rows: Some(u64::from(next.n_rows.min(MAX_ROWS))),
            columns: Some(next.columns.clone()),
            around,
            above,
            at_end: next.anchor == Anchor::End,
            before: self.paused_at,
            request: Some(next.number),
        };
        self.sent = Some(next);
        Some(question)
    }

    /// The answers that the page has not got yet, and the requests that get none.
    pub fn take_ready(&mut self) -> (Vec<WindowMessage>, Vec<u32>) {
        (std::mem::take(&mut self.ready), std::mem::take(&mut self.given_up))
    }

    /// What the page still waits for, in order.
    #[must_use]
    pub fn into_waiting(self) -> Vec<Ask> {
        self.sent.and_then(|sent| sent.ask).into_iter().chain(self.waiting).collect()
    }

    /// What it takes, in bytes, about.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let columns = self.held.iter().flat_map(|held| &held.columns);
        columns.map(|column| column.text.len() + column.kinds.len() * 13).sum::<usize>() as u64
    }

    fn unsent(&self) -> Sent {
        Sent {
            number: self.last_number + 1,
            ask: None,
            gathered: None,
            anchor: Anchor::End,
            n_rows: 0,
            columns: Vec::new(),
            is_answered: false,
        }
    }

    /// What is on its way counts no more, and is asked again.
    fn ask_again(&mut self) {
        self.is_stale = true;
        self.held = None;
        if let Some(sent) = &mut self.sent {
            // The next has another number, so that an answer that comes yet is let pass.
            sent.number = 0;
            sent.is_answered = true;
            sent.gathered = None;
            let ask = sent.ask.take();
            ask.into_iter().for_each(|ask| self.waiting.push_front(ask));
        }
    }

    fn answer_what_is_known(&mut self) {
        let (held, ready) = (self.held.as_ref(), &mut self.ready);
        self.waiting.retain(|ask| match held.and_then(|held| cut(held, ask)) {
            Some(window) => {
                ready.push(WindowMessage { request: ask.request, window });
                false
            }
            None => true,
        });
    }
}

/// What is asked for, where all of it is held.
fn cut(held: &Window, ask: &Ask) -> Option<Window> {
    let (n_all, n_asked) = (held.n_view_rows, u64::from(ask.n_rows));
    let start = held.first_rank;
    let end = start + held.row_ids.len() as u64;
    let first = match ask.anchor {
        Anchor::Rank(rank) => (rank as u64).min(n_all),
        Anchor::End => n_all.saturating_sub(n_asked),
        Anchor::Row { row_id, n_above, .. } => {
            let place = held.row_ids.iter().position(|id| *id == row_id)?;
            (start + place as u64).saturating_sub(n_above as u64)
        }
    };
    let last = first.saturating_add(n_asked).min(n_all);
    if first < start || last > end || first > last {
        return None;
    }
    let places = (first - start) as usize..(last - start) as usize;
    let column = |name: &String| Some(held.columns.iter().find(|c| c.name == *name)?.slice(places.clone()));
    Some(Window {
        revision: held.revision,
        first_rank: first,
        n_view_rows: n_all,
        row_ids: held.row_ids[places.clone()].to_vec(),
        columns: ask.columns.iter().map(column).collect::<Option<_>>()?,
    })
}

/// The rows of an answer, with the columns that were asked for.
#[must_use]
pub fn window_of(answer: &QueryAnswer, rows: &[NamedCells], columns: &[String]) -> Window {
    let column = |name: &String| {
        let known = answer.columns.iter().find(|column| column.name == *name);
        let column_type = known.map_or_else(|| system_type(name), |column| panel_column(column).column_type);
        let place = rows.first().and_then(|row| row.iter().position(|(cell, _)| cell == name));
        let cell = |row: &'_ NamedCells| place.and_then(|place| row.get(place)).map(|(_, value)| value.clone());
        let cells: Vec<Value> = rows.iter().map(|row| cell(row).unwrap_or(Value::Null)).collect();
        WindowColumn::of_values(name, column_type, cells.iter())
    };
    Window {
        revision: 0,
        first_rank: answer.first,
        n_view_rows: answer.n_rows,
        row_ids: answer.row_ids.iter().map(|id| *id as f64).collect(),
        columns: columns.iter().map(column).collect(),
    }
}

fn system_type(name: &str) -> ColumnType {
    match name {
        system_column::WRITER => ColumnType::Text,
        system_column::SEQ | system_column::OFFSET => ColumnType::Int,
        system_column::RECEIVED => ColumnType::Time,
        _ => ColumnType::Null,
    }
}

/// A column as the page knows it.
fn panel_column(column: &ColumnInfo) -> PanelColumn {
    // A type that only a newer server knows is shown as what its cells are.
    PanelColumn { name: column.name.clone(), column_type: column.column_type.parse().unwrap_or(ColumnType::Mixed) }
}

fn joined(mut before: Window, more: &Window) -> Window {
    before.n_view_rows = more.n_view_rows;
    before.row_ids.extend(&more.row_ids);
    before.columns.iter_mut().zip(&more.columns).for_each(|(column, more)| column.extend(more));
    before
}

#[cfg(test)]
#[path = "remote_view_tests.rs"]
mod tests;
