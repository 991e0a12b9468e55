//! `cargo xtask soak`: what has to run for long before it shows. No part of the tests, which nobody waits for half an hour.

use std::path::{self, PathBuf};

use clap::Subcommand;

use crate::Result;
use crate::error::Error;
use crate::{process, test};

/// What can be soaked.
#[derive(Subcommand)]
pub(crate) enum Soak {
    /// A page that logs while its server is stopped and started: every row is there once, and nothing stays behind.
    Client(ClientArgs),
}

#[derive(clap::Args)]
pub(crate) struct ClientArgs {
    /// How long the page logs.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// What the times at which the server goes and comes follow from.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Also write the figures and all samples there, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub(crate) fn soak(soak: &Soak) -> Result {
    match soak {
        Soak::Client(args) => client(args),
    }
}

fn client(args: &ClientArgs) -> Result {
    let mut playwright = test::playwright(&["--config", "soak/playwright.config.ts"])?;
    playwright.env("STREAMTABLE_SOAK_MINUTES", args.minutes.to_string());
    playwright.env("STREAMTABLE_SOAK_SEED", args.seed.to_string());
    if let Some(file) = &args.json {
        // It is named from where the command was called, not from the tests' folder.
        playwright.env("STREAMTABLE_SOAK_JSON", path::absolute(file).map_err(Error::at(file))?);
    }
    process::run(&mut playwright)
}
