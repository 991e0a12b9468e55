//! Where the columns stand: their order, widths, and which are hidden or pinned.

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
    /// In the order in which they were pinned.
    pinned: Vec<String>,
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
        self.pinned.iter_mut().filter(|name| *name == old).for_each(|name| new.clone_into(name));
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
        let others = columns.iter().filter(|column| !self.is_pinned(&column.name)).map(|column| (column, false));
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
