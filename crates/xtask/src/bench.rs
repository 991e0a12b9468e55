//! `cargo xtask bench`: what is measured side by side with its peers, on this machine. No test runs any of it.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::Result;
use crate::process::{command, run};
use crate::tools::{self, say};
use crate::workspace::{is_fresh, root, target};
use crate::{build, chromium, nats, npm};

/// What can be measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The npm package's logging half against other logging libraries, in Chromium.
    Client(ClientArgs),
    /// The engine against other engines, in Node.
    Engine(EngineArgs),
    /// The server's durable writes and its tail against what one would take in its place, and with very much in it.
    Server(ServerArgs),
    /// The board under ten million rows and ten thousand more a second, in Chromium.
    Board(BoardArgs),
}

#[derive(clap::Args)]
pub(crate) struct BoardArgs {
    /// Also write all figures and samples there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Only these measures, with commas between.
    #[arg(long, value_name = "NAMES", default_value = "first-rows,live,retention")]
    only: String,
    /// How many rows the table has to which more come.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// For how long they come.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How many rows the table has whose first rows are waited for.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    first_rows: u64,
    /// How many rows come where the oldest are let go: an hour's worth at 10,000 rows a second.
    #[arg(long, default_value_t = 36_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    hour_rows: u64,
    /// Also record what tasks cost the processor, which costs something itself: on a machine that is not left alone.
    #[arg(long)]
    trace: bool,
}

#[derive(clap::Args)]
pub(crate) struct ServerArgs {
    /// Only these parts, with commas between: ingest, tail, large.
    #[arg(long, value_name = "NAMES", default_value = "ingest,tail,large")]
    only: String,
    /// For how long each cell of the ingest is measured, and each tail.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Also write all figures there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Further flags of the bench itself, after `--`; `-- --help` names them.
    #[arg(last = true, value_name = "FLAGS")]
    more: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct EngineArgs {
    /// Also write all figures there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How often each library is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repetitions: u32,
    /// How many rows the table has, with commas between.
    #[arg(long, value_name = "COUNTS", default_value = "100000,1000000,10000000")]
    rows: String,
    /// Only these libraries, by their names in bench/engine/libraries.mjs, with commas between.
    #[arg(long, value_name = "NAMES")]
    only: Option<String>,
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
        Bench::Engine(args) => engine(args),
        Bench::Board(args) => board(args),
        Bench::Server(args) => server(args),
    }
}

fn server(args: &ServerArgs) -> Result {
    let server = build::server()?;
    let node = root().join("bench/server/peer");
    tools::npm_ci(&node)?;
    let nats = nats::server()?;
    run(&mut command("cargo", &["build", "--quiet", "--release", "--package", "streamtable-bench-server"]))?;
    let mut bench = command(target().join("release/streamtable-bench-server"), &["--only", &args.only]);
    bench.args(["--seconds", &args.seconds.to_string()]);
    bench.arg("--server").arg(server).arg("--node").arg(node).arg("--nats").arg(nats);
    if let Some(file) = &args.json {
        bench.arg("--json").arg(absolute(file)?);
    }
    run(bench.args(&args.more))
}

fn engine(args: &EngineArgs) -> Result {
    let sources = ["bench/engine/src", "crates/engine", "crates/expr", "crates/model", "crates/wire"];
    let glue = glue("engine", "board", &sources)?;
    let dir = root().join("bench/engine");
    tools::npm_ci(&dir)?;
    let mut node = command("node", &["run.mjs", "--rows", &args.rows, "--repetitions", &args.repetitions.to_string()]);
    node.current_dir(&dir).arg("--glue").arg(glue);
    if let Some(file) = &args.json {
        node.arg("--json").arg(absolute(file)?);
    }
    if let Some(names) = &args.only {
        node.args(["--only", names]);
    }
    run(&mut node)
}

fn client(args: &ClientArgs) -> Result {
    let server = build::server()?;
    let package = npm::build()?;
    let glue = glue("boundary", "npm", &["bench/boundary"])?;
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

fn board(args: &BoardArgs) -> Result {
    let server = build::server()?;
    build::board()?;
    let dir = root().join("bench/board");
    tools::npm_ci(&dir)?;
    let mut node = command("node", &["run.mjs", "--only", &args.only]);
    node.current_dir(&dir).arg("--server").arg(server).arg("--board").arg(root().join("dist"));
    for (name, number) in [
        ("--rows", args.rows),
        ("--seconds", args.seconds),
        ("--first-rows", args.first_rows),
        ("--hour-rows", args.hour_rows),
    ] {
        node.args([name, &number.to_string()]);
    }
    if let Some(file) = &args.json {
        node.arg("--json").arg(absolute(file)?);
    }
    if args.trace {
        node.arg("--trace");
    }
    run(&mut chromium::drive(node)?)
}

/// A path as the caller means it, who is elsewhere than the program that writes there.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(crate::error::Error::at(path))
}

/// Builds a crate of `bench` for pages, with the profile of what it stands for, and gives the folder of what wasm-bindgen
/// makes of it.
fn glue(name: &str, profile: &str, sources: &[&str]) -> Result<PathBuf> {
    let package = format!("streamtable-bench-{name}");
    let glue = target().join("npm").join(name);
    let module = package.replace('-', "_");
    let sources = ["Cargo.lock", "Cargo.toml"].iter().chain(sources).map(|source| root().join(source));
    if is_fresh(&glue.join(format!("{module}.js")), &sources.collect::<Vec<_>>()) {
        return Ok(glue);
    }
    say(&format!("building the bench of the {name}"));
    let mut cargo = command("cargo", &["build", "--quiet", "--package", &package, "--profile", profile]);
    cargo.args(["--target", "wasm32-unknown-unknown"]);
    if profile == "npm" {
        cargo.env("RUSTFLAGS", npm::rust_flags()).env_remove("CARGO_ENCODED_RUSTFLAGS");
    }
    run(&mut cargo)?;
    let wasm = target().join("wasm32-unknown-unknown").join(profile).join(format!("{module}.wasm"));
    let wasm_bindgen = tools::wasm_bindgen()?.join("wasm-bindgen");
    run(command(wasm_bindgen, &["--target", "web", "--no-typescript", "--out-dir"]).arg(&glue).arg(wasm))?;
    Ok(glue)
}
