//! A reader that stops when one piece of a file takes too much, whatever the file says of itself.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Reads on until a piece has had its bytes.
pub(super) struct Meter<R> {
    inner: R,
    allowance: Allowance,
}

/// How many bytes the piece at hand may still take.
#[derive(Clone)]
pub(super) struct Allowance {
    left: Arc<AtomicUsize>,
    max_bytes: usize,
}

impl Allowance {
    /// Begins the next piece.
    pub(super) fn renew(&self) {
        self.left.store(self.max_bytes, Ordering::Relaxed);
    }

    /// Whether the piece wanted more than it may have.
    pub(super) fn is_spent(&self) -> bool {
        self.left.load(Ordering::Relaxed) == 0
    }
}

/// A reader of pieces of at most `max_bytes` each.
pub(super) fn metered<R: Read>(inner: R, max_bytes: usize) -> (Meter<R>, Allowance) {
    let allowance = Allowance { left: Arc::new(AtomicUsize::new(max_bytes)), max_bytes };
    (Meter { inner, allowance: allowance.clone() }, allowance)
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.allowance.left.load(Ordering::Relaxed);
        if left == 0 {
            return Err(std::io::Error::other("a piece of the file is too large"));
        }
        let n_wanted = buffer.len().min(left);
        let n_read = self.inner.read(&mut buffer[..n_wanted])?;
        self.allowance.left.store(left - n_read, Ordering::Relaxed);
        Ok(n_read)
    }
}
