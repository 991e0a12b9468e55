//! Where the columns stand: their order, widths, and which are hidden.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use model::{ColumnType, TIMESTAMP_COLUMN};

use crate::protocol::PanelColumn;

/// The narrowest a column can be made, in pixels.
pub const MIN_WIDTH_PX: f64 = 48.0;
/// The width of the gutter that holds the rows' numbers, in pixels.
pub const GUTTER_PX: f64 = 64.0;

/// What the reader set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    widths: HashMap<String, f64>,
    hidden: HashSet<String>,
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

    /// Shows every column again.
    pub fn show_all(&mut self) {
        self.hidden.clear();
    }

    /// The columns that are not hidden, from left to right.
    #[must_use]
    pub fn place(&self, columns: &[PanelColumn]) -> Vec<Placed> {
        let mut left = GUTTER_PX;
        let shown = columns.iter().filter(|column| !self.hidden.contains(&column.name));
        shown
            .map(|column| {
                let width = self.widths.get(&column.name).copied().unwrap_or_else(|| default_width(column));
                let placed = Placed { name: column.name.clone(), column_type: column.column_type, left, width };
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
#[must_use]
pub fn visible(columns: &[Placed], left: f64, width: f64) -> Range<usize> {
    let start = columns.partition_point(|column| column.left + column.width <= left);
    let end = columns.partition_point(|column| column.left < left + width);
    start..end.max(start)
}

fn default_width(column: &PanelColumn) -> f64 {
    let by_type: f64 = match column.column_type {
        ColumnType::Bool | ColumnType::Null => 84.0,
        ColumnType::Int | ColumnType::Float => 104.0,
        ColumnType::Time => 182.0,
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
        assert_eq!(visible(&placed, 0.0, 300.0), 0..3);
        assert_eq!(visible(&placed, GUTTER_PX + 104.0, 104.0), 1..2);
        assert_eq!(visible(&placed, total_width(&placed), 100.0), 500..500);
        assert_eq!(visible(&[], 0.0, 100.0), 0..0);
    }
}
