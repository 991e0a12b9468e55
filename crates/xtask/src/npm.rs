//! `cargo xtask npm`: the npm package, from the client's crate and its TypeScript.

use std::env;
use std::path::PathBuf;

use crate::Result;
use crate::process::{command, run};
use crate::tools::{self, say};
use crate::workspace::{is_fresh, root, target};

/// What the package is made of.
const SOURCES: [&str; 7] =
    ["Cargo.lock", "Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "crates/client", "crates/model", "crates/wire"];

/// Builds the package, unless it is newer than all it is made of, and gives its folder.
pub(crate) fn build() -> Result<PathBuf> {
    let package = target().join("npm/streamtable");
    // Written last.
    if is_fresh(&package.join("package.json"), &SOURCES.map(|source| root().join(source))) {
        return Ok(package);
    }
    say("building the npm package");
    tools::rust_targets()?;
    let wasm_bindgen = tools::wasm_bindgen()?.join("wasm-bindgen");
    let npm = root().join("crates/client/npm");
    tools::npm_ci(&npm)?;

    let mut cargo = command("cargo", &["build", "--quiet", "--package", "streamtable", "--lib", "--features", "npm"]);
    cargo.args(["--profile", "npm", "--target", "wasm32-unknown-unknown"]);
    // In place of the flags that .cargo/config.toml sets for the board: no SIMD, and no path of this machine.
    cargo.env("RUSTFLAGS", rust_flags()).env_remove("CARGO_ENCODED_RUSTFLAGS");
    run(&mut cargo)?;

    let glue = target().join("npm/glue");
    let wasm = target().join("wasm32-unknown-unknown/npm/streamtable.wasm");
    let mut bind = command(wasm_bindgen, &["--target", "web", "--omit-default-module-path", "--no-typescript"]);
    run(bind.arg("--out-dir").arg(&glue).arg(wasm))?;

    run(command("node", &["build.mjs"]).arg(&glue).arg(&package).current_dir(npm))?;
    Ok(package)
}

fn rust_flags() -> String {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    format!("-Ctarget-feature=+bulk-memory --remap-path-prefix={}=cargo", cargo_home.join("registry/src").display())
}
