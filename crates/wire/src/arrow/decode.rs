//! Frames back as batches, read from the buffers of their columns.
//!
//! Arrow's own reader would do, but it knows every type and every layout that Arrow has, and the code for those would make
//! the board's worker much larger.

use arrow_ipc::{Endianness, Field, KeyValue, Precision, TimeUnit, Type};
use model::{Batch, Bitmap, Cells, Column, ColumnType, Media, StoredBatch, Strings, Value};

use super::ipc::{Frame, bad, read_frame};
use super::{FIRST_OFFSET_KEY, TYPE_KEY};
use crate::WireError;
use crate::json::decode_value;

/// No frame has so many rows, and with no more the size of each buffer fits 32 bits.
const MAX_ROWS: i64 = 1 << 28;

/// Reads a frame.
///
/// # Errors
/// [`WireError::Arrow`] when the bytes are not a frame. Not every change of a frame is found, so whoever keeps frames where
/// they can be damaged keeps a checksum beside them.
pub fn decode_frame(frame: &[u8]) -> Result<StoredBatch, WireError> {
    let Frame { schema, batch, body } = read_frame(frame)?;
    let first_offset = metadata(schema.custom_metadata(), FIRST_OFFSET_KEY).and_then(|text| text.parse().ok());
    let first_offset = first_offset.ok_or_else(|| bad("it has no first offset"))?;
    if schema.endianness() != Endianness::Little || batch.compression().is_some() {
        return Err(bad("it is compressed, or of a machine of another kind"));
    }
    let n_rows = batch.length();
    let n_rows = usize::try_from(n_rows).ok().filter(|_| n_rows <= MAX_ROWS);
    let n_rows = n_rows.ok_or_else(|| bad("it has too many rows"))?;
    let mut nodes = batch.nodes().into_iter().flatten().map(|node| (node.length(), node.null_count()));
    let mut buffers = batch.buffers().into_iter().flatten().map(|buffer| (buffer.offset(), buffer.length()));
    let mut parts = Parts { nodes: &mut nodes, buffers: &mut buffers, body, n_rows };

    let mut columns: Vec<Column> = Vec::new();
    for field in schema.fields().into_iter().flatten() {
        let name = field.name().ok_or_else(|| bad("a column has no name"))?;
        if columns.iter().any(|column| column.name() == name) {
            return Err(bad(&format!("column {name:?} stands twice")));
        }
        let column = column(field, name, &mut parts);
        columns.push(column.map_err(|error| bad(&format!("column {name:?}: {error}")))?);
    }
    Ok(StoredBatch { first_offset, batch: Batch::new(n_rows, columns) })
}

/// What a batch tells of its columns and has not been read yet, in the order of the format: depth first.
struct Parts<'a> {
    /// The number of cells, and of nulls.
    nodes: &'a mut dyn Iterator<Item = (i64, i64)>,
    /// Where buffers lie in the body, and their sizes.
    buffers: &'a mut dyn Iterator<Item = (i64, i64)>,
    body: &'a [u8],
    n_rows: usize,
}

impl<'a> Parts<'a> {
    /// Whether the next column has nulls.
    fn has_nulls(&mut self) -> Result<bool, WireError> {
        let (n_cells, n_nulls) = self.nodes.next().ok_or_else(|| bad("it is missing"))?;
        if usize::try_from(n_cells) != Ok(self.n_rows) {
            return Err(bad("it has another number of cells than there are rows"));
        }
        Ok(n_nulls != 0)
    }

    /// The next buffer, of at least so many bytes.
    fn buffer(&mut self, n_bytes: usize) -> Result<&'a [u8], WireError> {
        let mut find = || {
            let (offset, length) = self.buffers.next()?;
            let (offset, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
            self.body.get(offset..offset.checked_add(length)?).filter(|buffer| buffer.len() >= n_bytes)
        };
        find().ok_or_else(|| bad("a buffer is cut short"))
    }

    /// Which cells have a value; `None` where all have.
    fn validity(&mut self, has_nulls: bool) -> Result<Option<Bitmap>, WireError> {
        let bits = self.buffer(if has_nulls { self.n_rows.div_ceil(8) } else { 0 })?;
        let validity = has_nulls.then(|| bitmap(bits, self.n_rows));
        Ok(validity.filter(|validity| validity.count_ones() < self.n_rows))
    }

    /// Cells of eight bytes each.
    fn numbers<T>(&mut self, number: impl Fn([u8; 8]) -> T) -> Result<Vec<T>, WireError> {
        let n_bytes = self.n_rows * 8;
        let (chunks, _) = self.buffer(n_bytes)?[..n_bytes].as_chunks::<8>();
        Ok(chunks.iter().map(|bytes| number(*bytes)).collect())
    }

    /// Where the cells of a column of bytes or text end, and all of them end to end.
    fn packed(&mut self) -> Result<(Vec<u32>, &'a [u8]), WireError> {
        // A column without cells may be without the place where its first would begin.
        let n_bytes = if self.n_rows == 0 { 0 } else { (self.n_rows + 1) * 4 };
        let (offsets, _) = self.buffer(n_bytes)?[..n_bytes].as_chunks::<4>();
        let bytes = self.buffer(0)?;
        let mut offsets = offsets.iter().map(|bytes| u32::from_le_bytes(*bytes));
        let start = offsets.next().unwrap_or_default();
        let ends: Vec<u32> = offsets.map(|end| end.wrapping_sub(start)).collect();
        let n_bytes = ends.last().copied().unwrap_or_default();
        let bytes = bytes.get(start as usize..).and_then(|bytes| bytes.get(..n_bytes as usize));
        let bytes = bytes.filter(|_| ends.is_sorted()).ok_or_else(|| bad("its cells overlap"))?;
        Ok((ends, bytes))
    }

    fn texts(&mut self) -> Result<Strings, WireError> {
        let (ends, bytes) = self.packed()?;
        let text = String::from_utf8(bytes.to_vec()).ok();
        text.and_then(|text| Strings::from_parts(text, ends)).ok_or_else(|| bad("it is no text"))
    }

    fn bytes(&mut self) -> Result<Vec<Vec<u8>>, WireError> {
        let (ends, bytes) = self.packed()?;
        let mut start = 0;
        let cell = |end: u32| bytes[std::mem::replace(&mut start, end as usize)..end as usize].to_vec();
        Ok(ends.into_iter().map(cell).collect())
    }
}

/// The bits of a buffer that is long enough.
fn bitmap(bits: &[u8], n_bits: usize) -> Bitmap {
    let word = |bytes: &[u8]| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    };
    Bitmap::from_words(bits[..n_bits.div_ceil(8)].chunks(8).map(word).collect(), n_bits)
}

/// Reads the next column.
fn column(field: Field<'_>, name: &str, parts: &mut Parts<'_>) -> Result<Column, WireError> {
    let column_type = metadata(field.custom_metadata(), TYPE_KEY).and_then(|text| text.parse().ok());
    let column_type: ColumnType = column_type.ok_or_else(|| bad("it has no type"))?;
    if !is_stored_as(field, column_type) {
        return Err(bad(&format!("what is stored is no {column_type}")));
    }
    let has_nulls = parts.has_nulls()?;
    if column_type == ColumnType::Null {
        return Ok(Column::new(name.to_owned(), Cells::Null(parts.n_rows), None));
    }
    let validity = parts.validity(has_nulls)?;
    let is_valid = |idx: usize| validity.as_ref().is_none_or(|validity| validity.get(idx));
    let json = |texts: &Strings| -> Result<Vec<Value>, WireError> {
        let cells = texts.iter().enumerate();
        cells.map(|(idx, json)| if is_valid(idx) { decode_value(json) } else { Ok(Value::Null) }).collect()
    };
    let cells = match column_type {
        ColumnType::Null => Cells::Null(parts.n_rows),
        ColumnType::Bool => Cells::Bool(bitmap(parts.buffer(parts.n_rows.div_ceil(8))?, parts.n_rows).iter().collect()),
        ColumnType::Int => Cells::Int(parts.numbers(i64::from_le_bytes)?),
        ColumnType::Float => Cells::Float(parts.numbers(f64::from_le_bytes)?),
        ColumnType::Time => Cells::Time(parts.numbers(i64::from_le_bytes)?),
        ColumnType::Text => Cells::Text(parts.texts()?),
        ColumnType::Bytes => Cells::Bytes(parts.bytes()?),
        ColumnType::Nested => Cells::Nested(json(&parts.texts()?)?),
        ColumnType::Mixed => Cells::Mixed(json(&parts.texts()?)?),
        ColumnType::Media => {
            let has_nulls = parts.has_nulls()?;
            parts.validity(has_nulls)?;
            let mimes = parts.texts()?;
            let has_nulls = parts.has_nulls()?;
            parts.validity(has_nulls)?;
            let media = mimes.iter().zip(parts.bytes()?).map(|(mime, bytes)| Media { mime: mime.to_owned(), bytes });
            Cells::Media(media.collect())
        }
    };
    Ok(Column::new(name.to_owned(), cells, validity))
}

/// Whether a field has the Arrow type of one of our types.
fn is_stored_as(field: Field<'_>, column_type: ColumnType) -> bool {
    let of_kind = |kind: Type| field.type_type() == kind;
    let is_right = match column_type {
        ColumnType::Null => of_kind(Type::Null),
        ColumnType::Bool => of_kind(Type::Bool),
        ColumnType::Int => field.type_as_int().is_some_and(|int| int.bitWidth() == 64 && int.is_signed()),
        ColumnType::Float => field.type_as_floating_point().is_some_and(|float| float.precision() == Precision::DOUBLE),
        ColumnType::Time => field.type_as_timestamp().is_some_and(|time| time.unit() == TimeUnit::MICROSECOND),
        ColumnType::Text | ColumnType::Nested | ColumnType::Mixed => of_kind(Type::Utf8),
        ColumnType::Bytes => of_kind(Type::Binary),
        ColumnType::Media => {
            let kinds = field.children().into_iter().flatten().map(|child| child.type_type());
            of_kind(Type::Struct_) && kinds.eq([Type::Utf8, Type::Binary])
        }
    };
    is_right && field.dictionary().is_none()
}

/// The value of a key.
fn metadata<'a>(pairs: Option<impl IntoIterator<Item = KeyValue<'a>>>, key: &str) -> Option<&'a str> {
    pairs.into_iter().flatten().find(|pair| pair.key() == Some(key))?.value()
}
