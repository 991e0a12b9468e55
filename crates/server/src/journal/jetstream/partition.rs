//! What is known of a stream and of how far it was folded; and the probe that keeps it known.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::stream::Stream;
use futures::future::join_all;
use tokio::time::Instant;

use super::connect::{check_server, is_connected};
use super::place;
use crate::journal::JournalError;

/// How often each stream is asked how it is.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);
/// How long it may take to answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// A stream that was silent this long is away. Some answers may be late on a machine that is busy.
const MAX_SILENCE: Duration = Duration::from_secs(7);
/// A fold that failed this long is in trouble.
const MAX_TROUBLE: Duration = Duration::from_secs(5);
/// A fold that does nothing for so long, though there are messages, is stuck.
const MAX_STUCK: Duration = Duration::from_secs(15);

/// A stream, as the fold, the probe and whoever asks see it.
pub(super) struct Partition {
    pub(super) number: u32,
    /// The last message that was folded and is in the local copy.
    folded: AtomicU64,
    /// The last message that the stream was seen to hold.
    end: AtomicU64,
    health: Mutex<Health>,
}

struct Health {
    seen: Instant,
    /// Since when the fold does not get on, and why.
    trouble: Option<(Instant, String)>,
    /// Since when messages wait to be folded and none is: what was folded last, and when that was seen first.
    stuck: Option<(Instant, u64)>,
}

impl Partition {
    pub(super) fn new(number: u32, folded: u64, end: u64) -> Self {
        let health = Mutex::new(Health { seen: Instant::now(), trouble: None, stuck: None });
        Self { number, folded: AtomicU64::new(folded), end: AtomicU64::new(end), health }
    }

    pub(super) fn folded(&self) -> u64 {
        self.folded.load(Ordering::Relaxed)
    }

    pub(super) fn set_folded(&self, seq: u64) {
        self.folded.store(seq, Ordering::Relaxed);
        self.clear_trouble();
    }

    /// The fold gets on again.
    pub(super) fn clear_trouble(&self) {
        self.health().trouble = None;
    }

    /// How many messages are not folded yet, as far as is known.
    pub(super) fn behind(&self) -> u64 {
        self.end.load(Ordering::Relaxed).saturating_sub(self.folded())
    }

    /// The fold failed; it will be tried again.
    pub(super) fn set_trouble(&self, reason: String) {
        let mut health = self.health();
        let since = health.trouble.take().map_or_else(Instant::now, |(since, _)| since);
        health.trouble = Some((since, reason));
    }

    fn saw(&self, end: u64) {
        self.end.fetch_max(end, Ordering::Relaxed);
        let (now, folded) = (Instant::now(), self.folded());
        let mut health = self.health();
        health.seen = now;
        let since = health.stuck.filter(|(_, before)| *before == folded).map_or(now, |(since, _)| since);
        health.stuck = (folded < end).then_some((since, folded));
    }

    /// Whether messages go into the stream and come out of it.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        let health = self.health();
        let name = place::stream(self.number);
        match &health.trouble {
            Some((since, reason)) if since.elapsed() > MAX_TROUBLE => {
                return Err(JournalError::Engine(format!("{name} cannot be followed: {reason}")));
            }
            _ => {}
        }
        if health.stuck.is_some_and(|(since, _)| since.elapsed() > MAX_STUCK) {
            return Err(JournalError::Engine(format!("{name} holds messages that are not folded")));
        }
        if health.seen.elapsed() > MAX_SILENCE {
            return Err(JournalError::Engine(format!("{name} has no leader that can be reached")));
        }
        Ok(())
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks each stream now and again how it is, and the node that we speak to for its version; never ends.
pub(super) async fn probe(client: async_nats::Client, streams: Vec<(Arc<Partition>, Stream<()>)>) {
    loop {
        tokio::time::sleep(PROBE_INTERVAL).await;
        if !is_connected(&client) {
            continue;
        }
        // The node may be another than at the start, and an older one. What it says is then not believed.
        if let Err(error) = check_server(&client.server_info(), "a node of the cluster") {
            tracing::error!(%error, "the engine is not used");
            continue;
        }
        let ask = |(partition, stream): &(Arc<Partition>, Stream<()>)| {
            let (partition, stream) = (Arc::clone(partition), stream.clone());
            async move {
                // A stream that does not answer is seen by its silence.
                if let Ok(Ok(info)) = tokio::time::timeout(PROBE_TIMEOUT, stream.get_info()).await {
                    partition.saw(info.state.last_sequence);
                }
            }
        };
        join_all(streams.iter().map(ask)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_away_when_it_is_silent_or_cannot_be_followed() {
        let partition = Partition::new(2, 5, 9);
        assert_eq!((partition.check(), partition.behind()), (Ok(()), 4));
        tokio::time::advance(MAX_SILENCE * 2).await;
        assert_eq!(partition.check().unwrap_err().code(), "engine_unavailable");
        partition.set_folded(9);
        partition.saw(9);
        assert_eq!(partition.check(), Ok(()));
        partition.set_trouble("x".to_owned());
        assert_eq!(partition.check(), Ok(()), "a failure that passes is none");
        tokio::time::advance(MAX_TROUBLE + Duration::from_secs(1)).await;
        partition.saw(9);
        partition.set_trouble("y".to_owned());
        assert!(partition.check().unwrap_err().to_string().contains('y'));
        partition.set_folded(9);
        assert_eq!((partition.check(), partition.behind()), (Ok(()), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fold_that_does_nothing_is_stuck() {
        let partition = Partition::new(2, 5, 5);
        let wait = async || {
            for _ in 0..6 {
                tokio::time::advance(MAX_STUCK / 3).await;
                partition.saw(9);
            }
            partition.check().map_err(|error| error.code())
        };
        assert_eq!(wait().await, Err("engine_unavailable"));
        partition.set_folded(6);
        partition.saw(9);
        assert_eq!(partition.check(), Ok(()), "it gets on");
        partition.set_folded(9);
        assert_eq!(wait().await, Ok(()), "there is nothing to fold");
    }
}
