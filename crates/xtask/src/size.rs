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

pub(crate) fn run(json_file: Option<&Path>) -> Result {
    let package = npm::build()?;
    build::board()?;
    let mut parts = vec![weigh("logging half (streamtable/index.js)", &package.join("index.js"), Some(LOGGING_BUDGET))?];
    let mut board = Vec::new();
    let dist = root().join("dist");
    for entry in fs::read_dir(&dist).map_err(Error::at(&dist))?.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if ["html", "css", "js", "wasm"].iter().any(|end| path.extension().is_some_and(|e| e == *end)) {
            board.push(weigh(&format!("  {name}"), &path, None)?);
        }
    }
    board.sort_by_key(|part| std::cmp::Reverse(part.n_gzip));
    parts.push(Part {
        name: "board (all it loads)".to_owned(),
        n_bytes: board.iter().map(|part| part.n_bytes).sum(),
        n_gzip: board.iter().map(|part| part.n_gzip).sum(),
        budget: Some(BOARD_BUDGET),
    });
    parts.extend(board);

    println!("{:<44} {:>10} {:>10} {:>10}", "", "KB", "KB gzip", "budget");
    for part in &parts {
        let budget = part.budget.map_or(String::new(), |budget| kb(budget));
        println!("{:<44} {:>10} {:>10} {:>10}", part.name, kb(part.n_bytes), kb(part.n_gzip), budget);
    }
    if let Some(file) = json_file {
        let rows: Vec<_> = parts
            .iter()
            .map(|p| json!({"name": p.name.trim(), "bytes": p.n_bytes, "gzip_bytes": p.n_gzip, "budget_bytes": p.budget}))
            .collect();
        fs::write(file, format!("{:#}\n", json!(rows))).map_err(Error::at(file))?;
    }
    match parts.iter().find(|part| part.budget.is_some_and(|budget| part.n_gzip > budget)) {
        Some(part) => Err(Error::new(format!("{} is over its budget", part.name))),
        None => Ok(()),
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
