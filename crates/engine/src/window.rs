//! What is on screen, as typed arrays: small, flat and ready to be handed to another thread.

use std::ops::Range;

use model::{ColumnType, Value};

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

    /// The cells of these values.
    #[must_use]
    pub fn of_values<'a>(name: &str, column_type: ColumnType, values: impl Iterator<Item = &'a Value>) -> Self {
        Self::of(name, column_type, &mut values.map(Cell::from))
    }

    /// The cells of some of the rows.
    ///
    /// # Panics
    /// When there are no such rows.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let end_before = |row: usize| if row == 0 { 0 } else { self.ends[row - 1] };
        let (start, end) = (end_before(rows.start), end_before(rows.end));
        Self {
            name: self.name.clone(),
            column_type: self.column_type,
            kinds: self.kinds[rows.clone()].to_vec(),
            numbers: self.numbers[rows.clone()].to_vec(),
            ends: self.ends[rows].iter().map(|end| end - start).collect(),
            text: self.text[start as usize..end as usize].to_vec(),
        }
    }

    /// Adds the cells of rows that come after these.
    pub fn extend(&mut self, more: &Self) {
        let start = self.ends.last().copied().unwrap_or_default();
        self.kinds.extend(&more.kinds);
        self.numbers.extend(&more.numbers);
        self.ends.extend(more.ends.iter().map(|end| start + end));
        self.text.extend(&more.text);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_column_make_it_whole_again() {
        let values = [Value::Text("äb".into()), Value::Null, Value::Float(2.5), Value::Text("c".into())];
        let whole = WindowColumn::of_values("x", ColumnType::Mixed, values.iter());
        for cut in 0..=values.len() {
            let (mut part, rest) = (whole.slice(0..cut), whole.slice(cut..values.len()));
            assert_eq!(rest, WindowColumn::of_values("x", ColumnType::Mixed, values[cut..].iter()));
            part.extend(&rest);
            assert_eq!(part, whole);
        }
    }
}
