//! The rows that are on screen, as DOM nodes that are used again and again: never more than the viewport needs, and
//! touched only where what they show has changed. They stand in the document as they do on screen, for those who listen.

use std::ops::Range;

use engine::Window;
use web_sys::{Document, HtmlElement};

use super::cells::{CellNode, append, div, set};
use super::set_style;
use crate::state::cell::shown;
use crate::state::layout::{InView, Placed};
use crate::state::selection::Selection;
use crate::state::text::count;

/// What all rows of one drawing have in common.
pub(super) struct Drawing<'a> {
    /// Another one than before where a row may have to show something else, though its rank and its columns are the same.
    pub(super) version: u64,
    /// The rows that came from the worker; those that did not yet come are drawn empty.
    pub(super) window: Option<&'a Window>,
    /// All columns, and which of them are in view.
    pub(super) columns: &'a [Placed],
    pub(super) in_view: &'a InView,
    pub(super) selection: &'a Selection,
    /// The id that the focused cell gets.
    pub(super) focus_id: &'a str,
    pub(super) is_grouped: bool,
}

/// The rows' nodes.
pub(super) struct RowPool {
    document: Document,
    layer: HtmlElement,
    rows: Vec<RowNode>,
}

struct RowNode {
    element: HtmlElement,
    gutter: HtmlElement,
    pinned: Vec<CellNode>,
    /// The others: a column has the one at its place modulo their number, and keeps it while it is in view.
    scrolled: Vec<CellNode>,
    /// What was drawn; `None` while it is hidden.
    drawn: Option<Drawn>,
    /// Where it stands below the layer's upper edge, in pixels.
    y: f64,
    rank: u64,
    row_id: Option<u64>,
    is_selected: bool,
    is_grouped: bool,
}

#[derive(Clone, PartialEq)]
struct Drawn {
    version: u64,
    rank: u64,
    in_view: InView,
}

impl RowPool {
    pub(super) fn new(document: Document, layer: HtmlElement) -> Self {
        Self { document, layer, rows: Vec::new() }
    }

    /// Draws the rows of these ranks, each at its distance from the layer's upper edge in pixels, and says whether the focused
    /// cell is among what is drawn.
    pub(super) fn draw(&mut self, ranks: Range<u64>, y_of: impl Fn(u64) -> f64, drawing: &Drawing<'_>) -> bool {
        let n_rows = (ranks.end - ranks.start) as usize;
        while self.rows.len() < n_rows {
            let row = RowNode::new(&self.document, &self.layer);
            self.rows.push(row);
        }
        // A row keeps its node while it is on screen, so that scrolling rewrites only new ones.
        let n_nodes = self.rows.len().max(1) as u64;
        for (place, row) in self.rows.iter_mut().enumerate() {
            let is_used = |drawn: &Drawn| ranks.contains(&drawn.rank) && drawn.rank % n_nodes == place as u64;
            if row.drawn.as_ref().is_some_and(|drawn| !is_used(drawn)) {
                row.hide();
            }
        }
        let mut below: Option<HtmlElement> = None;
        let mut is_focus_drawn = false;
        for rank in ranks.rev() {
            let row = &mut self.rows[(rank % n_nodes) as usize];
            let is_new = row.drawn.as_ref().is_none_or(|drawn| drawn.rank != rank);
            is_focus_drawn |= row.draw(&self.document, rank, y_of(rank), drawing);
            if is_new {
                move_before(&self.layer, &row.element, below.as_ref());
            }
            below = Some(row.element.clone());
        }
        is_focus_drawn
    }
}

impl RowNode {
    fn new(document: &Document, layer: &HtmlElement) -> Self {
        let element = div(document, "row");
        set(&element, "role", "row");
        set(&element, "data-testid", "grid-row");
        set(&element, "data-row-id", "");
        set(&element, "aria-busy", "true");
        set(&element, "aria-selected", "false");
        element.set_hidden(true);
        let gutter = div(document, "gutter");
        set(&gutter, "role", "rowheader");
        set(&gutter, "aria-colindex", "1");
        append(&element, &gutter);
        append(layer, &element);
        Self {
            element,
            gutter,
            pinned: Vec::new(),
            scrolled: Vec::new(),
            drawn: None,
            y: -1.0,
            rank: u64::MAX,
            row_id: None,
            is_selected: false,
            is_grouped: false,
        }
    }

    fn hide(&mut self) {
        self.drawn = None;
        self.element.set_hidden(true);
        self.pinned.iter_mut().chain(&mut self.scrolled).for_each(CellNode::unfocus);
    }

    /// Draws the row, and says whether the focused cell is in it.
    fn draw(&mut self, document: &Document, rank: u64, y: f64, drawing: &Drawing<'_>) -> bool {
        if self.y != y {
            self.y = y;
            set_style(&self.element, &format!("transform:translateY({y}px)"));
        }
        let new = Drawn { version: drawing.version, rank, in_view: drawing.in_view.clone() };
        if self.drawn.as_ref() != Some(&new) {
            if self.drawn.is_none() {
                self.element.set_hidden(false);
            }
            self.show(document, rank, drawing);
            self.drawn = Some(new);
        }
        self.pinned.iter().chain(&self.scrolled).any(CellNode::is_focused)
    }

    fn show(&mut self, document: &Document, rank: u64, drawing: &Drawing<'_>) {
        let idx = drawing.window.and_then(|window| usize::try_from(rank.checked_sub(window.first_rank)?).ok());
        let known = drawing.window.zip(idx).and_then(|(window, idx)| Some((window, idx, *window.row_ids.get(idx)?)));
        self.show_row(rank, known.map(|(_, _, row_id)| row_id as u64), drawing);
        self.take_nodes(document, drawing.in_view);

        let focus = drawing.selection.focus().filter(|focus| Some(focus.row_id) == self.row_id);
        let n_slots = self.scrolled.len().max(1);
        let mut right: Option<HtmlElement> = None;
        for idx in drawing.in_view.places().rev() {
            let is_pinned = idx < drawing.in_view.n_pinned;
            let cell = if is_pinned { &mut self.pinned[idx] } else { &mut self.scrolled[idx % n_slots] };
            let key = Some((drawing.version, rank, idx));
            if cell.key != key {
                let column = &drawing.columns[idx];
                let was_there = cell.column() == Some(idx);
                cell.place(idx, column, is_pinned);
                cell.set_focused(focus.filter(|focus| focus.column == column.name).map(|_| drawing.focus_id));
                let source = known.and_then(|(window, idx, _)| {
                    let source = window.columns.iter().find(|candidate| candidate.name == column.name)?;
                    Some(shown(source, idx))
                });
                cell.show(document, column.column_type, source);
                cell.key = key;
                if !was_there {
                    move_before(&self.element, &cell.element, right.as_ref());
                }
            }
            right = Some(cell.element.clone());
        }
    }

    /// What the row itself tells.
    fn show_row(&mut self, rank: u64, row_id: Option<u64>, drawing: &Drawing<'_>) {
        if self.rank != rank {
            self.rank = rank;
            set(&self.element, "aria-rowindex", &(rank + 2).to_string());
        }
        if self.row_id != row_id || self.is_grouped != drawing.is_grouped {
            if self.row_id.is_none() != row_id.is_none() {
                set(&self.element, "aria-busy", if row_id.is_none() { "true" } else { "false" });
            }
            (self.row_id, self.is_grouped) = (row_id, drawing.is_grouped);
            set(&self.element, "data-row-id", &row_id.map(|row_id| row_id.to_string()).unwrap_or_default());
            let number = row_id.map(|row_id| if drawing.is_grouped { "›".to_owned() } else { count(row_id) });
            self.gutter.set_text_content(number.as_deref());
        }
        let is_selected = row_id.is_some_and(|row_id| drawing.selection.contains(row_id));
        if self.is_selected != is_selected {
            self.is_selected = is_selected;
            set(&self.element, "aria-selected", if is_selected { "true" } else { "false" });
        }
    }

    /// Sees to it that there is a cell for every column in view, and that those of others stand in no row.
    fn take_nodes(&mut self, document: &Document, in_view: &InView) {
        let InView { n_pinned, scrolled } = in_view;
        if self.pinned.len() != *n_pinned {
            self.pinned.drain(..).for_each(|mut cell| cell.remove());
            self.pinned.resize_with(*n_pinned, || CellNode::new(document));
        }
        if scrolled.len() > self.scrolled.len() {
            self.scrolled.iter_mut().for_each(CellNode::remove);
            self.scrolled.resize_with(scrolled.len(), || CellNode::new(document));
        }
        let is_left = |cell: &&mut CellNode| cell.column().is_some_and(|column| !scrolled.contains(&column));
        self.scrolled.iter_mut().filter(is_left).for_each(CellNode::remove);
    }
}

fn move_before(parent: &HtmlElement, node: &HtmlElement, before: Option<&HtmlElement>) {
    parent.insert_before(node, before.map(AsRef::as_ref)).expect("what it stands before is in the same parent");
}
