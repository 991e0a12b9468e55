//! A folder for a test's files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder of its own, removed when dropped.
pub(crate) struct TestFolder(PathBuf);

impl TestFolder {
    pub(crate) fn new() -> Self {
        static N_MADE: AtomicU64 = AtomicU64::new(0);
        let n = N_MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("streamtable-unit-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The paths of the files with one of these endings, sorted.
    pub(crate) fn files(&self, endings: &[&str]) -> Vec<PathBuf> {
        let paths = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let has = |path: &PathBuf| path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one));
        let mut paths: Vec<PathBuf> = paths.filter(has).collect();
        paths.sort();
        paths
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
