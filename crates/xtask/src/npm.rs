//! `cargo xtask npm`: the npm package, from the client's crate and its TypeScript; and what the board has of the latter.

use std::env;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::build::board;
use crate::process::{command, run};
use crate::tools::{self, say};
use crate::workspace::{is_fresh, root, target};

/// What the package is made of.
const SOURCES: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "crates/client",
    "crates/expr",
    "crates/filter",
    "crates/model",
    "crates/wire",
];

/// Builds the whole package: what logs, and the entry that shows a panel, which holds the built board.
pub(crate) fn build_whole() -> Result<PathBuf> {
    board()?;
    let package = build()?;
    let (dist, npm) = (root().join("dist"), root().join("crates/client/npm"));
    // Written last.
    let made = package.join("panel.js");
    if !is_fresh(&made, &[dist.join("index.html"), package.join("package.json"), npm.clone()]) {
        say("adding the panel to the npm package");
        run(command("node", &["build_panel.mjs"]).arg(dist).arg(&package).current_dir(npm))?;
    }
    Ok(package)
}

/// Builds what logs, unless it is newer than all it is made of, and gives the package's folder. It needs no board.
pub(crate) fn build() -> Result<PathBuf> {
    let package = target().join("npm/streamtable");
    // Written last.
    if is_fresh(&package.join("package.json"), &SOURCES.map(|source| root().join(source))) {
        return Ok(package);
    }
    say("building the npm package");
    tools::rust_targets()?;
    let npm = root().join("crates/client/npm");
    tools::npm_ci(&npm)?;

    let glue = target().join("npm/glue");
    wasm("streamtable", &["--package", "streamtable", "--features", "npm"], &glue)?;
    wasm("filter", &["--package", "streamtable-filter"], &glue.join("filter"))?;

    run(command("node", &["build.mjs"]).arg(&glue).arg(&package).current_dir(npm))?;
    Ok(package)
}

/// Builds the module `name` as cargo is told, and puts it with its glue into a folder.
fn wasm(name: &str, cargo_args: &[&str], glue: &Path) -> Result {
    let mut cargo = command("cargo", &["build", "--quiet", "--lib", "--profile", "npm"]);
    cargo.args(["--target", "wasm32-unknown-unknown"]).args(cargo_args);
    // In place of the flags that .cargo/config.toml sets for the board: no SIMD, and no path of this machine.
    cargo.env("RUSTFLAGS", rust_flags()).env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(&mut cargo)?;

    let wasm_bindgen = tools::wasm_bindgen()?.join("wasm-bindgen");
    let mut bind = command(wasm_bindgen, &["--target", "web", "--omit-default-module-path", "--no-typescript"]);
    run(bind.arg("--out-dir").arg(glue).arg(target().join(format!("wasm32-unknown-unknown/npm/{name}.wasm"))))
}

/// Puts at `script` the classic script by which the board reads the tables of this browser.
pub(crate) fn browser_tables(script: &Path) -> Result {
    let npm = root().join("crates/client/npm");
    let sources = ["src", "build_board.mjs", "package-lock.json"].map(|source| npm.join(source));
    if is_fresh(script, &sources) {
        return Ok(());
    }
    tools::npm_ci(&npm)?;
    run(command("node", &["build_board.mjs"]).arg(script).current_dir(npm))
}

/// In place of the flags that .cargo/config.toml sets for the board: no SIMD, and no path of this machine.
pub(crate) fn rust_flags() -> String {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    format!("-Ctarget-feature=+bulk-memory --remap-path-prefix={}=cargo", cargo_home.join("registry/src").display())
}
