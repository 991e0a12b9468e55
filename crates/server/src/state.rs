//! What every request's handler shares.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::now_micros;
use crate::config::{Config, Limits};
use crate::hub::Hub;
use crate::journal::{Journal, JournalError, JournalEvent, SqliteJournal};
use crate::query::Queries;
use crate::rate::Rates;

/// The journal, the hub and the settings; cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    config: Config,
    journal: Arc<dyn Journal>,
    hub: Arc<Hub>,
    rates: Arc<Rates>,
    queries: Arc<Queries>,
    stopping: watch::Sender<bool>,
}

impl AppState {
    /// Opens the journal in the folder that the settings name.
    ///
    /// # Errors
    /// As [`SqliteJournal::open`].
    pub fn open(config: Config) -> Result<Self, JournalError> {
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
        let journal = SqliteJournal::open(&config.data, &config.limits, config.retain.into(), on_event)?;
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let queries = Arc::new(Queries::new(Arc::clone(&journal), Arc::clone(&hub), &config.limits));
        Ok(Self(Arc::new(Inner { config, journal, hub, rates, queries, stopping })))
    }

    /// The limits on what is taken.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.0.config.limits
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
