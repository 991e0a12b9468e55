//! What is on screen, as typed arrays: small, flat and ready to be handed to another thread.

use model::ColumnType;

use crate::cell::Cell;
use crate::display::push_cell_text;

/// Some rows of a view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// The view's revision that this is of.
    pub revision: u64,
    /// The rank of the first row.
    pub first_rank: u64,
    /// How many rows the whole view has.
    pub n_view_rows: u64,
    /// The rows' ids, in order: offsets, or the groups' numbers. A float holds whole numbers up to 2^53.
    pub row_ids: Vec<f64>,
    /// The columns that were asked for, in that order.
    pub columns: Vec<WindowColumn>,
}

/// The cells of one column for the rows of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowColumn {
    /// The column's name.
    pub name: String,
    /// The column's type so far; `Null` where the view has no such column.
    pub column_type: ColumnType,
    /// For each cell its own type, `ColumnType as u8`: 0 for null, never `Mixed`.
    pub kinds: Vec<u8>,
    /// For each cell its number: 0 or 1, the number (whole ones past 2^53 rounded), or microseconds since 1970; else 0.
    pub numbers: Vec<f64>,
    /// Where each cell's text ends within `text`; the first starts at 0.
    pub ends: Vec<u32>,
    /// The cells' texts end to end, in UTF-8: texts, whole numbers in full, media as data URLs, the first bytes in
    /// hexadecimal, lists and objects much as JSON. Empty for null, booleans, floats and times.
    pub text: Vec<u8>,
}

impl WindowColumn {
    /// The text of the cell at `idx`.
    ///
    /// # Panics
    /// When there is no such cell.
    #[must_use]
    pub fn text_at(&self, idx: usize) -> &str {
        let start = if idx == 0 { 0 } else { self.ends[idx - 1] as usize };
        std::str::from_utf8(&self.text[start..self.ends[idx] as usize]).unwrap_or_default()
    }

    pub(crate) fn of<'a>(name: &str, column_type: ColumnType, cells: &mut dyn Iterator<Item = Cell<'a>>) -> Self {
        let mut column = Self {
            name: name.to_owned(),
            column_type,
            kinds: Vec::new(),
            numbers: Vec::new(),
            ends: Vec::new(),
            text: Vec::new(),
        };
        let mut text = String::new();
        for cell in cells {
            column.kinds.push(cell.column_type() as u8);
            column.numbers.push(match cell {
                Cell::Bool(value) => f64::from(u8::from(value)),
                Cell::Int(number) | Cell::Time(number) => number as f64,
                Cell::Float(number) => number,
                _ => 0.0,
            });
            push_cell_text(cell, &mut text);
            column.ends.push(text.len() as u32);
        }
        column.text = text.into_bytes();
        column
    }
}
