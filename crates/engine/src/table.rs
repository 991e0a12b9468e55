//! A table in memory: rows are only ever added at its end.

use std::collections::HashMap;
use std::ops::Range;

use expr::RowSource;
use model::{ColumnSchema, ColumnType, Offset, SYSTEM_COLUMNS, Schema, StoredBatch, Value, system_column};

use crate::cell::Cell;
use crate::column::{Cells, Zone};
use crate::error::EngineError;
use crate::key::push_key;
use crate::segment::{SEGMENT_ROWS, Segment};
use crate::text::TextCells;

/// A row's number in its table: its offset.
pub type RowId = u64;

/// Rows by column, in segments of [`SEGMENT_ROWS`]; all but the last never change.
#[derive(Default)]
pub struct Table {
    first_offset: Offset,
    n_rows: u32,
    segments: Vec<Segment>,
    idx_by_name: HashMap<String, usize>,
    /// By column index: whether the column holds whole numbers kept as such.
    has_ints: Vec<bool>,
    schema: Schema,
    system_schema: Schema,
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
        Self { first_offset, system_schema: [offset].into_iter().collect(), ..Self::default() }
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
        let n_rows = self.n_rows.checked_add(n_new).filter(|n| *n < u32::MAX).ok_or(EngineError::TooManyRows)?;
        if n_new == 0 {
            return Ok(expected..expected);
        }
        let column_idxs: Vec<usize> = batch.columns().iter().map(|column| self.merge_column(column)).collect();
        let mut start = n_known;
        while start < batch.n_rows() {
            if self.segments.last().is_none_or(|last| last.n_rows() == SEGMENT_ROWS) {
                self.segments.push(Segment::default());
            }
            let last = self.segments.last_mut().expect("a segment was added where there was none");
            let end = batch.n_rows().min(start + SEGMENT_ROWS - last.n_rows());
            last.append(column_idxs.iter().copied().zip(batch.columns()), start..end);
            start = end;
        }
        self.n_rows = n_rows;
        Ok(expected..self.next_offset())
    }

    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows as usize
    }

    /// The offset of the first row.
    #[must_use]
    pub fn first_offset(&self) -> Offset {
        self.first_offset
    }

    /// The offset the next row will have.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.first_offset + Offset::from(self.n_rows)
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

    /// The values of a column with how often each stands there, the most frequent first, then by value; null among them.
    /// Reads the whole column.
    #[must_use]
    pub fn distinct(&self, column: &str, limit: usize) -> Vec<(Value, u64)> {
        let source = self.source(column);
        let mut counts: HashMap<Vec<u8>, (u32, u64)> = HashMap::new();
        let mut key = Vec::new();
        let mut add = |cell: Cell<'_>, row: usize, n: u64| {
            key.clear();
            push_key(cell, &mut key);
            match counts.get_mut(&key) {
                Some((_, count)) => *count += n,
                None => drop(counts.insert(key.clone(), (row as u32, n))),
            }
        };
        for (segment_idx, segment) in self.segments.iter().enumerate() {
            let first = segment_idx * SEGMENT_ROWS;
            let chunk = match source {
                Source::Column(idx) => segment.chunk(idx),
                Source::Offset | Source::Missing => None,
            };
            match chunk.map(|chunk| (chunk, &chunk.cells)) {
                // A look-up for each text of the dictionary, not for each cell.
                Some((chunk, Cells::Text(TextCells::Coded { codes, dictionary }))) => {
                    let mut seen = vec![(0, 0); dictionary.texts.len().max(1)];
                    let mut nulls = (0, 0);
                    for (idx, &code) in codes.iter().enumerate() {
                        let seen = if chunk.is_null(idx) { &mut nulls } else { &mut seen[code as usize] };
                        *seen = (idx, seen.1 + 1);
                    }
                    for (idx, n) in seen.into_iter().chain([nulls]).filter(|(_, n)| *n > 0) {
                        add(chunk.cell(idx), first + idx, n);
                    }
                }
                _ => (first..first + segment.n_rows()).for_each(|row| add(self.cell(source, row as u32), row, 1)),
            }
        }
        let counts = counts.into_values().map(|(row, n)| (self.cell(source, row), n));
        let mut counts: Vec<(Cell<'_>, u64)> = counts.collect();
        counts.sort_unstable_by(|(a, n_a), (b, n_b)| n_b.cmp(n_a).then_with(|| a.total_cmp(*b)));
        counts.truncate(limit);
        counts.into_iter().map(|(cell, n)| (cell.to_value(), n)).collect()
    }

    /// The least and the greatest finite number of a column, or time in microseconds; `None` where it has none.
    #[must_use]
    pub fn range(&self, column: &str) -> Option<(f64, f64)> {
        let Source::Column(idx) = self.source(column) else {
            let last =
                self.next_offset().checked_sub(1).filter(|_| column == system_column::OFFSET && self.n_rows > 0)?;
            return Some((self.first_offset as f64, last as f64));
        };
        let ranges =
            self.segments.iter().filter_map(|segment| segment.chunk(idx)).filter_map(|chunk| match chunk.zone {
                Zone::Int { min, max } => Some((min as f64, max as f64)),
                Zone::Float { min, max, .. } if min.is_finite() && max.is_finite() => Some((min, max)),
                _ => {
                    let numbers = (0..chunk.len()).filter_map(|idx| match chunk.cell(idx) {
                        Cell::Int(x) | Cell::Time(x) => Some(x as f64),
                        Cell::Float(x) => x.is_finite().then_some(x),
                        _ => None,
                    });
                    let is_numeric = matches!(chunk.cells, Cells::Float(_) | Cells::Values(_));
                    numbers.filter(|_| is_numeric).map(|x| (x, x)).reduce(union)
                }
            });
        ranges.reduce(union)
    }

    pub(crate) fn source(&self, column: &str) -> Source {
        if column == system_column::OFFSET {
            return Source::Offset;
        }
        self.idx_by_name.get(column).map_or(Source::Missing, |idx| Source::Column(*idx))
    }

    /// The row's place in this table, from 0.
    pub(crate) fn row_number(&self, row_id: RowId) -> Option<u32> {
        let row = row_id.checked_sub(self.first_offset)?;
        u32::try_from(row).ok().filter(|row| *row < self.n_rows)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether the column holds whole numbers that floats may not tell apart.
    pub(crate) fn has_ints(&self, source: Source) -> bool {
        matches!(source, Source::Column(idx) if self.has_ints[idx])
    }

    pub(crate) fn cell(&self, source: Source, row: u32) -> Cell<'_> {
        match source {
            Source::Offset => Cell::Int((self.first_offset + Offset::from(row)) as i64),
            Source::Column(idx) => self.segments[row as usize / SEGMENT_ROWS].cell(idx, row as usize % SEGMENT_ROWS),
            Source::Missing => Cell::Null,
        }
    }

    fn merge_column(&mut self, column: &model::Column) -> usize {
        let is_system = SYSTEM_COLUMNS.contains(&column.name());
        let schema = if is_system { &mut self.system_schema } else { &mut self.schema };
        schema.merge_column(column.name(), column.column_type());
        let idx = self.idx_by_name.len();
        let idx = *self.idx_by_name.entry(column.name().to_owned()).or_insert(idx);
        if idx == self.has_ints.len() {
            self.has_ints.push(false);
        }
        self.has_ints[idx] |= matches!(column.cells(), model::Cells::Int(_) | model::Cells::Mixed(_));
        idx
    }
}

fn union(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0.min(b.0), a.1.max(b.1))
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
