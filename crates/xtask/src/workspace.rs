//! Where things are in the checkout, and whether they are newer than what was made of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::Result;
use crate::error::Error;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let crate_dir =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()));
    crate_dir.ancestors().nth(2).expect("this crate lies two folders below the root").to_path_buf()
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The version of a package in Cargo.lock.
pub(crate) fn locked_version(package: &str) -> Result<String> {
    let path = root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(Error::at(&path))?;
    let mut lines = lock.lines();
    lines
        .find(|line| *line == format!("name = {package:?}"))
        .and_then(|_| lines.next()?.strip_prefix("version = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| Error::new(format!("{package} is not in Cargo.lock")))
}

/// Whether `made` exists and is newer than every file in `sources` (files or folders, hidden and generated ones apart).
pub(crate) fn is_fresh(made: &Path, sources: &[PathBuf]) -> bool {
    let Ok(made) = fs::metadata(made).and_then(|meta| meta.modified()) else { return false };
    sources.iter().all(|source| newest(source).is_none_or(|changed| changed < made))
}

fn newest(path: &Path) -> Option<SystemTime> {
    let meta = fs::metadata(path).ok()?;
    if !meta.is_dir() {
        return meta.modified().ok();
    }
    let skipped = |name: &str| name.starts_with('.') || ["node_modules", "generated", "target"].contains(&name);
    let entries = fs::read_dir(path).ok()?.flatten();
    entries
        .filter(|entry| !skipped(&entry.file_name().to_string_lossy()))
        .filter_map(|entry| newest(&entry.path()))
        .max()
}
