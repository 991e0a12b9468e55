//! Rows from a Parquet file, whoever wrote it. A file and no stream, since its table of contents stands at the end.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::cells::{BatchRows, check_schema};
use super::{FileRow, FileRows};
use crate::WireError;

/// How many rows are decoded at a time.
const BATCH_ROWS: usize = 1024;
/// The most cells of a column of lists in a row group: a few bytes can claim any number of them for one row.
const MAX_LIST_CELLS: i64 = 1 << 28;

/// The rows of a Parquet file.
pub struct ParquetRows {
    reader: ParquetRecordBatchReader,
    max_row_bytes: usize,
    rows: Option<BatchRows>,
}

impl ParquetRows {
    /// The rows of a file, of at most so many bytes each.
    ///
    /// # Errors
    /// [`WireError::Parquet`], [`WireError::UnsupportedColumn`] or [`WireError::PartTooLarge`].
    pub fn open(file: File, max_row_bytes: usize) -> Result<Self, WireError> {
        let reader = guarded(|| {
            let found = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(bad)?;
            check_lists(found.metadata())?;
            check_schema(found.schema(), WireError::Parquet)?;
            // Cells that are alike then share their bytes, as they do in the file.
            let fields: Vec<FieldRef> = found.schema().fields().iter().map(as_view).collect();
            let schema = Arc::new(Schema::new_with_metadata(fields, found.schema().metadata().clone()));
            let options = ArrowReaderOptions::new().with_schema(schema);
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options).map_err(bad)?;
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            builder.with_batch_size(BATCH_ROWS).build().map_err(bad)
        })?;
        Ok(Self { reader, max_row_bytes, rows: None })
    }
}

impl FileRows for ParquetRows {
    fn next_row(&mut self) -> Result<Option<FileRow>, WireError> {
        loop {
            if let Some(row) = self.rows.as_mut().and_then(|rows| rows.next(self.max_row_bytes)) {
                return Ok(Some(row));
            }
            match guarded(|| self.reader.next().transpose().map_err(|error| WireError::Parquet(error.to_string())))? {
                Some(batch) => self.rows = Some(BatchRows::new(batch)),
                None => return Ok(None),
            }
        }
    }
}

/// Does what may panic on a file that makes no sense.
fn guarded<T>(work: impl FnOnce() -> Result<T, WireError>) -> Result<T, WireError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(WireError::Parquet("its content makes no sense".to_owned())))
}

#[allow(clippy::needless_pass_by_value)] // As map_err wants it.
fn bad(error: parquet::errors::ParquetError) -> WireError {
    WireError::Parquet(error.to_string())
}

fn check_lists(metadata: &ParquetMetaData) -> Result<(), WireError> {
    let columns = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let mut lists = columns.filter(|column| column.column_descr().max_rep_level() > 0);
    match lists.find(|column| column.num_values() > MAX_LIST_CELLS) {
        Some(column) => Err(WireError::PartTooLarge(format!(
            "the column {} has more than {MAX_LIST_CELLS} items in one row group; write smaller ones",
            column.column_path()
        ))),
        None => Ok(()),
    }
}

/// A field whose text and bytes are views.
fn as_view(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::List(item) => DataType::List(as_view(item)),
        DataType::LargeList(item) => DataType::LargeList(as_view(item)),
        DataType::FixedSizeList(item, n) => DataType::FixedSizeList(as_view(item), *n),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(as_view).collect::<Fields>()),
        DataType::Map(entries, is_sorted) => DataType::Map(as_view(entries), *is_sorted),
        _ => return Arc::clone(field),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}
