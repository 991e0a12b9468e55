//! Time and chance as JavaScript has them.

use gloo_timers::future::TimeoutFuture;

/// Waits. Dropping the future stops the timer.
pub(crate) fn sleep(millis: u64) -> TimeoutFuture {
    TimeoutFuture::new(u32::try_from(millis).unwrap_or(u32::MAX).min(MAX_TIMEOUT_MILLIS))
}

/// A timer set for longer fires at once.
const MAX_TIMEOUT_MILLIS: u32 = i32::MAX as u32;

/// A number in `0..1`.
pub(crate) fn random() -> f64 {
    js_sys::Math::random()
}
