//! Time and chance as JavaScript has them.

use std::future::Future;

use gloo_timers::future::TimeoutFuture;
use model::WriterId;
use wasm_bindgen::prelude::*;

use crate::ports::{Clock, Random};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn fill_with_random(bytes: &mut [u8]) -> Result<(), JsValue>;
}

/// A timer set for longer fires at once.
const MAX_TIMEOUT_MILLIS: u32 = i32::MAX as u32;

/// The clock of the page, worker or process.
pub(crate) struct WebClock;

impl Clock for WebClock {
    fn now_millis(&self) -> u64 {
        performance_now() as u64
    }

    fn sleep(&self, millis: u64) -> impl Future<Output = ()> {
        sleep(millis)
    }
}

/// The chance of `Math.random`, which is good enough to spread retries.
pub(crate) struct WebRandom;

impl Random for WebRandom {
    fn unit(&self) -> f64 {
        js_sys::Math::random()
    }
}

/// Waits. Dropping the future stops the timer.
pub(crate) fn sleep(millis: u64) -> TimeoutFuture {
    TimeoutFuture::new(u32::try_from(millis).unwrap_or(u32::MAX).min(MAX_TIMEOUT_MILLIS))
}

/// A writer nobody else has.
pub(crate) fn new_writer() -> WriterId {
    let mut bytes = [0; 16];
    if fill_with_random(&mut bytes).is_err() {
        for byte in &mut bytes {
            *byte = (js_sys::Math::random() * 256.0) as u8;
        }
    }
    WriterId::from_bytes(bytes)
}
