//! Keeps the grid on screen in step with the view: asks the worker for windows, one at a time, and draws once a frame.
//!
//! What is being read stays where it is: a new window is asked for around one row, and the viewport moves as that row's
//! rank does. It is the row under the pointer, so that a click meets what was aimed at; else the focused one, where it is in
//! view; else the one at the top. Only a viewport at the very top stays there.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use engine::Window;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use super::canvas::{Canvas, Elements, HEADER_HEIGHT_PX};
use super::focus::FocusMark;
use super::keys::Presses;
use super::rows::Drawing;
use crate::panel::model::PanelModel;
use crate::protocol::{Anchor, Connection, WindowMessage};
use crate::state::geometry::Geometry;
use crate::state::layout::{InView, Placed, RowHeight, total_width};

/// How many rows are drawn beyond each edge of the viewport.
const OVERSCAN_ROWS: u64 = 4;

/// A grid. Clones share it.
#[derive(Clone)]
pub(crate) struct Grid(Rc<Inner>);

struct Inner {
    model: PanelModel,
    scroller: HtmlElement,
    columns_in_view: RwSignal<InView>,
    state: RefCell<State>,
    presses: RefCell<Presses>,
    is_frame_due: Cell<bool>,
}

struct State {
    geometry: Geometry,
    columns: Vec<Placed>,
    /// How far the columns are scrolled, and how much of them is in view, in pixels.
    left: f64,
    width: f64,
    window: Option<Window>,
    canvas: Canvas,
    /// Grows when what is drawn may have to change, though nobody scrolled.
    version: u64,
    focus: FocusMark,
    /// The row that is to be in view, until a window has it.
    revealed: Option<f64>,
    /// How far below the header the pointer is, in pixels; `None` where it is not over the rows.
    pointer: Option<f64>,
    /// Whether a window was asked for and has not come, and whether another is wanted after it.
    is_asking: bool,
    is_wanted: bool,
    /// Whether every stored row had come when the newest window was taken in.
    was_live: bool,
    /// Whether the query changed after the newest question was asked.
    is_elsewhere: bool,
    /// Rows there were when the end was last in view.
    n_seen: u64,
}

impl Grid {
    pub(super) fn new(model: PanelModel, elements: Elements, columns_in_view: RwSignal<InView>) -> Self {
        let scroller = elements.scroller.clone();
        let state = State {
            geometry: Geometry::new(RowHeight::default().pixels()),
            columns: Vec::new(),
            left: 0.0,
            width: 0.0,
            window: None,
            canvas: Canvas::new(document(), elements),
            version: 0,
            focus: FocusMark::default(),
            revealed: None,
            pointer: None,
            is_asking: false,
            is_wanted: false,
            was_live: false,
            is_elsewhere: false,
            n_seen: 0,
        };
        let (state, presses, is_frame_due) = (RefCell::new(state), RefCell::default(), Cell::new(false));
        Self(Rc::new(Inner { model, scroller, columns_in_view, state, presses, is_frame_due }))
    }

    /// Keys that wait for the one before.
    pub(super) fn presses(&self) -> &RefCell<Presses> {
        &self.0.presses
    }

    /// Takes in other columns, or other places of them.
    pub(super) fn set_columns(&self, columns: Vec<Placed>) {
        self.0.state.borrow_mut().columns = columns;
        self.show_columns();
        self.ask_if_needed();
        self.draw_anew();
    }

    /// Makes the rows taller or shorter; the focused row stays where it is, if it is in view, else the one at the top.
    pub(super) fn set_row_height(&self, row_height: RowHeight) {
        let mut state = self.0.state.borrow_mut();
        let focused = self.0.model.selection.with_untracked(|selection| selection.focus().map(|focus| focus.row_id));
        let rank = focused.and_then(|row_id| state.rank_of(row_id as f64));
        let held = rank.filter(|rank| state.geometry.visible().contains(rank));
        let y = held.map(|rank| state.geometry.y_of(rank));
        state.geometry.set_row_height(row_height.pixels());
        if let Some((rank, y)) = held.zip(y) {
            let top = rank as f64 * row_height.pixels() - y;
            state.geometry.move_to(top);
        }
        drop(state);
        self.ask_if_needed();
        self.draw_anew();
    }

    /// Takes in the size of the viewport.
    pub(super) fn resized(&self) {
        let scroller = &self.0.scroller;
        let mut state = self.0.state.borrow_mut();
        state.geometry.set_viewport((f64::from(scroller.client_height()) - HEADER_HEIGHT_PX).max(0.0));
        state.width = f64::from(scroller.client_width());
        drop(state);
        self.show_columns();
        self.ask_if_needed();
        self.draw_soon();
    }

    /// Takes in that somebody scrolled.
    pub(super) fn scrolled(&self) {
        let scroller = &self.0.scroller;
        let (top, left) = (f64::from(scroller.scroll_top()), f64::from(scroller.scroll_left()));
        let mut state = self.0.state.borrow_mut();
        let (was, was_left) = (state.geometry.top(), state.left);
        state.geometry.scrolled(top);
        state.left = left;
        if state.geometry.top() != was {
            state.revealed = None;
        }
        let has_moved_up = state.geometry.top() < was - 0.5;
        let is_at_end = state.geometry.is_at_end();
        drop(state);
        if has_moved_up && !is_at_end && self.0.model.is_tailing.get_untracked() {
            self.0.model.is_tailing.set(false);
        }
        if was_left != left {
            self.show_columns();
        }
        self.count_unseen();
        self.ask_if_needed();
        self.draw_soon();
    }

    /// Takes in that the pointer is at `y` pixels from the page's upper edge, or has left.
    pub(super) fn pointed(&self, y: Option<f64>) {
        let edge = self.0.scroller.get_bounding_client_rect().top() + HEADER_HEIGHT_PX;
        self.0.state.borrow_mut().pointer = y.map(|y| y - edge).filter(|y| *y >= 0.0);
    }

    /// Another query is shown: goes to its first row.
    pub(super) fn start_anew(&self) {
        let mut state = self.0.state.borrow_mut();
        state.is_elsewhere = true;
        state.geometry.move_to(0.0);
        drop(state);
        self.refresh();
    }

    /// Goes to the last row.
    pub(super) fn to_end(&self) {
        let mut state = self.0.state.borrow_mut();
        state.geometry.move_to(f64::MAX);
        drop(state);
        self.refresh();
    }

    /// Moves as far as the row of that rank needs to be wholly in view.
    pub(super) fn reveal(&self, rank: u64, row_id: f64) {
        let is_at_end = {
            let mut state = self.0.state.borrow_mut();
            // What is drawn counts, where the row has another rank there.
            let drawn_rank = state.rank_of(row_id);
            state.geometry.reveal(drawn_rank.unwrap_or(rank));
            state.revealed = drawn_rank.is_none().then_some(row_id);
            state.geometry.is_at_end()
        };
        if !is_at_end && self.0.model.is_tailing.get_untracked() {
            self.0.model.is_tailing.set(false);
        }
        self.ask_if_needed();
        self.draw_soon();
    }

    /// Scrolls the columns as far as that column needs to be in view.
    pub(super) fn reveal_column(&self, column: &str) {
        let state = self.0.state.borrow();
        let Some(placed) = state.columns.iter().find(|placed| placed.name == column) else { return };
        let n_pinned = InView::of(&state.columns, state.left, state.width).n_pinned;
        if state.columns[..n_pinned].contains(placed) {
            return;
        }
        let edge = total_width(&state.columns[..n_pinned]);
        let (start, end) = (placed.left - edge, placed.left + placed.width - state.width);
        let left = if start < state.left { start } else { state.left.max(end).min(start) };
        let has_moved = left != state.left;
        drop(state);
        if has_moved {
            self.0.scroller.set_scroll_left(left as i32);
        }
    }

    /// Gives the grid the keyboard.
    pub(super) fn focus(&self) {
        // An element that cannot take the focus leaves it where it is.
        let _ = self.0.scroller.focus();
    }

    /// How many rows make a page.
    pub(super) fn n_per_page(&self) -> u64 {
        self.0.state.borrow().geometry.n_per_page()
    }

    /// The names of the columns, from left to right.
    pub(super) fn column_names(&self) -> Vec<String> {
        self.0.state.borrow().columns.iter().map(|placed| placed.name.clone()).collect()
    }

    /// The rank of the first row in view.
    pub(super) fn first_rank_in_view(&self) -> u64 {
        self.0.state.borrow().geometry.visible().start
    }

    /// The view has changed: what is on screen is asked for again.
    pub(super) fn refresh(&self) {
        let is_asking = {
            let mut state = self.0.state.borrow_mut();
            state.is_wanted |= state.is_asking;
            std::mem::replace(&mut state.is_asking, true)
        };
        if is_asking {
            return;
        }
        let (anchor, n_rows, columns) = self.question();
        let grid = self.clone();
        let (panel, link) = self.0.model.link();
        spawn_local(async move {
            let answer = link.window(panel, anchor, n_rows, columns).await;
            grid.take(anchor, answer);
        });
    }

    /// Draws at the next frame, though nobody scrolled.
    pub(super) fn draw_anew(&self) {
        self.0.state.borrow_mut().version += 1;
        self.draw_soon();
    }

    /// Draws at the next frame.
    fn draw_soon(&self) {
        if !self.0.is_frame_due.replace(true) {
            let grid = self.clone();
            request_animation_frame(move || {
                grid.0.is_frame_due.set(false);
                grid.draw();
            });
        }
    }

    fn ask_if_needed(&self) {
        if !self.0.state.borrow().is_covered() {
            self.refresh();
        }
    }

    fn show_columns(&self) {
        let state = self.0.state.borrow();
        let in_view = InView::of(&state.columns, state.left, state.width);
        drop(state);
        if self.0.columns_in_view.with_untracked(|known| *known != in_view) {
            self.0.columns_in_view.set(in_view);
        }
    }

    /// What to ask the worker for: which rows, how many, and which columns of them.
    fn question(&self) -> (Anchor, u32, Vec<String>) {
        let is_tailing = self.0.model.is_tailing.get_untracked();
        let state = self.0.state.borrow();
        let geometry = &state.geometry;
        let margin = geometry.n_per_page() + OVERSCAN_ROWS;
        let in_view = geometry.visible();
        let first = in_view.start.saturating_sub(margin);
        let anchor = if is_tailing {
            Anchor::End
        } else if let Some(row_id) = state.revealed {
            // Wherever it stands when the answer is made.
            Anchor::Row { row_id, n_above: margin as f64, else_rank: first as f64 }
        } else if geometry.is_at_top() {
            Anchor::Rank(0.0)
        } else if let Some((rank, row_id)) = self.row_to_hold(&state) {
            Anchor::Row { row_id, n_above: (rank - first) as f64, else_rank: first as f64 }
        } else {
            Anchor::Rank(first as f64)
        };
        let n_rows = geometry.n_per_page() + 2 + 2 * margin;
        let columns = InView::with_margin(&state.columns, state.left, state.width);
        let columns = columns.places().map(|idx| state.columns[idx].name.clone()).collect();
        (anchor, u32::try_from(n_rows).unwrap_or(u32::MAX), columns)
    }

    /// The rank and the id of the row that is to stay where it is.
    fn row_to_hold(&self, state: &State) -> Option<(u64, f64)> {
        let (geometry, window) = (&state.geometry, state.window.as_ref()?);
        let in_view = geometry.visible();
        let pointed = state.pointer.map(|y| geometry.rank_at(y));
        let focused = self.0.model.selection.with_untracked(|selection| selection.focus().map(|focus| focus.row_id));
        let focused = focused.and_then(|row_id| state.rank_of(row_id as f64));
        let mut ranks = [pointed, focused, Some(in_view.start)].into_iter().flatten();
        ranks.find_map(|rank| {
            let place = usize::try_from(rank.checked_sub(window.first_rank)?).ok()?;
            in_view.contains(&rank).then_some((rank, *window.row_ids.get(place)?))
        })
    }

    fn take(&self, anchor: Anchor, answer: Option<WindowMessage>) {
        let mut state = self.0.state.borrow_mut();
        let window = answer.map(|message| message.window);
        // What is to be held may be another row than when the question was asked.
        let held = if state.geometry.is_at_top() { None } else { self.row_to_hold(&state) };
        let is_shown = window.is_some();
        state.window = window;
        let top = state.geometry.top();
        let n_rows = state.window.as_ref().map_or(0, |window| window.n_view_rows);
        state.geometry.set_n_rows(n_rows);
        if matches!(anchor, Anchor::End) {
            state.geometry.move_to(f64::MAX);
        } else if let Some((old_rank, rank)) = held.and_then(|(rank, row_id)| Some((rank, state.rank_of(row_id)?))) {
            let n_down = rank as f64 - old_rank as f64;
            let height = state.geometry.row_height();
            state.geometry.move_to(top + n_down * height);
        }
        if let Some(rank) = state.revealed.and_then(|row_id| state.rank_of(row_id)) {
            state.geometry.reveal(rank);
            state.revealed = None;
        }
        state.is_asking = false;
        let is_wanted = std::mem::take(&mut state.is_wanted);
        drop(state);
        self.count_unseen();
        if !is_wanted {
            self.0.state.borrow_mut().is_elsewhere = false;
        }
        if is_wanted {
            self.refresh();
        } else if is_shown {
            self.ask_if_needed();
        }
        self.draw_anew();
    }

    /// Counts the rows that came since the end was in view.
    fn count_unseen(&self) {
        let model = &self.0.model;
        let is_live = model.state.with_untracked(|state| state.connection == Connection::Live);
        let mut state = self.0.state.borrow_mut();
        let n_rows = state.geometry.n_rows();
        let is_shown = state.window.is_some();
        let was_live = std::mem::replace(&mut state.was_live, is_live && is_shown);
        if !was_live
            || state.is_elsewhere
            || state.geometry.is_at_end()
            || n_rows < state.n_seen
            || !untrack(|| model.is_in_order_of_arrival())
        {
            state.n_seen = n_rows;
        }
        let n_unseen = n_rows - state.n_seen;
        drop(state);
        if model.n_unseen.get_untracked() != n_unseen {
            model.n_unseen.set(n_unseen);
        }
    }

    fn draw(&self) {
        let model = &self.0.model;
        let mut state = self.0.state.borrow_mut();
        let state = &mut *state;
        let selection = model.selection.read_untracked();
        state.focus.take(selection.focus(), model.link().0);
        let drawing = Drawing {
            version: state.version,
            window: state.window.as_ref(),
            columns: &state.columns,
            in_view: &InView::of(&state.columns, state.left, state.width),
            selection: &selection,
            focus_id: &state.focus.id,
            is_grouped: model.query.with_untracked(|query| query.group_by().is_some()),
        };
        let is_focus_drawn = state.canvas.draw(&mut state.geometry, drawn, &drawing);
        state.focus.name(&self.0.scroller, is_focus_drawn);
    }
}

/// The ranks of the rows that are drawn: those in view, and a few beyond each edge.
fn drawn(geometry: &Geometry) -> Range<u64> {
    let in_view = geometry.visible();
    in_view.start.saturating_sub(OVERSCAN_ROWS)..(in_view.end + OVERSCAN_ROWS).min(geometry.n_rows())
}

impl State {
    /// The rank of a row, where the window has it.
    fn rank_of(&self, row_id: f64) -> Option<u64> {
        let window = self.window.as_ref()?;
        Some(window.first_rank + window.row_ids.iter().position(|id| *id == row_id)? as u64)
    }

    /// Whether the window holds all that is drawn.
    fn is_covered(&self) -> bool {
        let Some(window) = &self.window else { return false };
        let held = window.first_rank..window.first_rank + window.row_ids.len() as u64;
        let drawn = drawn(&self.geometry);
        let mut columns = InView::of(&self.columns, self.left, self.width).places();
        let has_column = |idx: usize| window.columns.iter().any(|column| column.name == self.columns[idx].name);
        drawn.start >= held.start && drawn.end <= held.end && columns.all(has_column)
    }
}
