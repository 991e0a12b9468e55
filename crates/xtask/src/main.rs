//! Every command of the project: `cargo xtask help`.

mod bench;
mod build;
mod check;
mod chromium;
mod error;
mod fuzz;
mod nats;
mod npm;
mod process;
mod seal;
mod serve;
mod size;
mod soak;
mod test;
#[cfg(test)]
mod tidy;
mod tools;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use error::Error;

/// The commands of StreamTable.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Set everything up, start the server, the board and the demo, and say where they are.
    Serve(serve::Args),
    /// Run every test, or one suite.
    Test {
        /// The suite; all of them when none is named.
        suite: Option<test::Suite>,
    },
    /// Check format, lints (native and wasm), types, dependencies and tidiness.
    Check,
    /// Build the npm package into target/npm/streamtable, with the board for its panel.
    Npm,
    /// Build the board into dist.
    Board,
    /// Name the files of the board's worker by what is in them. Trunk calls it.
    #[command(hide = true)]
    Seal,
    /// Prepare what the board's page and the demo page serve.
    Demo,
    /// Print what the package and the board weigh, and fail when over budget.
    Size {
        /// Also write the figures there, as JSON.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Measure side by side with peers.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Give random bytes to everything that reads bytes, and random requests to the server.
    Fuzz(fuzz::Args),
    /// Run for so long that a leak shows.
    #[command(subcommand)]
    Soak(soak::Soak),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Test { suite } => test::run(suite),
        Command::Check => check::check(),
        Command::Npm => npm::build_whole().map(drop),
        Command::Board => build::board(),
        Command::Seal => seal::run(),
        Command::Demo => build::demo(),
        Command::Size { json } => size::run(json.as_deref()),
        Command::Bench(what) => bench::bench(&what),
        Command::Fuzz(args) => fuzz::fuzz(&args),
        Command::Soak(what) => soak::soak(&what),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What every command gives back.
type Result<T = (), E = Error> = std::result::Result<T, E>;
