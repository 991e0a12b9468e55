//! Where the columns stand: their order, widths, and which are hidden or pinned; and how tall the rows are.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use model::{ColumnType, TIMESTAMP_COLUMN};

use crate::protocol::PanelColumn;

/// The narrowest a column can be made, in pixels.
pub const MIN_WIDTH_PX: f64 = 48.0;
/// The width of the gutter that holds the rows' numbers, in pixels.
pub const GUTTER_PX: f64 = 64.0;
/// How much of the viewport's width the gutter and the pinned columns may take: the others need room to be scrolled.
const MAX_PINNED_SHARE: f64 = 0.67;

/// What the reader set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    widths: HashMap<String, f64>,
    hidden: HashSet<String>,
    /// From left to right.
    pinned: Vec<String>,
    /// The columns that were there when one was moved, from left to right; others follow them.
    order: Vec<String>,
    row_height: RowHeight,
}

/// How tall the rows are: how many lines of a text, and how much of a picture, are seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowHeight {
    /// A line.
    #[default]
    Short,
    /// Two lines.
    Medium,
    /// Five lines.
    Tall,
}

impl RowHeight {
    /// All of them.
    pub const ALL: [RowHeight; 3] = [RowHeight::Short, RowHeight::Medium, RowHeight::Tall];

    /// The height of a row, in pixels. The styles have it, too.
    #[must_use]
    pub fn pixels(self) -> f64 {
        match self {
            RowHeight::Short => 28.0,
            RowHeight::Medium => 48.0,
            RowHeight::Tall => 108.0,
        }
    }

    /// Its name, for the styles and for readers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RowHeight::Short => "Short",
            RowHeight::Medium => "Medium",
            RowHeight::Tall => "Tall",
        }
    }
}

/// A column in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Its left edge, in pixels from the grid's own.
    pub left: f64,
    /// Its width, in pixels.
    pub width: f64,
    /// Whether it is to stay in view when the others are scrolled.
    pub is_pinned: bool,
}

/// Which columns are drawn, by their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InView {
    /// How many stay at the left edge: the first ones.
    pub n_pinned: usize,
    /// Those of the others that are in view.
    pub scrolled: Range<usize>,
}

impl InView {
    /// What a viewport shows that is `width` pixels wide and scrolled by `left`.
    #[must_use]
    pub fn of(columns: &[Placed], left: f64, width: f64) -> Self {
        let most = width * MAX_PINNED_SHARE;
        let is_held = |column: &&Placed| column.is_pinned && column.left + column.width <= most;
        let n_pinned = columns.iter().take_while(is_held).count();
        let edge = total_width(&columns[..n_pinned]);
        let scrolled = touched(&columns[n_pinned..], left + edge, width - edge);
        Self { n_pinned, scrolled: scrolled.start + n_pinned..scrolled.end + n_pinned }
    }

    /// The same, and as many columns beyond each edge as half a viewport holds.
    #[must_use]
    pub fn with_margin(columns: &[Placed], left: f64, width: f64) -> Self {
        let Self { n_pinned, .. } = Self::of(columns, left, width);
        let scrolled = touched(&columns[n_pinned..], left - width / 2.0, width * 2.0);
        Self { n_pinned, scrolled: scrolled.start + n_pinned..scrolled.end + n_pinned }
    }

    /// The places of all that are drawn, from left to right.
    pub fn places(&self) -> impl DoubleEndedIterator<Item = usize> + use<> {
        (0..self.n_pinned).chain(self.scrolled.clone())
    }
}

impl Layout {
    /// Sets a column's width, in pixels.
    pub fn set_width(&mut self, column: &str, width: f64) {
        self.widths.insert(column.to_owned(), width.max(MIN_WIDTH_PX));
    }

    /// Hides a column.
    pub fn hide(&mut self, column: &str) {
        self.hidden.insert(column.to_owned());
    }

    /// Whether a column is hidden.
    #[must_use]
    pub fn is_hidden(&self, column: &str) -> bool {
        self.hidden.contains(column)
    }

    /// Shows a column again.
    pub fn show(&mut self, column: &str) {
        self.hidden.remove(column);
    }

    /// Keeps what was set of a column that has another name from now on.
    pub fn rename(&mut self, old: &str, new: &str) {
        if let Some(width) = self.widths.remove(old) {
            self.widths.insert(new.to_owned(), width);
        }
        if self.hidden.remove(old) {
            self.hidden.insert(new.to_owned());
        }
        let names = self.pinned.iter_mut().chain(&mut self.order);
        names.filter(|name| *name == old).for_each(|name| new.clone_into(name));
    }

    /// How tall the rows are.
    #[must_use]
    pub fn row_height(&self) -> RowHeight {
        self.row_height
    }

    /// Makes the rows taller or shorter.
    pub fn set_row_height(&mut self, row_height: RowHeight) {
        self.row_height = row_height;
    }

    /// Moves a column to where another one stands, whose neighbour it becomes. A pinned one stays among the pinned, and one of
    /// the others among them: where `target` is of the other kind, nothing moves.
    pub fn move_to(&mut self, columns: &[PanelColumn], column: &str, target: &str) {
        if self.is_pinned(column) != self.is_pinned(target) {
            return;
        }
        if !self.is_pinned(column) {
            let now: Vec<String> = self.ordered(columns).into_iter().map(|column| column.name.clone()).collect();
            // Those of another view, of groups perhaps, keep their order among themselves.
            self.order.retain(|name| !now.contains(name));
            self.order.splice(0..0, now);
        }
        let names = if self.is_pinned(column) { &mut self.pinned } else { &mut self.order };
        let place = |name: &str| names.iter().position(|known| known == name);
        if let (Some(from), Some(to)) = (place(column), place(target)) {
            let name = names.remove(from);
            names.insert(to, name);
        }
    }

    /// Moves a column past its neighbour on the right, or on the left.
    pub fn move_by_one(&mut self, columns: &[PanelColumn], column: &str, to_the_right: bool) {
        let placed = self.place(columns);
        let place = placed.iter().position(|placed| placed.name == column);
        let to = place.and_then(|place| if to_the_right { Some(place + 1) } else { place.checked_sub(1) });
        if let Some(target) = to.and_then(|to| placed.get(to)) {
            self.move_to(columns, column, &target.name);
        }
    }

    /// The columns, as they were moved; the pinned among them.
    fn ordered<'a>(&self, columns: &'a [PanelColumn]) -> Vec<&'a PanelColumn> {
        let places: HashMap<&str, usize> =
            self.order.iter().enumerate().map(|(place, name)| (&**name, place)).collect();
        let mut ordered: Vec<&PanelColumn> = columns.iter().collect();
        // The sort is stable.
        ordered.sort_by_key(|column| places.get(&*column.name).copied().unwrap_or(usize::MAX));
        ordered
    }

    /// Shows every column again.
    pub fn show_all(&mut self) {
        self.hidden.clear();
    }

    /// Pins a column behind those that are, or lets it stand among the others again.
    pub fn toggle_pin(&mut self, column: &str) {
        match self.pinned.iter().position(|name| name == column) {
            Some(place) => drop(self.pinned.remove(place)),
            None => self.pinned.push(column.to_owned()),
        }
    }

    /// Whether a column is pinned.
    #[must_use]
    pub fn is_pinned(&self, column: &str) -> bool {
        self.pinned.iter().any(|name| name == column)
    }

    /// The columns that are not hidden, from left to right, the pinned ones first.
    #[must_use]
    pub fn place(&self, columns: &[PanelColumn]) -> Vec<Placed> {
        let mut left = GUTTER_PX;
        let of_name = |name: &String| columns.iter().find(|column| column.name == *name);
        let pinned = self.pinned.iter().filter_map(of_name).map(|column| (column, true));
        let others = self.ordered(columns).into_iter().filter(|column| !self.is_pinned(&column.name));
        let others = others.map(|column| (column, false));
        pinned
            .chain(others)
            .filter(|(column, _)| !self.hidden.contains(&column.name))
            .map(|(column, is_pinned)| {
                let width = self.widths.get(&column.name).copied().unwrap_or_else(|| default_width(column));
                let name = column.name.clone();
                let placed = Placed { name, column_type: column.column_type, left, width, is_pinned };
                left += width;
                placed
            })
            .collect()
    }
}

/// The width of all columns and the gutter, in pixels.
#[must_use]
pub fn total_width(columns: &[Placed]) -> f64 {
    columns.last().map_or(GUTTER_PX, |last| last.left + last.width)
}

/// Where a column that is dragged should stand: in the place of the one that the pointer has come to, `x` pixels from the grid's
/// left edge. Not yet while it would not be under the pointer there, for then it would jump to and fro.
#[must_use]
pub fn drop_target<'a>(placed: &'a [Placed], column: &str, x: f64) -> Option<&'a Placed> {
    let own = placed.iter().find(|placed| placed.name == column)?;
    let target = placed.iter().find(|placed| x >= placed.left && x < placed.left + placed.width)?;
    let is_past =
        if target.left > own.left { x >= target.left + target.width - own.width } else { x < target.left + own.width };
    (target.name != own.name && target.is_pinned == own.is_pinned && is_past).then_some(target)
}

/// The columns that the stretch from `left` to `left + width` touches.
fn touched(columns: &[Placed], left: f64, width: f64) -> Range<usize> {
    let start = columns.partition_point(|column| column.left + column.width <= left);
    let end = columns.partition_point(|column| column.left < left + width);
    start..end.max(start)
}

fn default_width(column: &PanelColumn) -> f64 {
    let by_type: f64 = match column.column_type {
        ColumnType::Bool | ColumnType::Null => 84.0,
        ColumnType::Int | ColumnType::Float => 104.0,
        ColumnType::Time => 196.0,
        ColumnType::Media => 96.0,
        ColumnType::Text | ColumnType::Bytes | ColumnType::Mixed => 160.0,
        ColumnType::Nested => 200.0,
    };
    if column.name == TIMESTAMP_COLUMN {
        return 196.0;
    }
    // Room for the name, its type's mark and the menu button.
    let by_name = 7.5 * column.name.chars().count() as f64 + 58.0;
    by_type.max(by_name.min(240.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(n: usize) -> Vec<PanelColumn> {
        (0..n).map(|i| PanelColumn { name: format!("c{i}"), column_type: ColumnType::Float }).collect()
    }

    #[test]
    fn columns_stand_side_by_side_without_the_hidden_ones() {
        let mut layout = Layout::default();
        layout.set_width("c0", 10.0);
        layout.hide("c1");
        let placed = layout.place(&columns(3));
        let edges: Vec<_> = placed.iter().map(|p| (p.name.as_str(), p.left, p.width)).collect();
        assert_eq!(edges, [("c0", GUTTER_PX, MIN_WIDTH_PX), ("c2", GUTTER_PX + MIN_WIDTH_PX, 104.0)]);
        layout.show_all();
        assert_eq!(layout.place(&columns(3)).len(), 3);
    }

    #[test]
    fn only_the_columns_in_view_are_seen() {
        let placed = Layout::default().place(&columns(500));
        let scrolled = |left, width| InView::of(&placed, left, width).scrolled;
        assert_eq!(scrolled(0.0, 300.0), 0..3);
        assert_eq!(scrolled(104.0, 168.0), 1..2);
        assert_eq!(scrolled(total_width(&placed), 100.0), 500..500);
        assert_eq!(InView::with_margin(&placed, 1040.0, 416.0).scrolled, 7..16);
        assert_eq!(InView::of(&[], 0.0, 100.0), InView::default());
    }

    fn names(layout: &Layout, columns: &[PanelColumn]) -> Vec<String> {
        layout.place(columns).into_iter().map(|placed| placed.name).collect()
    }

    #[test]
    fn columns_are_moved_among_their_own_kind_and_new_ones_follow() {
        let mut layout = Layout::default();
        let columns = columns(6);
        layout.hide("c2");
        layout.toggle_pin("c4");
        layout.toggle_pin("c5");
        assert_eq!(names(&layout, &columns), ["c4", "c5", "c0", "c1", "c3"]);
        layout.move_to(&columns, "c3", "c0");
        layout.move_by_one(&columns, "c4", true);
        assert_eq!(names(&layout, &columns), ["c5", "c4", "c3", "c0", "c1"]);
        // Past the hidden one, too, and never over an edge.
        layout.move_by_one(&columns, "c1", false);
        layout.move_by_one(&columns, "c3", false);
        layout.move_by_one(&columns, "c0", true);
        layout.move_to(&columns, "c0", "c4");
        assert_eq!(names(&layout, &columns), ["c5", "c4", "c3", "c1", "c0"]);
        // Another view's columns keep out of it, and what comes new stands at the end.
        let groups = [&columns[3], &columns[0]].map(Clone::clone);
        layout.move_by_one(&groups, "c0", false);
        assert_eq!(names(&layout, &groups), ["c0", "c3"]);
        let more = super::tests::columns(7);
        layout.show("c2");
        assert_eq!(names(&layout, &more)[2..], ["c0", "c3", "c1", "c2", "c6"]);
    }

    #[test]
    fn a_dragged_column_moves_once_it_would_be_under_the_pointer() {
        let mut layout = Layout::default();
        layout.set_width("c1", 300.0);
        layout.toggle_pin("c9");
        let columns = columns(10);
        let placed = layout.place(&columns);
        let target = |column: &str, x: f64| drop_target(&placed, column, x).map(|placed| placed.name.as_str());
        // c9 | c0 | c1, three times as wide | c2
        let left = GUTTER_PX + 104.0;
        assert_eq!((target("c0", left + 50.0), target("c0", left + 110.0)), (None, None));
        assert_eq!(target("c0", left + 104.0 + 200.0), Some("c1"));
        assert_eq!(target("c1", left + 50.0), Some("c0"));
        assert_eq!((target("c1", left - 1.0), target("c9", left + 1.0)), (None, None), "the pinned are apart");
        assert_eq!((target("c0", 0.0), target("none", left)), (None, None));
    }

    #[test]
    fn pinned_columns_stand_first_and_stay_while_there_is_room() {
        let mut layout = Layout::default();
        ["c7", "c3"].into_iter().for_each(|name| layout.toggle_pin(name));
        let placed = layout.place(&columns(500));
        let names: Vec<_> = placed[..4].iter().map(|p| (p.name.as_str(), p.is_pinned)).collect();
        assert_eq!(names, [("c7", true), ("c3", true), ("c0", false), ("c1", false)]);
        // Scrolled by ten columns, those under the pinned ones are not in view.
        assert_eq!(InView::of(&placed, 1040.0, 480.0), InView { n_pinned: 2, scrolled: 12..14 });
        assert_eq!(InView::of(&placed, 1040.0, 260.0), InView { n_pinned: 1, scrolled: 11..12 });
        assert_eq!(InView::of(&placed, 0.0, 480.0).places().collect::<Vec<_>>(), [0, 1, 2, 3]);
        layout.hide("c7");
        layout.toggle_pin("c3");
        assert_eq!(layout.place(&columns(3)).iter().filter(|p| p.is_pinned).count(), 0);
        assert!(layout.is_pinned("c7") && !layout.is_pinned("c3"));
    }
}
