//! Patches: new cells of rows that are there already. A table remembers which rows were patched lately, so that a view looks
//! again at these alone.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use model::{Bitmap, Cells as ColumnCells, Column, Row, SYSTEM_COLUMNS, Strings, Value};

use crate::column::{Cells, Chunk, Zone};
use crate::error::EngineError;
use crate::row_set::RowSet;
use crate::segment::SEGMENT_ROWS;
use crate::table::{RowId, Table};

/// So many patched rows are remembered. A view that missed more is made anew.
const REMEMBERED_ROWS: usize = if cfg!(test) { 12 } else { 1 << 16 };

/// The rows that were patched lately.
#[derive(Default)]
pub(crate) struct Patched {
    /// Their numbers, the last patched last.
    rows: VecDeque<u32>,
    /// How many there were since the table began, rows that were patched again counted again.
    n_rows: u64,
}

impl Patched {
    /// How many rows were patched so far.
    pub(crate) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Those of some rows that were patched after the first `n_known` patches; `None` where not all are remembered.
    pub(crate) fn since(&self, n_known: u64, rows: Range<u32>) -> Option<RowSet> {
        let n_missed = usize::try_from(self.n_rows - n_known).ok().filter(|n| *n <= self.rows.len())?;
        let missed = self.rows.range(self.rows.len() - n_missed..).copied();
        Some(RowSet::of_rows(missed.filter(|row| rows.contains(row))))
    }

    fn push(&mut self, row: u32) {
        if self.rows.len() == REMEMBERED_ROWS {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
        self.n_rows += 1;
    }
}

impl Table {
    /// Sets cells of rows that are there, in order: a later patch of a cell replaces an earlier one. Cells that a patch does not
    /// name stay as they are, and a column may be new. Rows that the table has let go of are passed over.
    ///
    /// Each column that is patched is written anew where the row stands, for up to [`SEGMENT_ROWS`] rows: many patches at once
    /// cost little more than one.
    ///
    /// # Errors
    /// [`EngineError::NoSuchRow`] of a row that is yet to come, [`EngineError::SystemColumn`]. The table is then as it was.
    pub fn patch(&mut self, patches: &[(RowId, Row)]) -> Result<(), EngineError> {
        for (row_id, row) in patches {
            if *row_id >= self.next_offset() {
                return Err(EngineError::NoSuchRow(*row_id));
            }
            if let Some((name, _)) = row.iter().find(|(name, _)| SYSTEM_COLUMNS.contains(name)) {
                return Err(EngineError::SystemColumn(name.to_owned()));
            }
        }
        // By segment and column: the cells by place.
        let mut cells: BTreeMap<(usize, usize), Vec<(usize, &Value)>> = BTreeMap::new();
        for (row_id, patch) in patches {
            let Some(row) = self.row_number(*row_id) else { continue };
            let (segment_idx, place) = (row as usize / SEGMENT_ROWS, row as usize % SEGMENT_ROWS);
            for (name, value) in patch.iter() {
                let column_idx = self.merge_column(name, value.column_type(), matches!(value, Value::Int(_)));
                cells.entry((segment_idx, column_idx)).or_default().push((place, value));
            }
            self.patched.push(row);
        }
        for ((segment_idx, column_idx), cells) in cells {
            if let Some(segment) = self.segment_mut(segment_idx) {
                segment.patch(column_idx, &cells);
            }
        }
        Ok(())
    }
}

impl Chunk {
    /// Sets cells by place, in order.
    pub(crate) fn patch(&mut self, cells: &[(usize, &Value)]) {
        if !self.patch_in_place(cells) {
            *self = self.patched(cells);
            return;
        }
        if cells.iter().any(|(_, value)| value.is_null()) || self.validity.is_some() {
            let mut is_there: Vec<bool> = (0..self.len()).map(|idx| !self.is_null(idx)).collect();
            for (place, value) in cells {
                is_there[*place] = !value.is_null();
            }
            self.n_nulls = is_there.iter().filter(|is_there| !**is_there).count();
            self.validity = Some(is_there.into_iter().collect());
        }
        self.zone = Zone::Unknown;
        self.widen_zone(0);
    }

    /// Writes cells over those of the same type; says whether it could. A null leaves the type's default.
    fn patch_in_place(&mut self, cells: &[(usize, &Value)]) -> bool {
        fn write<T: Copy + Default>(
            mine: &mut [T],
            cells: &[(usize, &Value)],
            of: impl Fn(&Value) -> Option<T>,
        ) -> bool {
            let typed = |(place, value): &(usize, &Value)| {
                Some((*place, if value.is_null() { T::default() } else { of(value)? }))
            };
            let Some(typed) = cells.iter().map(typed).collect::<Option<Vec<(usize, T)>>>() else { return false };
            typed.into_iter().for_each(|(place, cell)| mine[place] = cell);
            true
        }
        match &mut self.cells {
            Cells::Bool(mine) => write(mine, cells, |value| if let Value::Bool(b) = value { Some(*b) } else { None }),
            Cells::Int(mine) => write(mine, cells, |value| if let Value::Int(n) = value { Some(*n) } else { None }),
            Cells::Float(mine) => write(mine, cells, |value| if let Value::Float(x) = value { Some(*x) } else { None }),
            Cells::Time(mine) => write(mine, cells, |value| if let Value::Time(t) = value { Some(t.0) } else { None }),
            _ => false,
        }
    }

    /// The same cells but for some, packed anew.
    fn patched(&self, cells: &[(usize, &Value)]) -> Self {
        let mut new: BTreeMap<usize, &Value> = BTreeMap::new();
        new.extend(cells.iter().copied());
        let is_text = |value: &&Value| matches!(value, Value::Null | Value::Text(_));
        let column = if matches!(self.cells, Cells::Text(_)) && new.values().all(is_text) {
            // Without a text of its own for each cell.
            let mut is_there = Vec::with_capacity(self.len());
            let mut texts = Strings::default();
            for idx in 0..self.len() {
                let text = match (new.get(&idx), &self.cells) {
                    (Some(Value::Text(text)), _) => Some(text.as_str()),
                    (None, Cells::Text(mine)) if !self.is_null(idx) => Some(mine.get(idx)),
                    _ => None,
                };
                is_there.push(text.is_some());
                texts.push(text.unwrap_or_default());
            }
            let validity = is_there.contains(&false).then(|| is_there.into_iter().collect::<Bitmap>());
            Column::new(String::new(), ColumnCells::Text(texts), validity)
        } else {
            let value = |idx| new.get(&idx).map_or_else(|| self.cell(idx).to_value(), |value| (*value).clone());
            Column::of_values(String::new(), (0..self.len()).map(value))
        };
        let mut chunk = Chunk::nulls(0);
        chunk.append(&column, 0..column.len(), 0);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use model::StoredBatch;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_cannot_be_patched_is_refused_and_changes_nothing() {
        let row = |name: &str, value: i64| [(name, Value::Int(value))].into_iter().collect::<Row>();
        let mut table = Table::starting_at(5);
        table.append(&StoredBatch { first_offset: 5, batch: [row("a", 1)].into_iter().collect() }).unwrap();
        assert_eq!(table.patch(&[(5, row("a", 2)), (6, row("a", 2))]), Err(EngineError::NoSuchRow(6)));
        let refused = table.patch(&[(5, row("b", 2)), (5, row("_seq", 2))]);
        assert_eq!(refused, Err(EngineError::SystemColumn("_seq".to_owned())));
        assert_eq!((table.value(5, "a"), table.schema().columns().len()), (Value::Int(1), 1));
        // A row that is gone.
        assert_eq!(table.patch(&[(4, row("a", 2))]), Ok(()));
        assert_eq!((table.value(5, "a"), table.patched.n_rows()), (Value::Int(1), 0));
    }
}
