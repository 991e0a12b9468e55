//! Reads the messages of an Arrow IPC stream that holds one batch and no dictionaries.
//!
//! Arrow's own stream reader would do, but it can also join dictionaries, and the code for that would make the board's
//! worker a third larger.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::{Message, root_as_message};
use arrow_schema::{ArrowError, Schema};

/// What a message starts with since version 0.15 of the format.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A message and the bytes that belong to it.
struct Part<'a> {
    message: Message<'a>,
    /// Where the body lies in the stream.
    body: std::ops::Range<usize>,
}

/// Reads the schema and the one batch of a stream.
///
/// See <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>.
pub(crate) fn read_single_batch(stream: &[u8]) -> Result<(Arc<Schema>, RecordBatch), ArrowError> {
    let first = part_at(stream, 0)?.ok_or_else(|| bad("it is empty"))?;
    let schema = first.message.header_as_schema().ok_or_else(|| bad("it does not start with a schema"))?;
    let schema = Arc::new(try_fb_to_schema(schema)?);
    let second = part_at(stream, first.body.end)?.ok_or_else(|| bad("it has no batch"))?;
    let batch = second.message.header_as_record_batch().ok_or_else(|| bad("its second message is no batch"))?;
    if part_at(stream, second.body.end)?.is_some() {
        return Err(bad("it has more than one batch"));
    }
    let body = Buffer::from(&stream[second.body]);
    let version = second.message.version();
    let batch = read_record_batch(&body, batch, Arc::clone(&schema), &HashMap::new(), None, &version)?;
    Ok((schema, batch))
}

/// The message at a place; `None` at the stream's end, marked or not.
fn part_at(stream: &[u8], start: usize) -> Result<Option<Part<'_>>, ArrowError> {
    let rest = stream.get(start..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(None);
    }
    let Some((CONTINUATION, rest)) = rest.split_first_chunk::<4>().map(|(mark, rest)| (*mark, rest)) else {
        return Err(bad("a message does not start as one"));
    };
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(|| bad("a message is cut short"))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length == 0 {
        return Ok(None);
    }
    let metadata = rest.get(..length).ok_or_else(|| bad("a message is cut short"))?;
    let message = root_as_message(metadata).map_err(|error| bad(&error.to_string()))?;
    let body_start = start + 8 + length;
    let body_end = usize::try_from(message.bodyLength()).ok().and_then(|length| body_start.checked_add(length));
    let body_end = body_end.filter(|end| *end <= stream.len()).ok_or_else(|| bad("a message is cut short"))?;
    Ok(Some(Part { message, body: body_start..body_end }))
}

fn bad(reason: &str) -> ArrowError {
    ArrowError::IpcError(reason.to_owned())
}
