//! Which rows are selected, and which cell has the focus: by the rows' ids, so that no update loses them.

use std::collections::HashSet;

/// The selected rows and the focused cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    rows: HashSet<u64>,
    /// The row from which a range is drawn.
    anchor: Option<u64>,
    focus: Option<Focus>,
}

/// The cell that the keyboard moves from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Focus {
    /// The row's id.
    pub row_id: u64,
    /// The column's name.
    pub column: String,
}

impl Selection {
    /// Whether the row is selected.
    #[must_use]
    pub fn contains(&self, row_id: u64) -> bool {
        self.rows.contains(&row_id)
    }

    /// The selected rows, in no order.
    #[must_use]
    pub fn rows(&self) -> Vec<u64> {
        self.rows.iter().copied().collect()
    }

    /// How many rows are selected.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// The focused cell.
    #[must_use]
    pub fn focus(&self) -> Option<&Focus> {
        self.focus.as_ref()
    }

    /// The row from which a range is drawn.
    #[must_use]
    pub fn anchor(&self) -> Option<u64> {
        self.anchor
    }

    /// Selects this row alone and focuses a cell of it.
    pub fn select(&mut self, row_id: u64, column: &str) {
        self.rows = HashSet::from([row_id]);
        self.anchor = Some(row_id);
        self.set_focus(row_id, column);
    }

    /// Selects the row as well, or no more.
    pub fn toggle(&mut self, row_id: u64, column: &str) {
        if !self.rows.remove(&row_id) {
            self.rows.insert(row_id);
        }
        self.anchor = Some(row_id);
        self.set_focus(row_id, column);
    }

    /// Selects the rows from the anchor to this one: `between` are the ids from the one to the other.
    pub fn extend(&mut self, between: impl IntoIterator<Item = u64>, row_id: u64, column: &str) {
        self.rows = between.into_iter().collect();
        self.rows.insert(row_id);
        self.anchor.get_or_insert(row_id);
        self.set_focus(row_id, column);
    }

    /// Whether anything of it is of a row before that one.
    #[must_use]
    pub fn reaches_before(&self, row_id: u64) -> bool {
        let focus = self.focus.as_ref().map(|focus| focus.row_id);
        self.rows.iter().copied().chain(self.anchor).chain(focus).any(|id| id < row_id)
    }

    /// Lets go of the rows before that one, which are gone.
    pub fn forget_before(&mut self, row_id: u64) {
        self.rows.retain(|id| *id >= row_id);
        self.anchor = self.anchor.filter(|id| *id >= row_id);
        self.focus = self.focus.take().filter(|focus| focus.row_id >= row_id);
    }

    /// Selects nothing.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn set_focus(&mut self, row_id: u64, column: &str) {
        self.focus = Some(Focus { row_id, column: column.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_selected_alone_together_and_in_a_range() {
        let mut selection = Selection::default();
        selection.select(5, "a");
        selection.toggle(9, "b");
        assert!(selection.contains(5) && selection.contains(9));
        selection.toggle(5, "a");
        assert!(!selection.contains(5));
        selection.select(3, "a");
        selection.extend([3, 7, 1], 1, "b");
        assert_eq!((selection.n_rows(), selection.anchor()), (3, Some(3)));
        assert_eq!(selection.focus(), Some(&Focus { row_id: 1, column: "b".into() }));
        selection.clear();
        assert_eq!(selection.n_rows(), 0);
    }

    #[test]
    fn rows_that_are_gone_are_selected_no_more() {
        let mut selection = Selection::default();
        selection.select(5, "a");
        selection.extend([5, 6, 7], 7, "a");
        assert!(selection.reaches_before(6) && !selection.reaches_before(5));
        selection.forget_before(6);
        assert_eq!((selection.n_rows(), selection.anchor()), (2, None));
        assert_eq!(selection.focus(), Some(&Focus { row_id: 7, column: "a".into() }));
        selection.forget_before(8);
        assert_eq!(selection, Selection::default());
    }
}
