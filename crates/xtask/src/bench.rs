//! `cargo xtask bench`: what is measured side by side with its peers, on this machine. No test runs any of it.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::Result;
use crate::process::{command, run};
use crate::tools::{self, say};
use crate::workspace::{is_fresh, root, target};
use crate::{build, chromium, npm};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The npm package's logging half against other logging libraries, in Chromium.
    Client(ClientArgs),
}

#[derive(clap::Args)]
pub(crate) struct ClientArgs {
    /// Also write all figures there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How often each library is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,
    /// Only these libraries, by their names in bench/client/libraries.mjs, with commas between.
    #[arg(long, value_name = "NAMES")]
    only: Option<String>,
}

pub(crate) fn bench(bench: &Bench) -> Result {
    match bench {
        Bench::Client(args) => client(args),
    }
}

fn client(args: &ClientArgs) -> Result {
    let server = build::server()?;
    let package = npm::build()?;
    let glue = boundary()?;
    let dir = root().join("bench/client");
    tools::npm_ci(&dir)?;
    let mut node = command("node", &["run.mjs", "--repetitions", &args.repetitions.to_string()]);
    node.current_dir(&dir).arg("--server").arg(server).arg("--package").arg(package).arg("--glue").arg(glue);
    if let Some(file) = &args.json {
        node.arg("--json").arg(absolute(file)?);
    }
    if let Some(names) = &args.only {
        node.args(["--only", names]);
    }
    run(&mut chromium::drive(node)?)
}

/// A path as the caller means it, who is elsewhere than the program that writes there.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(crate::error::Error::at(path))
}

/// Builds `bench/boundary` as the npm package is built, and gives the folder of what wasm-bindgen makes of it.
fn boundary() -> Result<PathBuf> {
    const PACKAGE: &str = "streamtable-bench-boundary";
    let glue = target().join("npm/boundary");
    let module = PACKAGE.replace('-', "_");
    let sources = ["Cargo.lock", "Cargo.toml", "bench/boundary"].map(|source| root().join(source));
    if is_fresh(&glue.join(format!("{module}.js")), &sources) {
        return Ok(glue);
    }
    say("building the bench of the boundary");
    let mut cargo = command("cargo", &["build", "--quiet", "--package", PACKAGE, "--profile", "npm"]);
    cargo.args(["--target", "wasm32-unknown-unknown"]);
    run(cargo.env("RUSTFLAGS", npm::rust_flags()).env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    let wasm = target().join("wasm32-unknown-unknown/npm").join(format!("{module}.wasm"));
    let wasm_bindgen = tools::wasm_bindgen()?.join("wasm-bindgen");
    run(command(wasm_bindgen, &["--target", "web", "--no-typescript", "--out-dir"]).arg(&glue).arg(wasm))?;
    Ok(glue)
}
