//! A table in memory: rows are added at its end, and seldom patched.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use expr::RowSource;
use model::{ColumnSchema, ColumnType, Offset, SYSTEM_COLUMNS, Schema, StoredBatch, Value, system_column};

use crate::cell::Cell;
use crate::column::Chunk;
use crate::error::EngineError;
use crate::patch::Patched;
use crate::segment::{SEGMENT_ROWS, Segment};

/// Segments of more columns make room as rows come: a few rows would take as much as very many.
const MAX_ROOMY_COLUMNS: usize = 64;

/// A row's number in its table: its offset.
pub type RowId = u64;

/// Rows by column, in segments of [`SEGMENT_ROWS`]; only patches change one that is full. The oldest can be dropped.
///
/// Within the engine a row goes by its number, which counts from the first row there ever was.
#[derive(Default)]
pub struct Table {
    /// The offset of row number 0.
    base_offset: Offset,
    /// The number of the first row that is still there: the first of a segment.
    first_row: u32,
    /// The number that the next row will have.
    end_row: u32,
    /// By their place after the segments that were dropped.
    segments: VecDeque<Segment>,
    idx_by_name: HashMap<String, usize>,
    /// By column index: whether the column holds whole numbers kept as such.
    has_ints: Vec<bool>,
    schema: Schema,
    system_schema: Schema,
    pub(crate) patched: Patched,
}

/// Where a column's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// `_offset`: the row's own number.
    Offset,
    /// The column of that index.
    Column(usize),
    /// No such column yet: all null.
    Missing,
}

impl Table {
    /// An empty table whose first row will have the offset 0.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(0)
    }

    /// An empty table whose first row will have that offset, because those before are gone.
    #[must_use]
    pub fn starting_at(first_offset: Offset) -> Self {
        let offset = ColumnSchema { name: system_column::OFFSET.to_owned(), column_type: ColumnType::Int };
        Self { base_offset: first_offset, system_schema: [offset].into_iter().collect(), ..Self::default() }
    }

    /// Takes in rows and tells which were new. Rows that the table has already are passed over.
    ///
    /// # Errors
    /// [`EngineError::Gap`] when the batch starts past [`Table::next_offset`], [`EngineError::TooManyRows`]. The table is
    /// then as it was.
    pub fn append(&mut self, stored: &StoredBatch) -> Result<Range<RowId>, EngineError> {
        let expected = self.next_offset();
        if stored.first_offset > expected {
            return Err(EngineError::Gap { expected, found: stored.first_offset });
        }
        let batch = &stored.batch;
        let n_known = usize::try_from(expected - stored.first_offset).unwrap_or(usize::MAX).min(batch.n_rows());
        let n_new = u32::try_from(batch.n_rows() - n_known).map_err(|_| EngineError::TooManyRows)?;
        let end_row = self.end_row.checked_add(n_new).filter(|n| *n < u32::MAX).ok_or(EngineError::TooManyRows)?;
        if n_new == 0 {
            return Ok(expected..expected);
        }
        let column_idxs: Vec<usize> = batch.columns().iter().map(|column| self.merge_batch_column(column)).collect();
        let mut start = n_known;
        while start < batch.n_rows() {
            if self.segments.back().is_none_or(|last| last.n_rows() == SEGMENT_ROWS) {
                self.segments.push_back(Segment::default());
            }
            let capacity = self.segment_capacity();
            let last = self.segments.back_mut().expect("a segment was added where there was none");
            let end = batch.n_rows().min(start + SEGMENT_ROWS - last.n_rows());
            last.append(column_idxs.iter().copied().zip(batch.columns()), start..end, capacity);
            start = end;
        }
        self.end_row = end_row;
        Ok(expected..self.next_offset())
    }

    /// Lets go of rows before an offset, in whole segments: up to [`SEGMENT_ROWS`] - 1 of them stay. Says how many went.
    pub fn drop_before(&mut self, offset: Offset) -> usize {
        let mut n_dropped = 0;
        while let Some(segment) = self.segments.front()
            && self.first_offset() + segment.n_rows() as Offset <= offset
            && segment.n_rows() == SEGMENT_ROWS
        {
            self.first_row += SEGMENT_ROWS as u32;
            n_dropped += SEGMENT_ROWS;
            self.segments.pop_front();
        }
        n_dropped
    }

    /// For how many rows the last segment makes room at once. A whole segment's room is as large as the one that a dropped
    /// segment left, which it then takes; pieces of other sizes would leave gaps that nothing fits.
    fn segment_capacity(&self) -> usize {
        let is_first = self.first_row == 0 && self.segments.len() == 1;
        if is_first || self.has_ints.len() > MAX_ROOMY_COLUMNS { 0 } else { SEGMENT_ROWS }
    }

    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        (self.end_row - self.first_row) as usize
    }

    /// The offset of the first row that is still there.
    #[must_use]
    pub fn first_offset(&self) -> Offset {
        self.base_offset + Offset::from(self.first_row)
    }

    /// The offset the next row will have.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.base_offset + Offset::from(self.end_row)
    }

    /// The columns that rows brought, in the order in which they came.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The columns that the system wrote, `_offset` among them.
    #[must_use]
    pub fn system_schema(&self) -> &Schema {
        &self.system_schema
    }

    /// The type of a column so far, be it the rows' or the system's; `Null` where there is none.
    #[must_use]
    pub fn column_type(&self, column: &str) -> ColumnType {
        let of = |schema: &Schema| schema.index_of(column).map(|idx| schema.columns()[idx].column_type);
        of(&self.schema).or_else(|| of(&self.system_schema)).unwrap_or(ColumnType::Null)
    }

    /// A cell; null where the table has no such row or column.
    #[must_use]
    pub fn value(&self, row_id: RowId, column: &str) -> Value {
        self.row_number(row_id).map_or(Value::Null, |row| self.cell(self.source(column), row).to_value())
    }

    /// How many bytes the cells take, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.segments.iter().map(Segment::memory_bytes).sum()
    }

    /// The segments that are there, each with the number of its first row.
    pub(crate) fn segments(&self) -> impl Iterator<Item = (usize, &Segment)> {
        (self.first_row as usize..).step_by(SEGMENT_ROWS).zip(&self.segments)
    }

    pub(crate) fn source(&self, column: &str) -> Source {
        if column == system_column::OFFSET {
            return Source::Offset;
        }
        self.idx_by_name.get(column).map_or(Source::Missing, |idx| Source::Column(*idx))
    }

    /// The number of a row that is there.
    pub(crate) fn row_number(&self, row_id: RowId) -> Option<u32> {
        let row = row_id.checked_sub(self.base_offset)?;
        u32::try_from(row).ok().filter(|row| self.row_numbers().contains(row))
    }

    /// The numbers of the rows that are there.
    pub(crate) fn row_numbers(&self) -> Range<u32> {
        self.first_row..self.end_row
    }

    /// The offset of row number 0, which may be gone.
    pub(crate) fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The segment that has the rows from `segment_idx * SEGMENT_ROWS` on; `None` where it was dropped or is yet to come.
    pub(crate) fn segment(&self, segment_idx: usize) -> Option<&Segment> {
        self.segments.get(segment_idx.checked_sub(self.first_row as usize / SEGMENT_ROWS)?)
    }

    /// A column's cells in a segment; `None` where they are all null, or there is no such segment.
    pub(crate) fn chunk(&self, source: Source, segment_idx: usize) -> Option<&Chunk> {
        self.segment(segment_idx)?.chunk_of(source)
    }

    /// Whether the column holds whole numbers that floats may not tell apart.
    pub(crate) fn has_ints(&self, source: Source) -> bool {
        matches!(source, Source::Column(idx) if self.has_ints[idx])
    }

    pub(crate) fn cell(&self, source: Source, row: u32) -> Cell<'_> {
        match source {
            Source::Offset => Cell::Int((self.base_offset + Offset::from(row)) as i64),
            Source::Column(idx) => {
                let segment = self.segment(row as usize / SEGMENT_ROWS);
                segment.map_or(Cell::Null, |segment| segment.cell(idx, row as usize % SEGMENT_ROWS))
            }
            Source::Missing => Cell::Null,
        }
    }

    pub(crate) fn segment_mut(&mut self, segment_idx: usize) -> Option<&mut Segment> {
        self.segments.get_mut(segment_idx.checked_sub(self.first_row as usize / SEGMENT_ROWS)?)
    }

    fn merge_batch_column(&mut self, column: &model::Column) -> usize {
        let has_ints = matches!(column.cells(), model::Cells::Int(_) | model::Cells::Mixed(_));
        self.merge_column(column.name(), column.column_type(), has_ints)
    }

    /// Takes in that a column holds cells of a type, and gives its index.
    pub(crate) fn merge_column(&mut self, name: &str, column_type: ColumnType, has_ints: bool) -> usize {
        let is_system = SYSTEM_COLUMNS.contains(&name);
        let schema = if is_system { &mut self.system_schema } else { &mut self.schema };
        schema.merge_column(name, column_type);
        let idx = self.idx_by_name.len();
        let idx = *self.idx_by_name.entry(name.to_owned()).or_insert(idx);
        if idx == self.has_ints.len() {
            self.has_ints.push(false);
        }
        self.has_ints[idx] |= has_ints;
        idx
    }
}

/// A row of a table, for expressions that read a few of its columns.
pub(crate) struct TableRow<'a> {
    pub(crate) table: &'a Table,
    /// The columns that are read, by name.
    pub(crate) sources: &'a [(&'a str, Source)],
    pub(crate) row: u32,
}

impl RowSource for TableRow<'_> {
    fn get(&self, column: &str) -> Value {
        let source = self.sources.iter().find(|(name, _)| *name == column);
        source.map_or(Value::Null, |(_, source)| self.table.cell(*source, self.row).to_value())
    }
}
