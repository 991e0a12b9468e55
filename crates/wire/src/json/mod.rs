//! Rows as JSON, one a line. What JSON lacks travels as an object of one key, a *tag*:
//!
//! | tag | means |
//! | --- | --- |
//! | `{"$f64": "NaN"}`, `"Infinity"`, `"-Infinity"`, `"-0"` | that number |
//! | `{"$i64": "123"}` | a whole number of 64 bits |
//! | `{"$ts": 1700000000000000}` | a point in time, in microseconds since 1970-01-01T00:00:00Z |
//! | `{"$bytes": "aGk="}` | bytes, in base64 |
//! | `{"$media": "data:image/png;base64,…"}` | media |
//! | `{"$obj": {"$x": 1}}` | the object `{"$x": 1}` itself |
//!
//! The last is how an object that would look like a tag is written. A row is never a tag. A plain number is a float,
//! except a whole number past 2^53 that fits 64 bits, which is taken as such so that no digit is lost.

mod encode;
pub use encode::{encode_row, encode_rows_message, encode_text, encode_value, to_base64};

#[cfg(feature = "json")]
mod answer;
#[cfg(feature = "json")]
mod decode;
#[cfg(feature = "json")]
pub use answer::{NamedCells, QueryText, decode_column_facts, decode_query_answer, decode_query_text};
#[cfg(feature = "files")]
pub(crate) use decode::is_media_type;
#[cfg(feature = "json")]
pub use decode::{decode_row, decode_value, media_from_data_url, split_rows};

pub(crate) const F64: &str = "$f64";
pub(crate) const I64: &str = "$i64";
pub(crate) const TS: &str = "$ts";
pub(crate) const BYTES: &str = "$bytes";
pub(crate) const MEDIA: &str = "$media";
pub(crate) const OBJ: &str = "$obj";
