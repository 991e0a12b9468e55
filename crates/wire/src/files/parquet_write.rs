//! Batches as one Parquet file, row group by row group.
//!
//! The columns are those of [`crate::arrow`]'s streams, and the Arrow schema stands in the file, so that readers which know
//! Arrow find the same types and metadata.

use std::sync::Arc;

use arrow_schema::Schema as ArrowSchema;
use model::{Batch, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::arrow::{arrow_schema, under_schema};

/// A row group ends at so many rows, or when it takes so many bytes of memory.
const MAX_GROUP_ROWS: usize = 256 << 10;
const MAX_GROUP_BYTES: usize = 32 << 20;
/// The largest page of a column, before compression, about.
const PAGE_BYTES: usize = 256 << 10;
/// The most columns that have a dictionary and are compressed by Zstandard: both hold memory for each column as long as a row group
/// is written, some 300 KB together. Those of wider tables have no dictionary, and LZ4, which holds nothing.
const MAX_PACKED_COLUMNS: usize = 64;

const INFALLIBLE: &str = "arrays match their schema and a Vec takes every byte";

/// Writes batches as one Parquet file under one schema. Memory holds one row group, compressed, and the table of contents.
pub struct ParquetEncoder {
    columns: Schema,
    schema: Arc<ArrowSchema>,
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetEncoder {
    /// Starts a file of a table with these columns.
    #[must_use]
    pub fn new(columns: Schema) -> Self {
        let schema = arrow_schema(&columns);
        let is_wide = columns.columns().len() > MAX_PACKED_COLUMNS;
        let compression = if is_wide { Compression::LZ4_RAW } else { Compression::ZSTD(ZstdLevel::default()) };
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_dictionary_enabled(!is_wide)
            .set_max_row_group_row_count(Some(MAX_GROUP_ROWS))
            .set_data_page_size_limit(PAGE_BYTES)
            .set_dictionary_page_size_limit(PAGE_BYTES)
            // An index of pages would be held until the end.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_created_by(concat!("streamtable ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties)).expect(INFALLIBLE);
        Self { columns, schema, writer }
    }

    /// Takes a batch in and gives the bytes to send now, which are none until a row group is complete.
    ///
    /// Columns are treated as by [`crate::arrow::StreamEncoder::encode`].
    pub fn encode(&mut self, batch: &Batch) -> Vec<u8> {
        let record_batch = under_schema(&self.columns, &self.schema, batch);
        self.writer.write(&record_batch).expect(INFALLIBLE);
        if self.writer.memory_size() > MAX_GROUP_BYTES {
            self.writer.flush().expect(INFALLIBLE);
        }
        self.writer.sync().expect(INFALLIBLE);
        std::mem::take(self.writer.inner_mut())
    }

    /// The bytes that end the file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.writer.into_inner().expect(INFALLIBLE)
    }
}
