//! The system's random numbers.

use model::WriterId;

/// A number in `0..1`.
pub(crate) fn unit() -> f64 {
    // Half is as good a jitter as any where the system has no chance to give.
    getrandom::u64().map_or(0.5, |bits| (bits >> 11) as f64 / (1_u64 << 53) as f64)
}

/// A writer nobody else has.
///
/// # Panics
/// Where the system has no random numbers to give; every system that runs tokio has.
pub(crate) fn new_writer() -> WriterId {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("every system that runs tokio has random numbers");
    WriterId::from_bytes(bytes)
}
