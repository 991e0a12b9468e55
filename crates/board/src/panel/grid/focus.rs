//! The name under which the grid tells those who listen which cell has the focus.

use web_sys::HtmlElement;

use crate::protocol::PanelId;
use crate::state::selection::Focus;

/// The focused cell's id. Another cell has another one, or those who listen would not hear of the move.
#[derive(Default)]
pub(super) struct FocusMark {
    cell: Option<Focus>,
    pub(super) id: String,
    n_moves: u32,
    /// Whether the grid names the cell, as it does while the cell is drawn.
    is_named: bool,
}

impl FocusMark {
    /// Takes in which cell has the focus.
    pub(super) fn take(&mut self, cell: Option<&Focus>, panel: PanelId) {
        if self.cell.as_ref() != cell {
            self.cell = cell.cloned();
            self.n_moves = self.n_moves.wrapping_add(1);
            self.id = format!("panel-{panel}-focus-{}", self.n_moves);
            self.is_named = false;
        }
    }

    /// Has the grid name the cell as the one that is active, while it is drawn.
    pub(super) fn name(&mut self, grid: &HtmlElement, is_drawn: bool) {
        const ATTRIBUTE: &str = "aria-activedescendant";
        if self.is_named == is_drawn && (is_drawn || !grid.has_attribute(ATTRIBUTE)) {
            return;
        }
        self.is_named = is_drawn;
        // Both names are valid, and an attribute that is gone already is as good.
        let _ = if is_drawn { grid.set_attribute(ATTRIBUTE, &self.id) } else { grid.remove_attribute(ATTRIBUTE) };
    }
}
