//! The messages of an Arrow IPC stream that holds one batch and no dictionaries.
//!
//! See <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>.

use std::ops::Range;

use arrow_ipc::{Message, RecordBatch, Schema, root_as_message};

use crate::WireError;

/// What a message starts with since version 0.15 of the format.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A stream's one batch.
pub(super) struct Frame<'a> {
    pub(super) schema: Schema<'a>,
    pub(super) batch: RecordBatch<'a>,
    /// What the batch's buffers lie in.
    pub(super) body: &'a [u8],
}

/// A message and where its body lies in the stream.
struct Part<'a> {
    message: Message<'a>,
    body: Range<usize>,
}

/// Reads the schema and the one batch of a stream.
pub(super) fn read_frame(stream: &[u8]) -> Result<Frame<'_>, WireError> {
    let first = part_at(stream, 0)?.ok_or_else(|| bad("it is empty"))?;
    let schema = first.message.header_as_schema().ok_or_else(|| bad("it does not start with a schema"))?;
    let second = part_at(stream, first.body.end)?.ok_or_else(|| bad("it has no batch"))?;
    let batch = second.message.header_as_record_batch().ok_or_else(|| bad("its second message is no batch"))?;
    if part_at(stream, second.body.end)?.is_some() {
        return Err(bad("it has more than one batch"));
    }
    Ok(Frame { schema, batch, body: &stream[second.body] })
}

/// The message at a place; `None` at the stream's end, marked or not.
fn part_at(stream: &[u8], start: usize) -> Result<Option<Part<'_>>, WireError> {
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

pub(super) fn bad(reason: &str) -> WireError {
    WireError::Arrow(reason.to_owned())
}
