//! What the architecture says is never so, as tests that fail when it comes to be so.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::workspace::root;

/// The most lines of a source file.
const MAX_LINES: usize = 500;
/// What only the browser's own files may name.
const WEB_NAMES: [&str; 5] = ["js_sys", "web_sys", "wasm_bindgen", "gloo_", "serde_wasm_bindgen"];
/// Where they may; xtask only installs a tool of that name.
const WEB_PLACES: [&str; 6] = [
    "crates/client/src/web/",
    "crates/client/tests/",
    "crates/filter/src/exports.rs",
    "crates/board/",
    "bench/",
    "crates/xtask/",
];
/// Crates of byte formats. What `wire` makes of them may be named by anybody.
const FORMAT_NAMES: [&str; 2] = ["arrow_", "csv::"];
/// What a pure crate must not depend on, however far down.
const IMPURE: [&str; 6] = ["wasm-bindgen", "web-sys", "tokio", "serde_json", "arrow-array", "rusqlite"];

/// The files that git knows or would take in, with one of these endings.
fn sources(endings: &[&str]) -> Vec<(String, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let names = String::from_utf8(listed.stdout).expect("file names are UTF-8");
    let wanted = names.lines().filter(|name| endings.iter().any(|ending| name.ends_with(ending)));
    let read = |name: &str| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?));
    let files: Vec<_> = wanted.filter_map(read).collect();
    assert!(!files.is_empty(), "no file ends with {endings:?}");
    files
}

/// The lines of code of a file: no comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(idx, line)| (idx + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n  {}", faults.join("\n  "));
}

#[test]
fn every_module_says_what_lives_there() {
    let silent = |(name, text): &(String, String)| (!text.starts_with("//!")).then(|| name.clone());
    none(&sources(&[".rs"]).iter().filter_map(silent).collect::<Vec<_>>(), "a module opens with //!");
}

#[test]
fn no_file_is_too_long() {
    let long = |(name, text): &(String, String)| {
        let n_lines = text.lines().count();
        (n_lines > MAX_LINES).then(|| format!("{name}: {n_lines} lines"))
    };
    let files = sources(&[".rs", ".ts", ".mjs", ".js", ".css"]);
    none(&files.iter().filter_map(long).collect::<Vec<_>>(), "a file has at most 500 lines");
}

#[test]
fn the_browser_is_named_only_where_it_is_met() {
    let mut faults = Vec::new();
    for (name, text) in sources(&[".rs"]) {
        if WEB_PLACES.iter().any(|place| name.starts_with(place)) {
            continue;
        }
        // Whose tests also run in wasm names the macro that makes them run there.
        let is_named =
            |line: &str| !line.contains("wasm_bindgen_test") && WEB_NAMES.iter().any(|web| line.contains(web));
        let named = code(&text).filter(|(_, line)| is_named(line));
        faults.extend(named.map(|(line, _)| format!("{name}:{line}")));
    }
    none(
        &faults,
        "js_sys, web_sys, wasm_bindgen and gloo stand only in client/src/web, the filter's exports and board",
    );
}

#[test]
fn formats_are_named_only_by_wire() {
    let mut faults = Vec::new();
    for (name, text) in sources(&[".rs"]) {
        if name.starts_with("crates/wire/") || name.starts_with("tests/") || name.ends_with("tidy.rs") {
            continue;
        }
        let names = |line: &str| {
            let foreign = line.replace("wire::csv::", "").replace("narrow_", "");
            FORMAT_NAMES.iter().any(|format| foreign.contains(format))
        };
        let named = code(&text).filter(|(_, line)| names(line));
        faults.extend(named.map(|(line, text)| format!("{name}:{line}: {}", text.trim())));
    }
    none(&faults, "only wire reads or writes the bytes of a format");
}

/// The names of every package below `package`, on the target.
fn tree(package: &str, extra: &[&str]) -> Vec<String> {
    let output = Command::new("cargo")
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(extra)
        .current_dir(root())
        .output()
        .expect("cargo shows the tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("package names are UTF-8");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_pure_crates_are_pure() {
    for package in ["streamtable-model", "streamtable-expr", "streamtable-engine"] {
        let tree = tree(package, &[]);
        let impure: Vec<String> = tree.into_iter().filter(|name| IMPURE.contains(&name.as_str())).collect();
        none(&impure, &format!("{package} does no I/O and knows no format"));
    }
}

#[test]
fn the_logging_half_has_no_json_parser_and_no_arrow() {
    let tree = tree("streamtable", &["--target", "wasm32-unknown-unknown", "--features", "npm"]);
    let heavy = |name: &String| name == "serde_json" || name.starts_with("arrow") || name.contains("flate");
    none(&tree.into_iter().filter(heavy).collect::<Vec<_>>(), "the logging half stays small");
}

#[test]
fn only_numbers_cross_into_the_logging_half() {
    let exports = "crates/client/src/web/exports.rs";
    let text = fs::read_to_string(root().join(exports)).expect("the file is there");
    let carries =
        |line: &str| ["&str", "String", "JsValue", "Vec<", "[u8]", "Array"].iter().any(|kind| line.contains(kind));
    let faults = code(&text).filter(|(_, line)| carries(line));
    none(
        &faults.map(|(line, text)| format!("{exports}:{line}: {}", text.trim())).collect::<Vec<_>>(),
        "rows stay outside",
    );
}

#[test]
fn neither_side_knows_the_other() {
    let is_server = |name: &String| name == "streamtable-server";
    for package in ["streamtable", "streamtable-board"] {
        none(&tree(package, &[]).into_iter().filter(is_server).collect::<Vec<_>>(), "no page knows the server");
    }
    let is_page = |name: &String| name == "streamtable" || name == "streamtable-board";
    none(&tree("streamtable-server", &[]).into_iter().filter(is_page).collect::<Vec<_>>(), "no server knows the page");
}

#[test]
fn lock_files_name_no_host() {
    let is_lock = |(name, _): &(String, String)| name.ends_with("package-lock.json");
    let with_host = |(name, text): (String, String)| text.contains("\"resolved\"").then_some(name);
    let locks = sources(&[".json"]).into_iter().filter(is_lock);
    none(&locks.filter_map(with_host).collect::<Vec<_>>(), "a lock file leaves the registry to whoever installs");
}

#[test]
fn every_dependency_has_its_reason() {
    let text = |name: &str| fs::read_to_string(root().join(PathBuf::from(name))).expect("the file is there");
    let (manifest, architecture) = (text("Cargo.toml"), text("ARCHITECTURE.md"));
    let section = manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    let names = section.unwrap_or_default().lines().filter_map(|line| Some(line.split_once(" = ")?.0.trim()));
    let own = |name: &&str| {
        !manifest.contains(&format!("{name} = {{ path")) && !manifest.contains(&format!("{name} = {{ package"))
    };
    let silent = names.filter(own).filter(|name| !architecture.contains(&format!("`{name}`"))).map(str::to_owned);
    none(&silent.collect::<Vec<_>>(), "ARCHITECTURE.md says in a line why a dependency is needed");
}
