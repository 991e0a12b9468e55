//! Accounts: keys with rights on an entity or one of its projects.
//!
//! [`text`] is how a key reads, [`file`] keeps what keys allow and the hashes of their texts, [`Keys`] knows them while a server
//! runs, [`Access`] is what one of them allows, [`command`] makes and revokes them. A server without a key is open to all who reach
//! it, and one that ever had a key never is again.

mod access;
mod budget;
mod command;
mod error;
mod file;
mod key;
mod text;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use subtle::ConstantTimeEq;
use tokio::sync::watch;

pub use self::command::KeyCommand;
pub use self::error::{KeyError, KeysError};
pub use self::key::{Key, KeyLimits, Right, Scope};

pub(crate) use self::access::{Access, Sender};

use self::access::Held;
use self::file::{FILE_NAME, KeyFile, Mark};

/// How often a server looks whether keys were made or revoked.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

/// The keys of a running server.
#[derive(Debug)]
pub struct Keys {
    file: KeyFile,
    known: RwLock<HashMap<String, Arc<Held>>>,
    mark: Mutex<Option<Mark>>,
    /// Grows when something else is known.
    revision: watch::Sender<u64>,
}

impl Keys {
    /// Where the keys of a data folder are, unless another file is named.
    #[must_use]
    pub fn path(data: &Path, named: Option<&Path>) -> PathBuf {
        named.map_or_else(|| data.join(FILE_NAME), Path::to_owned)
    }

    /// Reads the keys of a file, which need not exist.
    ///
    /// # Errors
    /// When it is there and cannot be read: whether the server is open must not depend on that.
    pub fn open(path: PathBuf) -> Result<Self, KeysError> {
        let revision = watch::Sender::new(0);
        let keys = Self { file: KeyFile::new(path), known: RwLock::default(), mark: Mutex::default(), revision };
        keys.look()?;
        Ok(keys)
    }

    /// Whether there is a key, or was one.
    #[must_use]
    pub fn are_there(&self) -> bool {
        !self.known().is_empty()
    }

    /// Takes in keys that were made or revoked, until the keys are dropped.
    pub(crate) fn keep_looking(self: &Arc<Self>) {
        let keys = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut told = None;
            loop {
                tokio::time::sleep(LOOK_INTERVAL).await;
                let Some(keys) = keys.upgrade() else { return };
                let looked = tokio::task::spawn_blocking(move || keys.look()).await;
                // What cannot be read leaves all as it is. It is told once.
                let fault =
                    looked.map_or_else(|error| Some(error.to_string()), |looked| looked.err().map(|e| e.to_string()));
                if let Some(fault) = fault.as_ref().filter(|fault| told.as_ref() != Some(*fault)) {
                    tracing::error!(error = %fault, "the keys could not be read again");
                }
                told = fault;
            }
        });
    }

    /// Reads the file again if it changed.
    fn look(&self) -> Result<(), KeysError> {
        let mut last = self.mark.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = self.file.mark()?;
        if mark == *last {
            return Ok(());
        }
        if mark.is_none() {
            // Without its file a server that has keys keeps them: it must not stand open because a file was moved.
            return Err(KeysError { path: self.file.path().to_owned(), reason: "the file is gone".to_owned() });
        }
        let read = self.file.read()?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::take(&mut *known);
        for key in read {
            // What a key has used up stays used up.
            let held = old.get(&key.id).filter(|held| *held.key() == key).cloned();
            known.insert(key.id.clone(), held.unwrap_or_else(|| Arc::new(Held::new(key))));
        }
        if known.is_empty() {
            *known = old;
        }
        drop(known);
        *last = mark;
        self.revision.send_modify(|revision| *revision += 1);
        Ok(())
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Arc<Held>>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of a text, unless it is revoked.
    fn find(&self, text: &str) -> Result<Arc<Held>, KeyError> {
        let id = text::id_of(text).ok_or(KeyError::Unknown)?;
        let held = self.known().get(id).cloned().ok_or(KeyError::Unknown)?;
        // An id is no secret; whether the rest fits must not show by how long it takes to say no.
        if !bool::from(held.key().hash.ct_eq(&text::hash_of(text))) {
            return Err(KeyError::Unknown);
        }
        match held.key().revoked_micros {
            None => Ok(held),
            Some(_) => Err(KeyError::Revoked { id: id.to_owned() }),
        }
    }

    /// Whether a page of this origin may use some key, so that it is told what becomes of its requests.
    pub(crate) fn may_use_some(&self, origin: &str) -> bool {
        let known = self.known();
        let takes = |held: &Arc<Held>| held.key().revoked_micros.is_none() && held.takes_origin(origin);
        known.is_empty() || known.values().any(takes)
    }

    /// What a request may do that came with this key, or with none.
    ///
    /// # Errors
    /// [`KeyError::Missing`], [`KeyError::Unknown`], [`KeyError::Revoked`], [`KeyError::Origin`].
    pub(crate) fn access(self: &Arc<Self>, key: Option<&str>, sender: &Sender) -> Result<Access, KeyError> {
        if !self.are_there() {
            return Ok(Access::open(Arc::clone(self)));
        }
        let held = self.find(key.ok_or(KeyError::Missing)?)?;
        held.check_sender(sender)?;
        Ok(Access::of(Arc::clone(self), held))
    }
}
