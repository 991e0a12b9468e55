//! Arrow's cells as values: of every type that other programs write and a cell can hold.
//!
//! Whole numbers are 64-bit whole numbers, decimals the nearest float, dates midnights in UTC, nanoseconds are cut to
//! microseconds, and structs and maps are objects.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, DecimalType, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use model::{ColumnType, Media, Row, Timestamp, Value};

use super::FileRow;
use crate::WireError;
use crate::arrow::{EXTENSION_KEY, JSON_EXTENSION, TYPE_KEY};
use crate::json::{decode_value, is_media_type};

/// What an item of a list costs besides its content, so that a list of nothing is not free.
const ITEM_BYTES: usize = 8;

/// Checks that every column can be read.
///
/// # Errors
/// [`WireError::UnsupportedColumn`]; `twice` of a name that stands twice.
pub(super) fn check_schema(schema: &Schema, twice: impl Fn(String) -> WireError) -> Result<(), WireError> {
    let mut names = std::collections::HashSet::new();
    for field in schema.fields() {
        if !names.insert(field.name()) {
            return Err(twice(format!("the column {:?} stands twice", field.name())));
        }
        if !is_supported(field.data_type()) {
            let (column, data_type) = (field.name().clone(), field.data_type().to_string());
            return Err(WireError::UnsupportedColumn { column, data_type });
        }
    }
    Ok(())
}

fn is_supported(data_type: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Boolean, Date32, Date64, Decimal128, Dictionary, FixedSizeBinary, FixedSizeList, Float16,
        Float32, Float64, Int8, Int16, Int32, Int64, LargeBinary, LargeList, LargeUtf8, List, Map, Null, Struct, UInt8,
        UInt16, UInt32, UInt64, Utf8, Utf8View,
    };
    match data_type {
        Null
        | Boolean
        | Int8
        | Int16
        | Int32
        | Int64
        | UInt8
        | UInt16
        | UInt32
        | UInt64
        | Float16
        | Float32
        | Float64
        | Utf8
        | LargeUtf8
        | Utf8View
        | Binary
        | LargeBinary
        | BinaryView
        | FixedSizeBinary(_)
        | Date32
        | Date64
        | DataType::Timestamp(..)
        | Decimal128(..) => true,
        Dictionary(_, values) => is_supported(values),
        List(item) | LargeList(item) | FixedSizeList(item, _) => is_supported(item.data_type()),
        Struct(fields) => {
            let names: std::collections::HashSet<_> = fields.iter().map(|field| field.name()).collect();
            names.len() == fields.len() && fields.iter().all(|field| is_supported(field.data_type()))
        }
        Map(entries, _) => match entries.data_type() {
            Struct(fields) => {
                let has_text_keys = matches!(fields.first().map(|f| f.data_type()), Some(Utf8 | LargeUtf8 | Utf8View));
                has_text_keys && fields.iter().all(|field| is_supported(field.data_type()))
            }
            _ => false,
        },
        _ => false,
    }
}

/// The rows of a batch, one after the other.
pub(super) struct BatchRows {
    batch: RecordBatch,
    next: usize,
}

impl BatchRows {
    pub(super) fn new(batch: RecordBatch) -> Self {
        Self { batch, next: 0 }
    }

    /// The next row; `None` after the last.
    pub(super) fn next(&mut self, max_row_bytes: usize) -> Option<FileRow> {
        let idx = self.next;
        if idx >= self.batch.num_rows() {
            return None;
        }
        self.next += 1;
        let mut left = max_row_bytes;
        let row = self.row(idx, &mut left).map_err(|fault| match fault {
            Fault::Large => {
                WireError::RowTooLarge { n_bytes: max_row_bytes.saturating_add(1), max_bytes: max_row_bytes }
            }
            Fault::Wire(error) => error,
        });
        Some(FileRow { n_bytes: max_row_bytes - left, row })
    }

    fn row(&self, idx: usize, left: &mut usize) -> Result<Row, Fault> {
        let mut row = Row::new();
        for (field, array) in self.batch.schema_ref().fields().iter().zip(self.batch.columns()) {
            let in_column = |fault| match fault {
                Fault::Wire(WireError::Cell { reason, .. }) => {
                    Fault::Wire(WireError::Cell { column: field.name().clone(), reason })
                }
                other => other,
            };
            let value = Cells { left }.of_column(field, array, idx).map_err(in_column)?;
            if !value.is_null() {
                row.push(field.name().clone(), value);
            }
        }
        row.check().map_err(|error| Fault::Wire(error.into()))?;
        Ok(row)
    }
}

enum Fault {
    /// There is more than the row may have.
    Large,
    Wire(WireError),
}

fn bad_cell(reason: impl Into<String>) -> Fault {
    Fault::Wire(WireError::Cell { column: String::new(), reason: reason.into() })
}

/// Reads the cells of one row, which share what the row may take.
struct Cells<'a> {
    left: &'a mut usize,
}

impl Cells<'_> {
    /// The cell of a column, which may tell which of our types it has.
    fn of_column(&mut self, field: &Field, array: &dyn Array, idx: usize) -> Result<Value, Fault> {
        let metadata = |key: &str| field.metadata().get(key).map(String::as_str);
        let column_type = metadata(TYPE_KEY).and_then(|name| name.parse::<ColumnType>().ok());
        let is_json = metadata(EXTENSION_KEY) == Some(JSON_EXTENSION);
        match (column_type, self.value(array, idx)?) {
            (Some(ColumnType::Nested | ColumnType::Mixed), Value::Text(json)) => {
                decode_value(&json).map_err(Fault::Wire)
            }
            (None, Value::Text(json)) if is_json => decode_value(&json).map_err(Fault::Wire),
            (Some(ColumnType::Media), Value::Object(fields)) => media(fields),
            (_, value) => Ok(value),
        }
    }

    fn value(&mut self, array: &dyn Array, idx: usize) -> Result<Value, Fault> {
        if array.is_null(idx) {
            return Ok(Value::Null);
        }
        self.spend(ITEM_BYTES)?;
        Ok(match array.data_type() {
            DataType::Null => Value::Null,
            DataType::Boolean => Value::Bool(array.as_boolean().value(idx)),
            DataType::Float16 => Value::Float(array.as_primitive::<Float16Type>().value(idx).to_f64()),
            DataType::Float32 => Value::Float(primitive::<Float32Type>(array, idx).into()),
            DataType::Float64 => Value::Float(primitive::<Float64Type>(array, idx)),
            DataType::Utf8 => self.text(array.as_string::<i32>().value(idx))?,
            DataType::LargeUtf8 => self.text(array.as_string::<i64>().value(idx))?,
            DataType::Utf8View => self.text(array.as_string_view().value(idx))?,
            DataType::Binary => self.bytes(array.as_binary::<i32>().value(idx))?,
            DataType::LargeBinary => self.bytes(array.as_binary::<i64>().value(idx))?,
            DataType::BinaryView => self.bytes(array.as_binary_view().value(idx))?,
            DataType::FixedSizeBinary(_) => self.bytes(array.as_fixed_size_binary().value(idx))?,
            DataType::Date32 => time(i64::from(primitive::<Date32Type>(array, idx)), 86_400_000_000)?,
            DataType::Date64 => time(primitive::<Date64Type>(array, idx), 1000)?,
            DataType::Timestamp(TimeUnit::Second, _) => time(primitive::<TimestampSecondType>(array, idx), 1_000_000)?,
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                time(primitive::<TimestampMillisecondType>(array, idx), 1000)?
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                time(primitive::<TimestampMicrosecondType>(array, idx), 1)?
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                let nanos = primitive::<TimestampNanosecondType>(array, idx);
                Value::Time(Timestamp(nanos.div_euclid(1000)))
            }
            DataType::Decimal128(precision, scale) => {
                let digits =
                    Decimal128Type::format_decimal(primitive::<Decimal128Type>(array, idx), *precision, *scale);
                Value::Float(digits.parse().map_err(|_| bad_cell(format!("{digits} is no number")))?)
            }
            DataType::Dictionary(..) => {
                let dictionary = array.as_any_dictionary();
                let key = whole(dictionary.keys(), idx).and_then(|key| usize::try_from(key).ok());
                let key = key.filter(|key| *key < dictionary.values().len());
                self.value(dictionary.values(), key.ok_or_else(|| bad_cell("a key is not in the dictionary"))?)?
            }
            DataType::List(_) => self.list(&array.as_list::<i32>().value(idx))?,
            DataType::LargeList(_) => self.list(&array.as_list::<i64>().value(idx))?,
            DataType::FixedSizeList(..) => self.list(&array.as_fixed_size_list().value(idx))?,
            DataType::Struct(fields) => {
                let columns = array.as_struct().columns();
                let mut object = Vec::with_capacity(fields.len());
                for (field, column) in fields.iter().zip(columns) {
                    object.push((self.name(field.name())?, self.value(column, idx)?));
                }
                Value::Object(object)
            }
            DataType::Map(..) => self.map(&array.as_map().value(idx))?,
            _ => match whole(array, idx) {
                Some(whole) => Value::Int(whole.try_into().map_err(|_| bad_cell(format!("{whole} is past 2^63")))?),
                None => return Err(bad_cell(format!("{} is not taken", array.data_type()))),
            },
        })
    }

    fn spend(&mut self, n_bytes: usize) -> Result<(), Fault> {
        *self.left = self.left.checked_sub(n_bytes).ok_or(Fault::Large)?;
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<String, Fault> {
        self.spend(name.len())?;
        Ok(name.to_owned())
    }

    fn text(&mut self, text: &str) -> Result<Value, Fault> {
        Ok(Value::Text(self.name(text)?))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<Value, Fault> {
        self.spend(bytes.len())?;
        Ok(Value::Bytes(bytes.to_vec()))
    }

    fn list(&mut self, items: &dyn Array) -> Result<Value, Fault> {
        // Before anything is made of a list that claims to be long.
        self.spend(items.len().saturating_mul(ITEM_BYTES))?;
        Ok(Value::List((0..items.len()).map(|idx| self.value(items, idx)).collect::<Result<_, _>>()?))
    }

    fn map(&mut self, entries: &arrow_array::StructArray) -> Result<Value, Fault> {
        self.spend(entries.len().saturating_mul(ITEM_BYTES))?;
        let mut object: Vec<(String, Value)> = Vec::new();
        for idx in 0..entries.len() {
            let Value::Text(key) = self.value(entries.column(0), idx)? else {
                return Err(bad_cell("a map has a key that is no text"));
            };
            let value = self.value(entries.column(1), idx)?;
            // As in JSON, the last of a name wins.
            match object.iter_mut().find(|(known, _)| *known == key) {
                Some(cell) => cell.1 = value,
                None => object.push((key, value)),
            }
        }
        Ok(Value::Object(object))
    }
}

fn media(fields: Vec<(String, Value)>) -> Result<Value, Fault> {
    match <[_; 2]>::try_from(fields) {
        Ok([(_, Value::Text(mime)), (_, Value::Bytes(bytes))]) if is_media_type(&mime) => {
            Ok(Value::Media(Media { mime, bytes }))
        }
        Ok([(_, Value::Text(mime)), _]) => Err(bad_cell(format!("{mime:?} is no type of media"))),
        _ => Err(bad_cell("media has a type and bytes")),
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &dyn Array, idx: usize) -> T::Native {
    array.as_primitive::<T>().value(idx)
}

fn time(value: i64, micros: i64) -> Result<Value, Fault> {
    let micros = value.checked_mul(micros).ok_or_else(|| bad_cell(format!("the time {value} is too far away")))?;
    Ok(Value::Time(Timestamp(micros)))
}

/// A whole number of any width; `None` when the array has others.
fn whole(array: &dyn Array, idx: usize) -> Option<i128> {
    Some(match array.data_type() {
        DataType::Int8 => primitive::<Int8Type>(array, idx).into(),
        DataType::Int16 => primitive::<Int16Type>(array, idx).into(),
        DataType::Int32 => primitive::<Int32Type>(array, idx).into(),
        DataType::Int64 => primitive::<Int64Type>(array, idx).into(),
        DataType::UInt8 => primitive::<UInt8Type>(array, idx).into(),
        DataType::UInt16 => primitive::<UInt16Type>(array, idx).into(),
        DataType::UInt32 => primitive::<UInt32Type>(array, idx).into(),
        DataType::UInt64 => primitive::<UInt64Type>(array, idx).into(),
        _ => return None,
    })
}
