//! `cargo xtask size`: what a page and a visitor have to load, compressed, against the budgets.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::Result;
use crate::error::Error;
use crate::process::command;
use crate::workspace::root;
use crate::{build, npm};

/// The whole logging entry of the npm package, its wasm inlined.
const LOGGING_BUDGET: Budget = Budget::Gzip(30 << 10);
/// The entry that registers `<stream-table>`, and what it loads once such an element is there: the board in base64.
const PANEL_BUDGET: Budget = Budget::Gzip(5 << 10);
const PANEL_BOARD_BUDGET: Budget = Budget::Gzip(640 << 10);
/// The board's page, styles, scripts and wasm, its worker's included.
const BOARD_BUDGET: Budget = Budget::Brotli(500 << 10);

/// The most that something may weigh, in bytes as compressed so.
#[derive(Clone, Copy)]
enum Budget {
    Gzip(usize),
    Brotli(usize),
}

impl Budget {
    fn n_bytes(self) -> usize {
        let (Budget::Gzip(n_bytes) | Budget::Brotli(n_bytes)) = self;
        n_bytes
    }
}

/// Something that is loaded, and the most it may weigh.
struct Part {
    name: String,
    n_bytes: usize,
    n_gzip: usize,
    n_brotli: usize,
    budget: Option<Budget>,
}

impl Part {
    fn is_over(&self) -> bool {
        match self.budget {
            Some(Budget::Gzip(n_bytes)) => self.n_gzip > n_bytes,
            Some(Budget::Brotli(n_bytes)) => self.n_brotli > n_bytes,
            None => false,
        }
    }

    /// What is made of all of these.
    fn sum(name: &str, parts: &[Part], budget: Option<Budget>) -> Self {
        Part {
            name: name.to_owned(),
            n_bytes: parts.iter().map(|part| part.n_bytes).sum(),
            n_gzip: parts.iter().map(|part| part.n_gzip).sum(),
            n_brotli: parts.iter().map(|part| part.n_brotli).sum(),
            budget,
        }
    }
}

pub(crate) fn run(json_file: Option<&Path>) -> Result {
    println!("{:<44} {:>10} {:>10} {:>10} {:>10}", "KB", "plain", "gzip", "brotli", "budget");
    // Shown before the board is built, which takes minutes where it is not there yet.
    let mut parts = package_parts(&npm::build()?)?;
    show(&parts);
    build::board()?;
    let mut board = board_parts(&root().join("dist"))?;
    board.extend(panel_parts(&npm::build_whole()?)?);
    show(&board);
    parts.extend(board);

    if let Some(file) = json_file {
        let shape = |p: &Part| {
            let (name, bytes) = (p.name.trim(), p.n_bytes);
            json!({"name": name, "bytes": bytes, "gzip_bytes": p.n_gzip, "brotli_bytes": p.n_brotli, "budget_bytes": p.budget.map(Budget::n_bytes)})
        };
        let rows: Vec<_> = parts.iter().map(shape).collect();
        fs::write(file, format!("{:#}\n", json!(rows))).map_err(Error::at(file))?;
    }
    match parts.iter().find(|part| part.is_over()) {
        Some(part) => Err(Error::new(format!("{} is over its budget", part.name))),
        None => Ok(()),
    }
}

/// The npm package entry by entry, each as a whole, then its script and its wasm.
fn package_parts(package: &Path) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for (name, file, budget) in [
        ("streamtable, imported (index.js)", "index.js", Some(LOGGING_BUDGET)),
        ("streamtable, required (index.cjs)", "index.cjs", None),
        ("streamtable/filter, imported", "filter.js", None),
    ] {
        let text = read(&package.join(file))?;
        parts.push(weigh(name, &text, budget)?);
        let (script, wasm) = without_wasm(&text);
        parts.push(weigh("  script", &script, None)?);
        parts.push(weigh("  wasm, deflated, in base64", &wasm, None)?);
    }
    let entries = [
        ("streamtable/slim, imported", "slim.js"),
        ("streamtable/slim, required", "slim.cjs"),
        ("streamtable in workerd", "workerd.js"),
        ("streamtable in an edge runtime", "edge-light.js"),
    ];
    for (name, file) in entries {
        let weigh_file = |file: &str| weigh(&format!("  {file}"), &read(&package.join(file))?, None);
        let files = [weigh_file(file)?, weigh_file("streamtable.wasm")?];
        parts.push(Part::sum(name, &files, None));
        parts.extend(files);
    }
    Ok(parts)
}

/// A script without the base64 of its wasm, which is the longest such text in it, and that text.
fn without_wasm(script: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let runs = script.chunk_by(|a, b| is_base64(a) == is_base64(b));
    let wasm = runs.filter(|run| is_base64(&run[0])).max_by_key(|run| run.len()).unwrap_or_default();
    let start = script.windows(wasm.len().max(1)).position(|window| window == wasm).unwrap_or_default();
    ([&script[..start], &script[start + wasm.len()..]].concat(), wasm.to_vec())
}

/// The panel's entry, and what it loads.
fn panel_parts(package: &Path) -> Result<Vec<Part>> {
    let panel = [
        ("streamtable/panel, imported (panel.js)", "panel.js", PANEL_BUDGET),
        ("streamtable/panel, once it shows a table", "panel_board.js", PANEL_BOARD_BUDGET),
    ];
    panel.into_iter().map(|(name, file, budget)| weigh(name, &read(&package.join(file))?, Some(budget))).collect()
}

/// The board as a whole, then file by file.
fn board_parts(dist: &Path) -> Result<Vec<Part>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dist).map_err(Error::at(dist))?.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        // A copy of the page.
        if name == "404.html" {
            continue;
        }
        if ["html", "css", "js", "wasm"].iter().any(|end| path.extension().is_some_and(|e| e == *end)) {
            files.push(weigh(&format!("  {name}"), &read(&path)?, None)?);
        }
    }
    files.sort_by_key(|part| std::cmp::Reverse(part.n_gzip));
    let whole = Part::sum("board (all it loads)", &files, Some(BOARD_BUDGET));
    Ok(std::iter::once(whole).chain(files).collect())
}

fn show(parts: &[Part]) {
    for part in parts {
        let budget = part.budget.map_or(String::new(), |budget| kb(budget.n_bytes()));
        let [plain, gzip, brotli] = [part.n_bytes, part.n_gzip, part.n_brotli].map(kb);
        println!("{:<44} {plain:>10} {gzip:>10} {brotli:>10} {budget:>10}", part.name);
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::at(path))
}

fn weigh(name: &str, bytes: &[u8], budget: Option<Budget>) -> Result<Part> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).expect("a list of bytes takes more");
    let n_gzip = gzip.finish().expect("a list of bytes takes more").len();
    Ok(Part { name: name.to_owned(), n_bytes: bytes.len(), n_gzip, n_brotli: brotli(bytes)?, budget })
}

/// The size of these bytes under brotli, which Node has and no crate here needs.
fn brotli(bytes: &[u8]) -> Result<usize> {
    const SCRIPT: &str = "const input = require('fs').readFileSync(0);
        console.log(require('zlib').brotliCompressSync(input).length)";
    let failed = |error: std::io::Error| Error::new(format!("node did not weigh: {error}"));
    let mut node = command("node", &["-e", SCRIPT]);
    let mut node = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    node.stdin.take().expect("stdin is piped").write_all(bytes).map_err(failed)?;
    let output = node.wait_with_output().map_err(failed)?;
    let printed = String::from_utf8_lossy(&output.stdout);
    printed.trim().parse().map_err(|_| Error::new(format!("node did not weigh ({})", output.status)))
}

fn kb(n_bytes: usize) -> String {
    format!("{:.1}", n_bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_may_weigh_its_budget_and_not_a_byte_more() {
        let part = |n_gzip, n_brotli, budget| Part { name: String::new(), n_bytes: 9, n_gzip, n_brotli, budget };
        for (n_gzip, n_brotli, is_over) in [(5, 4, false), (6, 4, true), (5, 9, false)] {
            assert_eq!(part(n_gzip, n_brotli, Some(Budget::Gzip(5))).is_over(), is_over);
            assert_eq!(part(n_brotli, n_gzip, Some(Budget::Brotli(5))).is_over(), is_over);
        }
        assert!(!part(usize::MAX, usize::MAX, None).is_over());
    }

    #[test]
    fn a_script_is_parted_from_its_wasm() {
        let (script, wasm) = without_wasm(b"let a=\"eJwDAAAAAAE+/w==\";start(a)");
        assert_eq!((&script[..], &wasm[..]), (&b"let a=\"\";start(a)"[..], &b"eJwDAAAAAAE+/w=="[..]));
        assert_eq!(without_wasm(b""), (vec![], vec![]));
    }
}
