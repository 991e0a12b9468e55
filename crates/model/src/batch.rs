//! Rows turned to columns: what is journalled, sent and viewed.

use std::collections::HashMap;
use std::ops::Range;

use crate::column::Column;
use crate::ids::Offset;
use crate::row::Row;
use crate::schema::Schema;
use crate::value::Value;

/// Rows in columns. Column names are unique; every column has a cell for each row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    n_rows: usize,
    columns: Vec<Column>,
}

/// A batch as the journal holds it, with the system's columns and its place in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredBatch {
    /// The offset of the first row; the others follow without a gap.
    pub first_offset: Offset,
    /// The rows.
    pub batch: Batch,
}

impl StoredBatch {
    /// The offset that follows the last row.
    #[must_use]
    pub fn end_offset(&self) -> Offset {
        self.first_offset + self.batch.n_rows() as Offset
    }
}

impl Batch {
    /// Joins columns to a batch.
    ///
    /// # Panics
    /// When a column has not `n_rows` cells, or two have one name.
    #[must_use]
    pub fn new(n_rows: usize, columns: Vec<Column>) -> Self {
        let mut names = std::collections::HashSet::new();
        for column in &columns {
            assert_eq!(column.len(), n_rows, "column {:?}", column.name());
            assert!(names.insert(column.name()), "column {:?} stands twice", column.name());
        }
        Self { n_rows, columns }
    }

    /// How many rows there are.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// The columns in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name() == name)
    }

    /// The cells of the row at `idx`, nulls left out.
    #[must_use]
    pub fn row(&self, idx: usize) -> Row {
        let mut row = Row::new();
        for column in self.columns.iter().filter(|column| !column.is_null(idx)) {
            row.push(column.name().to_owned(), column.value(idx));
        }
        row
    }

    /// Adds a column at the end.
    ///
    /// # Panics
    /// As [`Batch::new`].
    pub fn add_column(&mut self, column: Column) {
        assert_eq!(column.len(), self.n_rows, "column {:?}", column.name());
        assert!(self.column(column.name()).is_none(), "column {:?} stands twice", column.name());
        self.columns.push(column);
    }

    /// A copy of the rows in `range`.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Batch {
        let mut builder = BatchBuilder::default();
        builder.push_batch(self, range);
        builder.finish()
    }

    /// Merges the columns' names and types into a schema; says whether anything changed.
    pub fn merge_schema(&self, schema: &mut Schema) -> bool {
        let merge = |changed, (place, column): (usize, &Column)| {
            schema.merge_column_near(place, column.name(), column.column_type()) | changed
        };
        self.columns.iter().enumerate().fold(false, merge)
    }
}

impl FromIterator<Row> for Batch {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let mut builder = BatchBuilder::default();
        for row in rows {
            builder.push_row(row);
        }
        builder.finish()
    }
}

/// Gathers rows and batches into one batch, finding the columns as they come.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    n_rows: usize,
    columns: Vec<Column>,
    idx_by_name: HashMap<String, usize>,
}

impl BatchBuilder {
    /// How many rows were gathered.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Adds a row.
    pub fn push_row(&mut self, row: Row) {
        for (place, (name, value)) in row.into_cells().into_iter().enumerate() {
            let idx = self.column_idx(place, &name);
            let column = &mut self.columns[idx];
            column.fill(self.n_rows);
            column.push(value);
        }
        self.n_rows += 1;
    }

    /// Adds the rows in `range` of a batch.
    pub fn push_batch(&mut self, batch: &Batch, range: Range<usize>) {
        for (place, other) in batch.columns.iter().enumerate() {
            let idx = self.column_idx(place, other.name());
            let column = &mut self.columns[idx];
            column.fill(self.n_rows);
            column.extend(other, range.clone());
        }
        self.n_rows += range.len();
    }

    /// The batch of all that was gathered.
    #[must_use]
    pub fn finish(mut self) -> Batch {
        for column in &mut self.columns {
            column.fill(self.n_rows);
        }
        Batch { n_rows: self.n_rows, columns: self.columns }
    }

    /// Finds or adds a column. Rows mostly repeat the columns of the row before, so `place` is tried first.
    fn column_idx(&mut self, place: usize, name: &str) -> usize {
        if self.columns.get(place).is_some_and(|column| column.name() == name) {
            return place;
        }
        if let Some(&idx) = self.idx_by_name.get(name) {
            return idx;
        }
        let idx = self.columns.len();
        self.columns.push(Column::nulls(name.to_owned(), self.n_rows));
        self.idx_by_name.insert(name.to_owned(), idx);
        idx
    }
}

impl Batch {
    /// The cell of a row in the column of that name; null where there is none.
    #[must_use]
    pub fn value(&self, row_idx: usize, name: &str) -> Value {
        self.column(name).map_or(Value::Null, |column| column.value(row_idx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ColumnType;
    use crate::value::{Media, Timestamp};
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            any::<String>().prop_map(Value::Text),
            any::<i64>().prop_map(|t| Value::Time(Timestamp(t))),
            any::<Vec<u8>>().prop_map(Value::Bytes),
            any::<Vec<u8>>().prop_map(|bytes| Value::Media(Media { mime: "image/png".into(), bytes })),
            Just(Value::List(vec![Value::Int(1), Value::Null])),
        ]
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = prop::collection::vec(("[abc]", value()), 0..4).prop_map(|cells| cells.into_iter().collect());
        prop::collection::vec(row, 0..40)
    }

    fn without_nulls(rows: &[Row]) -> Vec<Row> {
        let keep = |row: &Row| row.iter().filter(|(_, v)| !v.is_null()).map(|(n, v)| (n, v.clone())).collect();
        rows.iter().map(keep).collect()
    }

    fn in_name_order(row: Row) -> Vec<(String, Value)> {
        let mut cells = row.into_cells();
        cells.sort_by(|a, b| a.0.cmp(&b.0));
        cells
    }

    proptest! {
        #[test]
        fn every_split_holds_the_same_cells(rows in rows(), splits in prop::collection::vec(0_usize..40, 0..4)) {
            let whole: Batch = rows.clone().into_iter().collect();
            let mut bounds: Vec<usize> = splits.into_iter().map(|s| s.min(rows.len())).collect();
            bounds.extend([0, rows.len()]);
            bounds.sort_unstable();
            let mut joined = BatchBuilder::default();
            for pair in bounds.windows(2) {
                let part: Batch = rows[pair[0]..pair[1]].iter().cloned().collect();
                joined.push_batch(&part, 0..part.n_rows());
            }
            let joined = joined.finish();
            prop_assert_eq!(joined.n_rows(), rows.len());
            for (idx, row) in without_nulls(&rows).into_iter().enumerate() {
                let expect = in_name_order(row);
                prop_assert_eq!(in_name_order(whole.row(idx)), expect.clone());
                prop_assert_eq!(in_name_order(joined.row(idx)), expect);
            }
            let slice = whole.slice(rows.len() / 3..rows.len());
            for idx in 0..slice.n_rows() {
                prop_assert_eq!(slice.row(idx), whole.row(idx + rows.len() / 3));
            }
            for column in whole.columns() {
                prop_assert_eq!(column.column_type(), joined.column(column.name()).unwrap().column_type());
            }
        }
    }

    #[test]
    fn whole_numbers_and_floats_make_a_float_column_whose_values_survive() {
        let rows = [Value::Int(1 << 60), Value::Float(0.5)].map(|v| [("x", v)].into_iter().collect::<Row>());
        let batch: Batch = rows.into_iter().collect();
        assert_eq!(batch.columns()[0].column_type(), ColumnType::Float);
        assert_eq!(batch.value(0, "x"), Value::Int(1 << 60));
    }
}
