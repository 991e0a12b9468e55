//! `cargo xtask size`: what a page and a visitor have to load, gzipped, against the budgets.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::Result;
use crate::error::Error;
use crate::workspace::root;
use crate::{build, npm};

/// The whole logging entry of the npm package, its wasm inlined.
const LOGGING_BUDGET: usize = 50 << 10;
/// The board's page, styles, scripts and wasm, its worker's included.
const BOARD_BUDGET: usize = 700 << 10;

/// Something that is loaded, and the most it may weigh.
struct Part {
    name: String,
    n_bytes: usize,
    n_gzip: usize,
    budget: Option<usize>,
}

impl Part {
    fn is_over(&self) -> bool {
        self.budget.is_some_and(|budget| self.n_gzip > budget)
    }
}

pub(crate) fn run(json_file: Option<&Path>) -> Result {
    println!("{:<44} {:>10} {:>10} {:>10}", "", "KB", "KB gzip", "budget");
    let package = npm::build()?;
    // Shown before the board is built, which takes minutes where it is not there yet.
    let mut parts =
        vec![weigh("logging half (streamtable/index.js)", &package.join("index.js"), Some(LOGGING_BUDGET))?];
    show(&parts);
    build::board()?;
    let board = board_parts(&root().join("dist"))?;
    show(&board);
    parts.extend(board);

    if let Some(file) = json_file {
        let rows: Vec<_> = parts
            .iter()
            .map(|p| json!({"name": p.name.trim(), "bytes": p.n_bytes, "gzip_bytes": p.n_gzip, "budget_bytes": p.budget}))
            .collect();
        fs::write(file, format!("{:#}\n", json!(rows))).map_err(Error::at(file))?;
    }
    match parts.iter().find(|part| part.is_over()) {
        Some(part) => Err(Error::new(format!("{} is over its budget", part.name))),
        None => Ok(()),
    }
}

/// The board as a whole, then file by file.
fn board_parts(dist: &Path) -> Result<Vec<Part>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dist).map_err(Error::at(dist))?.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if ["html", "css", "js", "wasm"].iter().any(|end| path.extension().is_some_and(|e| e == *end)) {
            files.push(weigh(&format!("  {name}"), &path, None)?);
        }
    }
    files.sort_by_key(|part| std::cmp::Reverse(part.n_gzip));
    let whole = Part {
        name: "board (all it loads)".to_owned(),
        n_bytes: files.iter().map(|part| part.n_bytes).sum(),
        n_gzip: files.iter().map(|part| part.n_gzip).sum(),
        budget: Some(BOARD_BUDGET),
    };
    Ok(std::iter::once(whole).chain(files).collect())
}

fn show(parts: &[Part]) {
    for part in parts {
        let budget = part.budget.map_or(String::new(), kb);
        println!("{:<44} {:>10} {:>10} {:>10}", part.name, kb(part.n_bytes), kb(part.n_gzip), budget);
    }
}

fn weigh(name: &str, path: &Path, budget: Option<usize>) -> Result<Part> {
    let bytes = fs::read(path).map_err(Error::at(path))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let gzip = gzip.write_all(&bytes).and_then(|()| gzip.finish()).map_err(Error::at(path))?;
    Ok(Part { name: name.to_owned(), n_bytes: bytes.len(), n_gzip: gzip.len(), budget })
}

fn kb(n_bytes: usize) -> String {
    format!("{:.1}", n_bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_may_weigh_its_budget_and_not_a_byte_more() {
        let part = |n_gzip, budget| Part { name: String::new(), n_bytes: 0, n_gzip, budget };
        assert!(!part(LOGGING_BUDGET, Some(LOGGING_BUDGET)).is_over());
        assert!(part(LOGGING_BUDGET + 1, Some(LOGGING_BUDGET)).is_over());
        assert!(!part(usize::MAX, None).is_over());
    }
}
