//! Rows that leave an order: those that the table dropped, that were patched, or that moving windows leave behind.

use super::{BLOCK_ROWS, Block, Order};
use crate::row_set::RowSet;
use crate::sort::sort_pairs;
use crate::table::Table;

/// Rows are few where there are so many times as many in the order.
const FEW_SHARE: usize = if cfg!(test) { 3 } else { 256 };

impl Order {
    /// Lets go of the rows before the first of a segment. To be followed by [`Order::finish`].
    pub(crate) fn drop_before(&mut self, row: u32) {
        self.waiting.drop_before(row as usize);
        self.keep(|other| other >= row);
        self.forget_before(row);
    }

    /// Lets go of what was computed of rows before that one, which are in the view no more.
    pub(crate) fn forget_before(&mut self, row: u32) {
        self.keys.iter_mut().filter_map(|key| key.computed.as_mut()).for_each(|computed| computed.drop_before(row));
    }

    /// Lets go of rows, whatever their cells now are. To be followed by [`Order::finish`].
    pub(crate) fn remove(&mut self, rows: &RowSet) {
        self.waiting.remove(rows);
        self.keep(|row| !rows.has(row));
    }

    fn keep(&mut self, is_kept: impl Fn(u32) -> bool) {
        for block in &mut self.blocks {
            block.keep(|_, row| is_kept(row));
        }
        self.settle_blocks();
    }

    /// Joins blocks that became small and brings what is told of them up to date, after rows were taken out.
    fn settle_blocks(&mut self) {
        self.blocks.retain(|block| !block.rows.is_empty());
        self.blocks.dedup_by(|block, before| {
            let is_small = before.rows.len() + block.rows.len() <= BLOCK_ROWS / 2;
            if is_small {
                before.append(block);
            }
            is_small
        });
        self.first_prefixes.clear();
        self.first_prefixes.extend(self.blocks.iter().map(|block| block.prefixes[0]));
        self.number_blocks();
    }

    /// Takes out rows as [`Order::remove`] does, faster where they are few and their cells are those by which they were put
    /// in. Rows that are not in the order are passed over.
    pub(crate) fn leave(&mut self, table: &Table, rows: &RowSet) {
        // To look for one takes as long as to pass over hundreds.
        if self.is_built && rows.n_rows() < self.n_rows / FEW_SHARE {
            self.remove_few(table, rows);
        } else {
            self.remove(rows);
        }
        if self.blocks.capacity() > 4 * self.blocks.len() {
            self.blocks.shrink_to_fit();
            self.starts.shrink_to_fit();
        }
    }

    /// Finds the place of each row.
    fn remove_few(&mut self, table: &Table, rows: &RowSet) {
        let place_of = |row: u32| {
            let prefix = self.keys[0].prefix(table, row, 0);
            let block = self.block_of(table, prefix, row)?;
            let place = self.blocks[block].place_of(self, table, prefix, row);
            (self.blocks[block].rows.get(place) == Some(&row)).then_some((block as u64, place as u32))
        };
        let mut places: Vec<(u64, u32)> = rows.rows_from(0).filter_map(place_of).collect();
        sort_pairs(&mut places);
        for of_block in places.chunk_by(|a, b| a.0 == b.0) {
            let mut places = of_block.iter().map(|(_, place)| *place as usize).peekable();
            self.blocks[of_block[0].0 as usize].keep(|place, _| places.next_if_eq(&place).is_none());
        }
        self.settle_blocks();
    }
}

impl Block {
    /// Takes in the rows of a block that comes next.
    fn append(&mut self, next: &mut Block) {
        self.make_room(next.rows.len());
        self.prefixes.append(&mut next.prefixes);
        self.rows.append(&mut next.rows);
    }

    /// Keeps rows by their place and number; is asked in order.
    fn keep(&mut self, mut is_kept: impl FnMut(usize, u32) -> bool) {
        let mut n_kept = 0;
        for idx in 0..self.rows.len() {
            let row = self.rows[idx];
            if n_kept < idx {
                (self.rows[n_kept], self.prefixes[n_kept]) = (row, self.prefixes[idx]);
            }
            n_kept += usize::from(is_kept(idx, row));
        }
        self.rows.truncate(n_kept);
        self.prefixes.truncate(n_kept);
        if self.rows.capacity() > n_kept + BLOCK_ROWS / 4 {
            self.shrink();
        }
    }
}
