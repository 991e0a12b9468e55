//! What every request's handler shares.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, watch};

use crate::clock::now_micros;
use crate::config::{Config, Limits};
use crate::hub::Hub;
use crate::journal::{Append, Appended, Budget, JetStreamJournal, Journal, JournalError, JournalEvent, SqliteJournal};
use crate::keys::Keys;
use crate::metrics::{Metrics, Outcome};
use crate::query::Queries;
use crate::rate::Rates;

/// After the journal refused rows for want of room, the server does not claim to be ready for so long.
const REST_AFTER_REFUSAL: Duration = Duration::from_secs(10);

/// The journal, the hub and the settings; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    config: Config,
    keys: Arc<Keys>,
    journal: Arc<dyn Journal>,
    hub: Arc<Hub>,
    rates: Arc<Rates>,
    queries: Arc<Queries>,
    imports: Arc<Semaphore>,
    bodies: Budget,
    metrics: Metrics,
    /// When the journal last refused rows for want of room.
    refusal: Mutex<Option<(Instant, JournalError)>>,
    stopping: watch::Sender<bool>,
}

impl AppState {
    /// Opens the journal in the folder that the settings name, or in the cluster that they name. `keys` says who may do what.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`] and [`JetStreamJournal::open`].
    pub async fn open(config: Config, keys: Keys) -> Result<Self, JournalError> {
        let stopping = watch::Sender::new(false);
        let (hub, rates) = (Arc::new(Hub::default()), Arc::new(Rates::default()));
        let (to_hub, to_rates) = (Arc::clone(&hub), Arc::clone(&rates));
        let on_event = Box::new(move |event: JournalEvent<'_>| match event {
            JournalEvent::Stored(table, frame) => {
                to_rates.add(table, frame.n_rows, now_micros());
                to_hub.publish(table, frame);
            }
            JournalEvent::Deleted(table) => {
                to_rates.forget(table);
                to_hub.forget(table);
            }
        });
        let (dir, limits, retention) = (&config.data, &config.limits, config.retain.into());
        let journal: Arc<dyn Journal> = if config.engine.engine.is_some() {
            Arc::new(JetStreamJournal::open(dir, &config.engine, limits, retention, on_event).await?)
        } else {
            Arc::new(SqliteJournal::open(dir, limits, retention, on_event)?)
        };
        let queries = Arc::new(Queries::new(Arc::clone(&journal), Arc::clone(&hub), &config.limits));
        let imports = Arc::new(Semaphore::new(config.limits.max_imports.min(Semaphore::MAX_PERMITS)));
        let bodies = Budget::new(config.limits.max_body_memory_bytes);
        let (metrics, refusal) = (Metrics::default(), Mutex::new(None));
        let keys = Arc::new(keys);
        keys.keep_looking();
        Ok(Self(Arc::new(Inner {
            imports,
            bodies,
            metrics,
            refusal,
            config,
            keys,
            journal,
            hub,
            rates,
            queries,
            stopping,
        })))
    }

    /// The limits on what is taken.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.config.limits
    }

    /// Room for the bodies that are being read.
    #[must_use]
    pub fn bodies(&self) -> &Budget {
        &self.0.bodies
    }

    /// Who may do what.
    #[must_use]
    pub fn keys(&self) -> &Arc<Keys> {
        &self.0.keys
    }

    /// The folder that holds the rows.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.0.config.data
    }

    /// A permit for each import that may be under way.
    #[must_use]
    pub fn imports(&self) -> &Arc<Semaphore> {
        &self.0.imports
    }

    /// The folder of the built board, once it is built.
    #[must_use]
    pub fn board(&self) -> Option<&Path> {
        self.0.config.board()
    }

    /// Where the rows are.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.0.journal
    }

    /// Where tails subscribe.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// How many rows a second come.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.0.rates
    }

    /// Who answers queries.
    #[must_use]
    pub fn queries(&self) -> &Arc<Queries> {
        &self.0.queries
    }

    /// The figures.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Whether the figures have an address of their own.
    pub(crate) fn metrics_apart(&self) -> bool {
        self.0.config.metrics_listen.is_some()
    }

    /// Which pages may show the board in a frame.
    pub(crate) fn frame_ancestors(&self) -> &str {
        &self.0.config.frame_ancestors
    }

    /// Keeps rows, as [`Journal::append`], and counts them.
    ///
    /// # Errors
    /// Those of the journal.
    pub(crate) async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        let _queued = self.0.metrics.queued(append.reservation.n_bytes());
        let start = Instant::now();
        let outcome = self.0.journal.append(append).await;
        self.0.metrics.commit(start.elapsed());
        match &outcome {
            Ok(appended) => {
                self.0.metrics.rows(Outcome::stored, appended.n_stored);
                self.0.metrics.rows(Outcome::duplicate, appended.n_duplicate);
                *self.refusal() = None;
            }
            Err(error @ JournalError::DiskFull) => *self.refusal() = Some((Instant::now(), error.clone())),
            Err(_) => {}
        }
        outcome
    }

    /// Whether the server takes rows now.
    ///
    /// # Errors
    /// Why it does not: it is stopping, a write failed, or the disk was full some seconds ago.
    pub(crate) fn check_ready(&self) -> Result<(), JournalError> {
        if *self.0.stopping.borrow() {
            return Err(JournalError::Closed);
        }
        self.0.journal.check()?;
        match &*self.refusal() {
            Some((at, error)) if at.elapsed() < REST_AFTER_REFUSAL => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn refusal(&self) -> std::sync::MutexGuard<'_, Option<(Instant, JournalError)>> {
        self.0.refusal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the tails to end.
    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Settles when nobody holds what [`AppState::stopping`] gave, and so every tail has ended.
    pub(crate) async fn tails_ended(&self) {
        self.0.stopping.closed().await;
    }

    /// Turns true when the server stops.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }
}
