//! A request's body as something that a thread reads, decompressed, within the limit.
//!
//! Few pieces wait between the request's task and the thread, so a client that sends faster than rows are stored is held up
//! by its own connection.

use std::io::{Cursor, Error, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::http::error::ApiError;

/// How many pieces of a body wait to be read; hyper's are at most some hundred KiB.
const N_WAITING: usize = 4;
/// The first bytes of gzip.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a body could not be read on. Readers of formats know only that there is an error.
#[derive(Clone, Default)]
pub(super) struct Fault(Arc<Mutex<Option<ApiError>>>);

impl Fault {
    /// The fault, if there was one.
    pub(super) fn take(&self) -> Option<ApiError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes the first fault, and gives the error that readers get.
    fn note(&self, error: ApiError) -> Error {
        let reason = error.to_string();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        Error::other(reason)
    }
}

enum Piece {
    Bytes(Bytes),
    /// The body has ended as it should.
    End,
    Fault(ApiError),
}

/// The request's end.
pub(super) struct Feeder(Sender<Piece>);

/// The thread's end.
pub(super) struct Source {
    pieces: Receiver<Piece>,
    max_bytes: u64,
    fault: Fault,
}

impl Source {
    /// The two ends of a body of at most `max_bytes`, before and after decompression.
    pub(super) fn new(max_bytes: u64) -> (Feeder, Source) {
        let (sender, pieces) = channel(N_WAITING);
        (Feeder(sender), Source { pieces, max_bytes, fault: Fault::default() })
    }

    /// What tells why reading failed.
    pub(super) fn fault(&self) -> Fault {
        self.fault.clone()
    }

    /// The bytes, decompressed when they are gzip.
    pub(super) fn into_reader(self, is_gzip: bool) -> std::io::Result<Box<dyn Read + Send>> {
        let (max_bytes, fault) = (self.max_bytes, self.fault.clone());
        let came = Came { pieces: self.pieces, now: Bytes::new(), is_at_end: false, fault: fault.clone() };
        let mut came = Limited { inner: came, left: max_bytes, max_bytes, fault: fault.clone() };
        let mut head = Vec::new();
        (&mut came).take(GZIP_MAGIC.len() as u64).read_to_end(&mut head)?;
        let is_gzip = is_gzip || head == GZIP_MAGIC;
        let came = Read::chain(Cursor::new(head), came);
        if !is_gzip {
            return Ok(Box::new(came));
        }
        let plain = Gunzip { inner: MultiGzDecoder::new(came), fault: fault.clone() };
        Ok(Box::new(Limited { inner: plain, left: max_bytes, max_bytes, fault }))
    }
}

impl Feeder {
    /// Passes a body on until it ends. What is left of one that nobody reads any more is given back.
    pub(super) async fn feed(self, body: Body, max_silence: Duration) -> Option<BodyDataStream> {
        let mut pieces = body.into_data_stream();
        loop {
            let piece = match tokio::time::timeout(max_silence, pieces.next()).await {
                Err(_) => Piece::Fault(ApiError::Timeout),
                Ok(None) => Piece::End,
                Ok(Some(Err(error))) => Piece::Fault(ApiError::Body(error.to_string())),
                Ok(Some(Ok(bytes))) => Piece::Bytes(bytes),
            };
            let is_last = !matches!(piece, Piece::Bytes(_));
            if self.0.send(piece).await.is_err() {
                return Some(pieces);
            }
            if is_last {
                return None;
            }
        }
    }
}

/// The bytes as they came.
struct Came {
    pieces: Receiver<Piece>,
    now: Bytes,
    is_at_end: bool,
    fault: Fault,
}

impl Read for Came {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.now.is_empty() && !self.is_at_end {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.now = bytes,
                Some(Piece::End) => self.is_at_end = true,
                Some(Piece::Fault(error)) => return Err(self.fault.note(error)),
                // The request was given up: what came of its last row must not be taken for the whole.
                None => return Err(self.fault.note(ApiError::Body("the connection broke off".to_owned()))),
            }
        }
        let n_bytes = buffer.len().min(self.now.len());
        self.now.copy_to_slice(&mut buffer[..n_bytes]);
        Ok(n_bytes)
    }
}

/// Fails at a byte past the limit.
struct Limited<R> {
    inner: R,
    left: u64,
    max_bytes: u64,
    fault: Fault,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n_read = self.inner.read(buffer)?;
        match self.left.checked_sub(n_read as u64) {
            Some(left) => {
                self.left = left;
                Ok(n_read)
            }
            None => Err(self.fault.note(ApiError::RequestTooLarge(self.max_bytes))),
        }
    }
}

/// Notes when what should be gzip is none.
struct Gunzip<R> {
    inner: R,
    fault: Fault,
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // A fault of the body itself was noted before.
        self.inner.read(buffer).map_err(|error| self.fault.note(ApiError::Gzip(error.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    async fn read(body: Body, max_bytes: u64) -> Result<usize, &'static str> {
        let (feeder, source) = Source::new(max_bytes);
        let fault = source.fault();
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            source.into_reader(false)?.read_to_end(&mut bytes)
        });
        feeder.feed(body, Duration::from_secs(1)).await;
        read.await.expect("it does not panic").map_err(|_| fault.take().expect("it was noted").code())
    }

    #[tokio::test]
    async fn bodies_are_read_to_their_limit() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b' '; 10 << 20]).expect("a Vec takes every byte");
        let bomb = Bytes::from(encoder.finish().expect("a Vec takes every byte"));
        assert_eq!(read(Body::from("abc"), 3).await, Ok(3));
        assert_eq!(read(Body::from("a"), 3).await, Ok(1));
        assert_eq!(read(Body::empty(), 3).await, Ok(0));
        assert_eq!(read(Body::from("abcd"), 3).await, Err("request_too_large"));
        assert_eq!(read(Body::from(bomb.clone()), 10 << 20).await, Ok(10 << 20));
        assert_eq!(read(Body::from(bomb.clone()), (10 << 20) - 1).await, Err("request_too_large"));
        assert_eq!(read(Body::from(bomb.slice(..bomb.len() / 2)), 10 << 20).await, Err("bad_gzip"));
    }

    #[tokio::test]
    async fn a_body_that_is_given_up_is_not_taken_for_a_short_one() {
        let (feeder, source) = Source::new(100);
        let fault = source.fault();
        feeder.0.send(Piece::Bytes(Bytes::from("{}\n{}"))).await.map_err(drop).expect("it is read");
        drop(feeder);
        let read = tokio::task::spawn_blocking(move || source.into_reader(false)?.read_to_end(&mut Vec::new()));
        assert!(read.await.expect("it does not panic").is_err());
        assert_eq!(fault.take().map(|error| error.code()), Some("bad_body"));
    }
}
