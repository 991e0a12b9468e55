//! A run of rows: a chunk for each column the table knew when the rows came.

use std::ops::Range;

use model::{Column, Value};

use crate::cell::Cell;
use crate::column::Chunk;
use crate::table::Source;

/// How many rows a full segment has: 65,536, but few in this crate's own tests, so that they cross its bounds.
pub const SEGMENT_ROWS: usize = if cfg!(test) { 1 << 6 } else { 1 << 16 };

/// Up to [`SEGMENT_ROWS`] rows. Only patches change a full one.
#[derive(Default)]
pub(crate) struct Segment {
    n_rows: usize,
    /// By the table's column index. Columns past the end came later: all null here.
    chunks: Vec<Chunk>,
    /// What a full segment takes.
    full_bytes: Option<usize>,
}

impl Segment {
    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows
    }

    pub(crate) fn chunk(&self, column_idx: usize) -> Option<&Chunk> {
        self.chunks.get(column_idx)
    }

    /// The cells of a column; `None` where all are null.
    pub(crate) fn chunk_of(&self, source: Source) -> Option<&Chunk> {
        match source {
            Source::Column(idx) => self.chunk(idx),
            Source::Offset | Source::Missing => None,
        }
    }

    pub(crate) fn cell(&self, column_idx: usize, row_idx: usize) -> Cell<'_> {
        self.chunks.get(column_idx).map_or(Cell::Null, |chunk| chunk.cell(row_idx))
    }

    /// Takes in rows; each column comes with the table's index of it. Columns make room for `capacity` rows at once.
    pub(crate) fn append<'a>(
        &mut self,
        columns: impl Iterator<Item = (usize, &'a Column)>,
        range: Range<usize>,
        capacity: usize,
    ) {
        for (column_idx, column) in columns {
            while self.chunks.len() <= column_idx {
                self.chunks.push(Chunk::nulls(self.n_rows));
            }
            self.chunks[column_idx].append(column, range.clone(), capacity);
        }
        self.n_rows += range.len();
        for chunk in &mut self.chunks {
            chunk.fill(self.n_rows);
            if self.n_rows == SEGMENT_ROWS {
                chunk.seal();
            }
        }
        if self.n_rows == SEGMENT_ROWS {
            self.full_bytes = Some(self.memory_bytes());
        }
    }

    /// Sets cells of a column by place, in order.
    pub(crate) fn patch(&mut self, column_idx: usize, cells: &[(usize, &Value)]) {
        while self.chunks.len() <= column_idx {
            self.chunks.push(Chunk::nulls(self.n_rows));
        }
        self.chunks[column_idx].patch(cells);
        if self.full_bytes.take().is_some() {
            self.chunks[column_idx].seal();
            self.full_bytes = Some(self.memory_bytes());
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.full_bytes.unwrap_or_else(|| self.chunks.iter().map(Chunk::memory_bytes).sum())
    }
}
