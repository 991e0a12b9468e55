//! A view: what a spec shows of a table, kept up to date by looking at new rows only.

use std::ops::Range;

use model::{ColumnSchema, ColumnType, Value};

use crate::cell::Cell;
use crate::error::EngineError;
use crate::filter::Filter;
use crate::group::Groups;
use crate::m4::{self, Points};
use crate::order::Order;
use crate::passed::Passed;
use crate::row_set::RowSet;
use crate::segment::SEGMENT_ROWS;
use crate::spec::ViewSpec;
use crate::table::{RowId, Table};
use crate::window::{Window, WindowColumn};

/// What a spec shows of a table. It must always be given the table it was made of.
pub struct View {
    spec: ViewSpec,
    filter: Filter,
    rows: Rows,
    /// The number of the first row that the table had when it was last looked at, and of the first row not taken in yet.
    first_row: u32,
    end_row: u32,
    /// How many rows the table had patched by then.
    n_patched: u64,
    /// The id of row number 0.
    base_offset: u64,
    revision: u64,
    columns: Vec<ColumnSchema>,
}

/// The rows of a view.
enum Rows {
    /// All, in order of offset: a rank is a row number.
    All,
    /// Some, in order of offset.
    Some(RowSet),
    Sorted(Order),
    Grouped(Groups),
}

impl Rows {
    fn empty(spec: &ViewSpec) -> Self {
        if spec.is_grouped() {
            Rows::Grouped(Groups::new(spec))
        } else if !spec.sort.is_empty() {
            Rows::Sorted(Order::new(&spec.sort))
        } else if spec.filters.is_empty() {
            Rows::All
        } else {
            Rows::Some(RowSet::default())
        }
    }
}

impl View {
    /// A view of the rows the table has.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] of a spec that no view can show; none of those that [`ViewSpec::of`] gives.
    pub fn new(table: &Table, spec: ViewSpec) -> Result<Self, EngineError> {
        Self::new_within(table, spec, usize::MAX)
    }

    /// As [`View::new`], unless groups come to take more than `max_bytes`, about.
    ///
    /// # Errors
    /// As [`View::new`]; [`EngineError::TooManyGroups`].
    pub fn new_within(table: &Table, spec: ViewSpec, max_bytes: usize) -> Result<Self, EngineError> {
        let rows = Rows::empty(&spec);
        let filter = Filter::new(&spec.filters);
        let (first_row, base_offset) = (table.row_numbers().start, table.base_offset());
        let n_patched = table.patched.n_rows();
        let (end_row, revision, columns) = (first_row, 0, Vec::new());
        let mut view = Self { spec, filter, rows, first_row, end_row, n_patched, base_offset, revision, columns };
        view.take_in(table, max_bytes)?;
        view.revision = 1;
        Ok(view)
    }

    /// What the view shows.
    #[must_use]
    pub fn spec(&self) -> &ViewSpec {
        &self.spec
    }

    /// Takes in the rows appended since, looks again at those that were patched, and lets go of those that the table dropped. Says whether anything in the view
    /// changed, its columns included; only then is there a new revision.
    pub fn apply(&mut self, table: &Table) -> bool {
        self.take_in(table, usize::MAX).unwrap_or_default()
    }

    /// As [`View::apply`], unless the groups come to take more than `max_bytes`, about.
    ///
    /// # Errors
    /// [`EngineError::TooManyGroups`]. The view then lacks rows, and is of no more use.
    pub fn apply_within(&mut self, table: &Table, max_bytes: usize) -> Result<bool, EngineError> {
        self.take_in(table, max_bytes)
    }

    fn take_in(&mut self, table: &Table, max_bytes: usize) -> Result<bool, EngineError> {
        let numbers = table.row_numbers();
        // A new view of no rows has columns all the same.
        let is_new = self.revision == 0;
        let has_patched = table.patched.n_rows() > self.n_patched;
        if !is_new && !has_patched && numbers == (self.first_row..self.end_row) {
            return Ok(false);
        }
        let has_dropped = numbers.start > self.first_row;
        let mut start = self.end_row.max(numbers.start);
        if has_dropped {
            match &mut self.rows {
                Rows::All => {}
                Rows::Some(rows) => rows.drop_before(numbers.start as usize),
                Rows::Sorted(order) => order.drop_before(numbers.start),
                // What a group's figures took in cannot be taken out again.
                Rows::Grouped(_) => {
                    self.rows = Rows::empty(&self.spec);
                    start = numbers.start;
                }
            }
        }
        if has_patched {
            start = self.look_again(table, start);
        }
        (self.first_row, self.end_row) = (numbers.start, numbers.end);
        self.n_patched = table.patched.n_rows();
        let mut n_passed = 0;
        match &mut self.rows {
            Rows::All => n_passed = (numbers.end - start) as usize,
            Rows::Some(rows) => {
                let n_before = rows.n_rows();
                self.filter.run(table, start, |segment_idx, passed| push_rows(rows, segment_idx, passed));
                n_passed = rows.n_rows() - n_before;
            }
            Rows::Sorted(order) => {
                self.filter.run(table, start, |segment_idx, passed| {
                    n_passed += passed.len();
                    order.push(segment_idx * SEGMENT_ROWS, passed);
                });
                order.finish(table);
            }
            Rows::Grouped(groups) => {
                let mut is_too_large = false;
                self.filter.run(table, start, |segment_idx, passed| {
                    is_too_large |= groups.memory_bytes() > max_bytes;
                    if !is_too_large {
                        n_passed += passed.len();
                        groups.add(table, segment_idx, passed);
                    }
                });
                if is_too_large || groups.memory_bytes() > max_bytes {
                    return Err(EngineError::TooManyGroups);
                }
                groups.finish(table);
            }
        }
        let columns = match &self.rows {
            Rows::Grouped(groups) => groups.columns(),
            _ => table.schema().columns(),
        };
        let columns_changed = self.columns != columns;
        if columns_changed {
            self.columns = columns.to_vec();
        }
        let changed = n_passed > 0 || columns_changed || has_dropped || has_patched;
        self.revision += u64::from(changed);
        Ok(changed)
    }

    /// Puts the rows that were patched, of those before `start`, where they now belong. Gives the row from which on all are to
    /// be taken in: the first where that could not be done, with the view empty.
    fn look_again(&mut self, table: &Table, start: u32) -> u32 {
        let first = table.row_numbers().start;
        let Some(patched) = table.patched.since(self.n_patched, first..start) else {
            self.rows = Rows::empty(&self.spec);
            return first;
        };
        match &mut self.rows {
            Rows::All => {}
            Rows::Some(rows) => {
                rows.remove(&patched);
                for (segment_idx, mut passed) in patched.by_segment() {
                    self.filter.keep_passed(table, segment_idx, &mut passed);
                    push_rows(rows, segment_idx, &passed);
                }
            }
            Rows::Sorted(order) => {
                order.remove(&patched);
                for (segment_idx, mut passed) in patched.by_segment() {
                    self.filter.keep_passed(table, segment_idx, &mut passed);
                    order.push(segment_idx * SEGMENT_ROWS, &passed);
                }
            }
            // What a group's figures took in cannot be taken out again.
            Rows::Grouped(_) => {
                self.rows = Rows::empty(&self.spec);
                return first;
            }
        }
        start
    }

    /// Whether nothing was put off. A view that is sorted anew finds its first rows before it puts the others in order, and
    /// until then searches for them at each change.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !matches!(&self.rows, Rows::Sorted(order) if !order.is_settled())
    }

    /// Does what was put off. To be called when there is time, at the latest before rows come again and again.
    pub fn settle(&mut self, table: &Table) {
        if let Rows::Sorted(order) = &mut self.rows {
            order.settle(table);
        }
    }

    /// A number that grows with every change: 1 for a new view.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// How many rows, or groups, the view has.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        match &self.rows {
            Rows::All => (self.end_row - self.first_row) as usize,
            Rows::Some(rows) => rows.n_rows(),
            Rows::Sorted(order) => order.n_rows(),
            Rows::Grouped(groups) => groups.n_groups(),
        }
    }

    /// The view's columns: the table's own without the system's, or the keys and aggregates of groups.
    #[must_use]
    pub fn columns(&self) -> &[ColumnSchema] {
        &self.columns
    }

    /// The columns whose values are estimates: quantiles of more than 4,000 numbers, off by at most half a percent of
    /// themselves, and counts of more than 10,000 different values, off by 1.6 % in two of three cases.
    #[must_use]
    pub fn estimates(&self) -> Vec<String> {
        if let Rows::Grouped(groups) = &self.rows { groups.estimates() } else { Vec::new() }
    }

    /// The cells of the rows in a range of ranks, cut to those there are. Columns may also be the system's; one that is not
    /// there is all null.
    #[must_use]
    pub fn window(&mut self, table: &Table, ranks: Range<usize>, columns: &[String]) -> Window {
        let first = ranks.start.min(self.n_rows());
        let rows = self.rows_at(table, ranks);
        let columns = match &self.rows {
            Rows::Grouped(groups) => columns.iter().map(|name| group_column(groups, &rows, name)).collect(),
            _ => columns.iter().map(|name| table_column(table, &rows, name)).collect(),
        };
        let first_id = self.first_id();
        Window {
            revision: self.revision,
            first_rank: first as u64,
            n_view_rows: self.n_rows() as u64,
            row_ids: rows.into_iter().map(|row| (first_id + u64::from(row)) as f64).collect(),
            columns,
        }
    }

    /// The ids of the rows in a range of ranks, cut to those there are: offsets, or the groups' numbers.
    #[must_use]
    pub fn row_ids(&mut self, table: &Table, ranks: Range<usize>) -> Vec<RowId> {
        let rows = self.rows_at(table, ranks);
        let first_id = self.first_id();
        rows.into_iter().map(|row| first_id + u64::from(row)).collect()
    }

    /// A cell exactly, by the id of its row or group; null where there is no such row or column.
    #[must_use]
    pub fn value(&self, table: &Table, row_id: RowId, column: &str) -> Value {
        match &self.rows {
            Rows::Grouped(groups) => {
                let group = u32::try_from(row_id).ok().filter(|group| (*group as usize) < groups.n_groups());
                let found = group.zip(groups.column_idx(column));
                found.map_or(Value::Null, |(group, idx)| groups.value(idx, group))
            }
            _ => table.value(row_id, column),
        }
    }

    /// The points of a chart of two columns: of those in a range of `x`, at most four for each of `n_parts` equal parts of
    /// it, by which a line through all is drawn. A row is no point where `x` or `y` is not a finite number or a time. A view
    /// of groups has none.
    ///
    /// # Panics
    /// When `n_parts` is 0.
    #[must_use]
    pub fn points(&self, table: &Table, x: &str, y: &str, range: (f64, f64), n_parts: usize) -> Points {
        assert!(n_parts > 0, "a chart has at least one column of pixels");
        match &self.rows {
            Rows::All => {
                let numbers = self.first_row as usize..self.end_row as usize;
                let segments = numbers
                    .clone()
                    .step_by(SEGMENT_ROWS)
                    .map(|first| (first / SEGMENT_ROWS, Passed::range(0..SEGMENT_ROWS.min(numbers.end - first))));
                m4::reduce(table, segments, (x, y), range, n_parts)
            }
            Rows::Some(rows) => m4::reduce(table, rows.by_segment(), (x, y), range, n_parts),
            Rows::Sorted(order) => m4::reduce(table, order.row_set().by_segment(), (x, y), range, n_parts),
            Rows::Grouped(_) => Points::default(),
        }
    }

    /// The rank of a row, or of a group; `None` if it is not in the view.
    #[must_use]
    pub fn rank_of(&mut self, table: &Table, row_id: RowId) -> Option<usize> {
        let row = u32::try_from(row_id.checked_sub(self.first_id())?).ok()?;
        match &mut self.rows {
            Rows::Grouped(groups) => groups.rank_of(row),
            _ if !(self.first_row..self.end_row).contains(&row) => None,
            Rows::All => Some((row - self.first_row) as usize),
            Rows::Some(rows) => rows.rank_of(row),
            Rows::Sorted(order) => order.rank_of(table, row),
        }
    }

    /// The row at a rank: its offset, or the group's number in order of first appearance.
    #[must_use]
    pub fn row_id_at(&mut self, table: &Table, rank: usize) -> Option<RowId> {
        if rank >= self.n_rows() {
            return None;
        }
        let row = match &mut self.rows {
            Rows::All => Some(self.first_row + rank as u32),
            Rows::Some(rows) => rows.row_at(rank),
            Rows::Sorted(order) => order.rows(table, rank..rank + 1).first().copied(),
            Rows::Grouped(groups) => groups.group_at(rank),
        };
        row.map(|row| self.first_id() + u64::from(row))
    }

    /// How many bytes the view takes beside its table, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match &self.rows {
            Rows::All => 0,
            Rows::Grouped(groups) => groups.memory_bytes(),
            Rows::Some(rows) => rows.memory_bytes(),
            Rows::Sorted(order) => order.memory_bytes(),
        }
    }

    /// The numbers of the rows, or groups, in a range of ranks, cut to those there are.
    fn rows_at(&mut self, table: &Table, ranks: Range<usize>) -> Vec<u32> {
        let first = ranks.start.min(self.n_rows());
        let n_rows = ranks.end.min(self.n_rows()).saturating_sub(first);
        match &mut self.rows {
            Rows::All => (self.first_row + first as u32..self.first_row + (first + n_rows) as u32).collect(),
            Rows::Some(rows) => rows.rows_from(first).take(n_rows).collect(),
            Rows::Sorted(order) => order.rows(table, first..first + n_rows),
            Rows::Grouped(groups) => (first..first + n_rows).filter_map(|rank| groups.group_at(rank)).collect(),
        }
    }

    fn first_id(&self) -> RowId {
        if matches!(self.rows, Rows::Grouped(_)) { 0 } else { self.base_offset }
    }
}

fn push_rows(rows: &mut RowSet, segment_idx: usize, passed: &Passed) {
    let (first, words) = passed.words();
    rows.push(segment_idx * SEGMENT_ROWS + first, words);
}

fn table_column(table: &Table, rows: &[u32], name: &str) -> WindowColumn {
    let source = table.source(name);
    WindowColumn::of(name, table.column_type(name), rows.iter().map(|row| table.cell(source, *row)))
}

fn group_column(groups: &Groups, rows: &[u32], name: &str) -> WindowColumn {
    let idx = groups.column_idx(name);
    let column_type =
        idx.and_then(|idx| groups.columns().get(idx)).map_or(ColumnType::Null, |column| column.column_type);
    let value = |row: &u32| idx.map_or(Value::Null, |idx| groups.value(idx, *row));
    let values: Vec<Value> = rows.iter().map(value).collect();
    WindowColumn::of(name, column_type, values.iter().map(Cell::from))
}
