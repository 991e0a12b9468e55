//! What a request may do: everything on an open server, else what its key allows for as long as that is not revoked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::TableName;

use super::budget::Budget;
use super::{Key, KeyError, Keys, Right};
use crate::config::Limits;

/// Where a request says that it comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sender {
    /// The origin of the page.
    pub(crate) origin: Option<String>,
    /// Whether it is a page of this server.
    pub(crate) is_own: bool,
}

/// A key, and how much of its budgets is left.
#[derive(Debug)]
pub(super) struct Held {
    key: Key,
    requests: Option<Mutex<Budget>>,
    rows: Option<Mutex<Budget>>,
}

impl Held {
    pub(super) fn new(key: Key) -> Self {
        let budget = |per_second: Option<u32>| per_second.map(|n| Mutex::new(Budget::new(n, Instant::now())));
        let limits = &key.limits;
        let (requests, rows) = (budget(limits.max_requests_per_second), budget(limits.max_rows_per_second));
        Self { key, requests, rows }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Whether the key is for pages of an origin.
    pub(super) fn takes_origin(&self, origin: &str) -> bool {
        let origins = &self.key.origins;
        origins.is_empty() || origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }

    /// Whether the key is for whoever sends it. What names no page is none; the server's own pages are always right.
    pub(super) fn check_sender(&self, sender: &Sender) -> Result<(), KeyError> {
        let Sender { origin, is_own } = sender;
        let fits = origin.as_ref().map_or(self.key.origins.is_empty(), |origin| self.takes_origin(origin));
        if fits || *is_own {
            return Ok(());
        }
        Err(KeyError::Origin { id: self.key.id.clone(), from: origin.clone() })
    }
}

/// What a request may do.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    keys: Arc<Keys>,
    held: Option<Arc<Held>>,
}

impl Access {
    pub(super) fn open(keys: Arc<Keys>) -> Self {
        Self { keys, held: None }
    }

    pub(super) fn of(keys: Arc<Keys>, held: Arc<Held>) -> Self {
        Self { keys, held: Some(held) }
    }

    /// The key; none on an open server.
    pub(crate) fn key(&self) -> Option<&Key> {
        self.held.as_deref().map(Held::key)
    }

    /// Whether it allows something, on whichever tables.
    ///
    /// # Errors
    /// [`KeyError::Right`].
    pub(crate) fn check_right(&self, needs: Right) -> Result<(), KeyError> {
        match self.key() {
            Some(key) if !key.right.includes(needs) => Err(KeyError::right(&key.id, key.right, needs)),
            _ => Ok(()),
        }
    }

    /// Whether it allows something on a table.
    ///
    /// # Errors
    /// [`KeyError::Right`], [`KeyError::Scope`].
    pub(crate) fn check(&self, needs: Right, table: &TableName) -> Result<(), KeyError> {
        self.check_right(needs)?;
        match self.key() {
            Some(Key { id, scope, .. }) if !scope.has(table) => {
                Err(KeyError::Scope { id: id.clone(), scope: scope.to_string(), table: table.to_string() })
            }
            _ => Ok(()),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`KeyError::RateLimited`].
    pub(crate) fn take_request(&self) -> Result<(), KeyError> {
        let Some((held, budget)) = self.held.as_ref().and_then(|held| Some((held, held.requests.as_ref()?))) else {
            return Ok(());
        };
        let mut budget = budget.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = budget.wait(Instant::now()) {
            return Err(KeyError::RateLimited { id: held.key.id.clone(), wait });
        }
        budget.take(1);
        Ok(())
    }

    /// How long to wait before further rows may come; nothing where they may now.
    pub(crate) fn wait_for_rows(&self) -> Option<Duration> {
        let budget = self.held.as_ref()?.rows.as_ref()?;
        budget.lock().unwrap_or_else(PoisonError::into_inner).wait(Instant::now())
    }

    /// Whether rows may come now.
    ///
    /// # Errors
    /// [`KeyError::RateLimited`].
    pub(crate) fn check_rows(&self) -> Result<(), KeyError> {
        match (self.key(), self.wait_for_rows()) {
            (Some(key), Some(wait)) => Err(KeyError::RateLimited { id: key.id.clone(), wait }),
            _ => Ok(()),
        }
    }

    /// Counts rows that came.
    pub(crate) fn take_rows(&self, n_rows: u64) {
        if let Some(budget) = self.held.as_ref().and_then(|held| held.rows.as_ref()) {
            budget.lock().unwrap_or_else(PoisonError::into_inner).take(n_rows);
        }
    }

    /// Whether a table of that size takes further rows.
    ///
    /// # Errors
    /// [`KeyError::TableFull`].
    pub(crate) fn check_table_bytes(&self, n_bytes: u64) -> Result<(), KeyError> {
        let Some(key) = self.key() else { return Ok(()) };
        match key.limits.max_table_bytes {
            Some(max_bytes) if n_bytes >= max_bytes => {
                Err(KeyError::TableFull { id: key.id.clone(), n_bytes, max_bytes })
            }
            _ => Ok(()),
        }
    }

    /// The largest row and the most columns, where the key says less than the server.
    pub(crate) fn row_limits(&self, limits: &Limits) -> (usize, usize) {
        let least = |own: Option<u64>, of_server: usize| {
            own.map_or(of_server, |own| of_server.min(usize::try_from(own).unwrap_or(usize::MAX)))
        };
        let own = self.key().map(|key| key.limits).unwrap_or_default();
        (least(own.max_row_bytes, limits.max_row_bytes), least(own.max_columns, limits.max_columns))
    }

    /// Why it no longer holds, if it does not: the key was revoked, or the server asks for one since.
    pub(crate) fn ended_by(&self) -> Option<KeyError> {
        let known = self.keys.known();
        let Some(held) = &self.held else {
            return (!known.is_empty()).then_some(KeyError::Missing);
        };
        let id = &held.key.id;
        match known.get(id) {
            Some(now) if now.key.revoked_micros.is_none() => None,
            _ => Some(KeyError::Revoked { id: id.clone() }),
        }
    }

    /// Settles when it no longer holds, with the reason.
    pub(crate) async fn ended(&self) -> KeyError {
        let mut revision = self.keys.revision.subscribe();
        loop {
            revision.borrow_and_update();
            if let Some(error) = self.ended_by() {
                return error;
            }
            // The sender lives as long as the keys do, and they are held here.
            let _ = revision.changed().await;
        }
    }
}
