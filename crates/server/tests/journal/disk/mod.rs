//! A disk that loses what was not synced, fails, or is full.
//!
//! Files are written as ever, so that whoever runs sees what it wrote. Beside that a [`Disk`] notes what was synced and what
//! was not, and makes of it the files that a power cut would have left. [`sqlite`] puts it below SQLite.

pub(crate) mod sqlite;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a disk writes whole or not at all, in bytes.
const SECTOR_BYTES: usize = 512;

/// A source of numbers that are the same for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, by SplitMix64.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % end.max(1)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Why a disk did not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The power is gone, or the disk broke.
    Broken,
    /// There is no room.
    Full,
}

/// What was done to a file and not synced.
#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
    Remove,
}

/// What the disk has of a file for certain, and what it may have.
#[derive(Clone, Debug, Default)]
struct File {
    /// `None` while it may not be there at all.
    synced: Option<Vec<u8>>,
    pending: Vec<Change>,
    /// How large it is for those who run.
    n_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, File>,
    n_ops: u64,
    n_syncs: u64,
    /// The power goes at this operation.
    cut_at: Option<u64>,
    /// This sync, and none before, fails.
    fail_sync_at: Option<u64>,
    is_full: bool,
    is_cut: bool,
    /// How many writes and syncs there were after the sync that failed.
    n_after_failure: u64,
    has_failed: bool,
}

/// A disk with the files of one folder.
#[derive(Debug, Default)]
pub(crate) struct Disk(Mutex<State>);

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the power away in the middle of an operation, counted from now.
    pub(crate) fn cut_power_in(&self, n_ops: u64) {
        let mut state = self.lock();
        state.cut_at = Some(state.n_ops + n_ops);
    }

    /// Takes the power away now.
    pub(crate) fn cut_power(&self) {
        self.lock().is_cut = true;
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.lock().is_cut
    }

    /// Lets a sync fail, counted from now. As on Linux, what it was to write is lost, and the next sync does not know.
    pub(crate) fn fail_sync_in(&self, n_syncs: u64) {
        let mut state = self.lock();
        state.fail_sync_at = Some(state.n_syncs + n_syncs);
    }

    /// Whether the sync failed, and how many writes and syncs came after.
    pub(crate) fn after_failure(&self) -> Option<u64> {
        let state = self.lock();
        state.has_failed.then_some(state.n_after_failure)
    }

    /// No file can grow while the disk is full.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    fn write(&self, name: &str, offset: usize, bytes: &[u8]) -> Result<(), Fault> {
        let mut state = self.lock();
        let end = offset + bytes.len();
        let (is_full, known) = (state.is_full, state.files.get(name).map_or(0, |file| file.n_bytes));
        let is_cut = state.begin()?;
        if is_full && end > known {
            return Err(Fault::Full);
        }
        let file = state.files.entry(name.to_owned()).or_default();
        file.pending.push(Change::Write { offset, bytes: bytes.to_vec() });
        file.n_bytes = file.n_bytes.max(end);
        is_cut
    }

    fn truncate(&self, name: &str, n_bytes: usize) -> Result<(), Fault> {
        let mut state = self.lock();
        let is_cut = state.begin()?;
        let file = state.files.entry(name.to_owned()).or_default();
        file.pending.push(Change::Truncate(n_bytes));
        file.n_bytes = n_bytes;
        is_cut
    }

    /// Removes a file, for certain where its folder is synced.
    fn remove(&self, name: &str, is_synced: bool) -> Result<(), Fault> {
        let mut state = self.lock();
        let is_cut = state.begin()?;
        if let Some(file) = state.files.get_mut(name) {
            file.pending.push(Change::Remove);
            file.n_bytes = 0;
            if is_synced && is_cut.is_ok() {
                *file = File::default();
            }
        }
        is_cut
    }

    fn sync(&self, name: &str) -> Result<(), Fault> {
        let mut state = self.lock();
        state.begin()??;
        state.n_syncs += 1;
        let fails = state.fail_sync_at == Some(state.n_syncs);
        state.has_failed |= fails;
        let file = state.files.entry(name.to_owned()).or_default();
        if fails {
            file.pending.clear();
            return Err(Fault::Broken);
        }
        let mut content = file.synced.take();
        let pending = std::mem::take(&mut file.pending);
        pending.iter().for_each(|change| apply(&mut content, change));
        file.synced = Some(content.unwrap_or_default());
        Ok(())
    }

    /// Makes the files that are there after the power cut, in another folder: what was synced, and of the rest whatever
    /// chance has written, whole or in part.
    pub(crate) fn write_what_is_left(&self, dir: &Path, random: &mut Random) {
        std::fs::create_dir_all(dir).expect("it can be made");
        for (name, file) in &self.lock().files {
            let mut content = file.synced.clone();
            // The disk has none of it, all of it, or some.
            let mood = random.below(4);
            for change in &file.pending {
                let is_written = mood == 1 || (mood > 1 && random.one_in(2));
                match change {
                    _ if !is_written => {}
                    Change::Write { offset, bytes } if random.one_in(4) => {
                        let parts = bytes.chunks(SECTOR_BYTES).enumerate();
                        for (idx, part) in parts.filter(|_| random.one_in(2)) {
                            let write = Change::Write { offset: offset + idx * SECTOR_BYTES, bytes: part.to_vec() };
                            apply(&mut content, &write);
                        }
                    }
                    change => apply(&mut content, change),
                }
            }
            if let Some(content) = content {
                std::fs::write(dir.join(name), content).expect("it can be written");
            }
        }
    }
}

impl State {
    /// Counts an operation. The outer error says that it does not happen, the inner that it does, but nobody hears of it.
    fn begin(&mut self) -> Result<Result<(), Fault>, Fault> {
        if self.is_cut {
            return Err(Fault::Broken);
        }
        if self.has_failed {
            self.n_after_failure += 1;
        }
        self.n_ops += 1;
        self.is_cut = self.cut_at == Some(self.n_ops);
        Ok(if self.is_cut { Err(Fault::Broken) } else { Ok(()) })
    }
}

fn apply(content: &mut Option<Vec<u8>>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => {
            let content = content.get_or_insert_default();
            let end = offset + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[*offset..end].copy_from_slice(bytes);
        }
        Change::Truncate(n_bytes) => content.get_or_insert_default().resize(*n_bytes, 0),
        Change::Remove => *content = None,
    }
}
