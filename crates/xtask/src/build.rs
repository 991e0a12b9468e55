//! What is built before it can run: the server, the board and what the demo page serves.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::Result;
use crate::error::Error;
use crate::npm;
use crate::process::{command, run};
use crate::tools::{self, path_with, say};
use crate::workspace::{is_fresh, root, target};

/// Builds the server for release and gives its program.
pub(crate) fn server() -> Result<PathBuf> {
    say("building the server");
    run(&mut command("cargo", &["build", "--quiet", "--release", "--package", "streamtable-server"]))?;
    Ok(target().join("release/streamtable-server"))
}

/// Builds the board, with the demo, into `dist`.
pub(crate) fn board() -> Result {
    demo()?;
    let sources = ["Cargo.lock", "Cargo.toml", "Trunk.toml", "www", "crates"].map(|name| root().join(name));
    let generated = ["www/generated", "www/demo/generated"].map(|name| root().join(name));
    let made = root().join("dist/index.html");
    if is_fresh(&made, &sources) && is_fresh(&made, &generated) {
        return Ok(());
    }
    say("building the board");
    run(&mut trunk(&["build", "--release"])?)
}

/// A `trunk` command with the tools it calls on PATH, and without its own downloads.
pub(crate) fn trunk(args: &[&str]) -> Result<Command> {
    tools::rust_targets()?;
    let folders = [tools::trunk()?, tools::wasm_bindgen()?, tools::wasm_opt()?];
    let mut trunk = command(folders[0].join("trunk"), args);
    trunk.args(["--offline", "--skip-version-check"]).env("PATH", path_with(&folders)).env_remove("NO_COLOR");
    Ok(trunk)
}

/// Puts next to the board's page and the demo's what they serve: the script that reads the tables of this browser; the npm
/// package, and a real data set as JSON.
pub(crate) fn demo() -> Result {
    npm::browser_tables(&root().join("www/generated/browser_tables.js"))?;
    let generated = root().join("www/demo/generated");
    fs::create_dir_all(&generated).map_err(Error::at(&generated))?;

    let package = npm::build()?;
    let copy = generated.join("streamtable");
    fs::create_dir_all(&copy).map_err(Error::at(&copy))?;
    for name in ["index.js", "index.js.map"] {
        let (from, to) = (package.join(name), copy.join(name));
        if !is_fresh(&to, std::slice::from_ref(&from)) {
            fs::copy(&from, &to).map_err(Error::at(&from))?;
        }
    }

    let orders = generated.join("orders.json");
    let prepare = root().join("www/prepare");
    if !is_fresh(&orders, &[prepare.join("package-lock.json"), prepare.join("orders.mjs")]) {
        tools::npm_ci(&prepare)?;
        say("preparing the orders that the demo replays");
        run(command("node", &["orders.mjs"]).arg(&orders).current_dir(prepare))?;
    }
    Ok(())
}
