//! A request's body: read, decompressed, both within its limit and within what all bodies may take together.

use std::io::Read;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;

use super::error::ApiError;
use crate::journal::{JournalError, Reservation};
use crate::state::AppState;

/// The first bytes of gzip, by which a page's body is known that carries no header.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// A body larger than this, compressed, is decompressed off the request's thread.
const LARGE_GZIP_BYTES: usize = 32 << 10;

/// The most of a refused body that is read for the sake of the answer, and the longest that may take.
const MAX_DISCARDED_BYTES: usize = 256 << 20;
const MAX_DISCARD_TIME: Duration = Duration::from_secs(10);

/// So much of each body is not counted: small ones get through where large ones take all that there is.
const FREE_BYTES: usize = 64 << 10;
/// How much is decompressed at a time.
const GUNZIP_BYTES: usize = 1 << 20;

/// What a body takes of what all may take together.
pub(super) struct Room {
    state: AppState,
    n_bytes: usize,
    held: Option<Reservation>,
}

impl Room {
    fn new(state: &AppState) -> Self {
        Self { state: state.clone(), n_bytes: 0, held: None }
    }

    /// Takes room for so many bytes more.
    fn take(&mut self, n_more: usize) -> Result<(), ApiError> {
        self.n_bytes += n_more;
        let n_counted = self.n_bytes.saturating_sub(FREE_BYTES);
        let bodies = self.state.bodies();
        let is_taken = match &mut self.held {
            _ if n_counted == 0 => true,
            Some(held) => bodies.extend(held, n_counted - held.n_bytes()),
            held @ None => {
                *held = bodies.reserve(n_counted);
                held.is_some()
            }
        };
        if is_taken { Ok(()) } else { Err(JournalError::Overloaded.into()) }
    }
}

/// Reads and decompresses a body of at most so many bytes. The room is given back when it is dropped.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    state: &AppState,
    max_bytes: usize,
) -> Result<(Bytes, Room), ApiError> {
    let limits = state.limits();
    let mut room = Room::new(state);
    let gzip = match header_text(headers, &header::CONTENT_ENCODING) {
        None | Some("" | "identity") => None,
        Some("gzip" | "x-gzip") => Some(true),
        Some(other) => {
            let error = ApiError::Encoding(other.to_owned());
            discard(body).await;
            return Err(error);
        }
    };
    let collect = collect(body, max_bytes, &mut room, Duration::from_secs(limits.max_silence_seconds));
    // Whoever sends a byte now and then is never silent.
    let collect = tokio::time::timeout(Duration::from_secs(limits.max_body_seconds), collect);
    let bytes = collect.await.map_err(|_| ApiError::Timeout)??;
    if gzip != Some(true) && !bytes.starts_with(&GZIP_MAGIC) {
        return Ok((bytes, room));
    }
    if bytes.len() < LARGE_GZIP_BYTES {
        return Ok((gunzip(&bytes, max_bytes, |n_more| room.take(n_more))?, room));
    }
    super::blocking(move || Ok((gunzip(&bytes, max_bytes, |n_more| room.take(n_more))?, room))).await
}

/// Reads a body that nobody wants, so that the answer is not lost: whoever still sends when the connection closes sees a
/// broken connection in place of the answer, and would try for ever.
pub(super) async fn discard(body: Body) {
    discard_rest(&mut body.into_data_stream()).await;
}

pub(super) async fn discard_rest(pieces: &mut BodyDataStream) {
    let read = async {
        let mut n_bytes = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            n_bytes += piece.len();
            if n_bytes > MAX_DISCARDED_BYTES {
                break;
            }
        }
    };
    // Whoever is too slow or too large loses the answer.
    let _ = tokio::time::timeout(MAX_DISCARD_TIME, read).await;
}

fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The whole body; one that came in one piece is not copied.
async fn collect(body: Body, max_bytes: usize, room: &mut Room, max_silence: Duration) -> Result<Bytes, ApiError> {
    let mut pieces = body.into_data_stream();
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    loop {
        let piece = tokio::time::timeout(max_silence, pieces.next()).await.map_err(|_| ApiError::Timeout)?;
        let Some(piece) = piece else { break };
        let piece = piece.map_err(|error| ApiError::Body(error.to_string()))?;
        let is_too_large = first.len() + joined.len() + piece.len() > max_bytes;
        let taken =
            if is_too_large { Err(ApiError::RequestTooLarge(max_bytes as u64)) } else { room.take(piece.len()) };
        if let Err(error) = taken {
            drop((first, joined, room.held.take()));
            discard_rest(&mut pieces).await;
            return Err(error);
        }
        if first.is_empty() && joined.is_empty() {
            first = piece;
            continue;
        }
        joined.extend_from_slice(&std::mem::take(&mut first));
        joined.extend_from_slice(&piece);
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

/// Decompresses as far as the limit and not a byte more, whatever the body claims; `take` has room for so many bytes more.
fn gunzip(
    bytes: &[u8],
    max_bytes: usize,
    mut take: impl FnMut(usize) -> Result<(), ApiError>,
) -> Result<Bytes, ApiError> {
    let mut out = Vec::with_capacity((bytes.len() * 4).min(max_bytes).min(GUNZIP_BYTES));
    let mut decoder = MultiGzDecoder::new(bytes).take(max_bytes as u64 + 1);
    loop {
        let piece = decoder.by_ref().take(GUNZIP_BYTES as u64).read_to_end(&mut out);
        match piece.map_err(|error| ApiError::Gzip(error.to_string()))? {
            0 => return Ok(Bytes::from(out)),
            _ if out.len() > max_bytes => return Err(ApiError::RequestTooLarge(max_bytes as u64)),
            n_more => take(n_more)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_gzip_bomb_is_refused_at_the_limit() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 10 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 20 << 10);
        let free = |_| Ok(());
        assert_eq!(gunzip(&bomb, 1 << 20, free).unwrap_err().code(), "request_too_large");
        assert_eq!(gunzip(&bomb, 10 << 20, free).map(|bytes| bytes.len()), Ok(10 << 20));
        assert_eq!(gunzip(&bomb[..bomb.len() / 2], 10 << 20, free).unwrap_err().code(), "bad_gzip");
    }
}
