//! Loads the server and what people would take in its place, side by side, and prints what was measured.
//! `cargo xtask bench server` builds what it needs and runs it.

mod http;
mod ingest;
mod jetstream;
mod large;
mod node;
mod process;
mod report;
mod rows;
mod streamtable;
mod tail;
mod timing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use ingest::{Load, System};
use report::Report;

/// What went wrong, for whoever runs it.
type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Error> = std::result::Result<T, E>;

/// Rows a request, and requests a second, that are aimed at; and how many writers share them.
const PACES: [(usize, f64); 2] = [(1, 5_000.0), (1_000, 300.0)];
const PACED_WRITERS: usize = 64;

/// Which programs are measured, and how.
#[derive(Parser)]
struct Args {
    /// The server.
    #[arg(long)]
    server: PathBuf,
    /// The folder of the Node endpoint.
    #[arg(long)]
    node: PathBuf,
    /// The NATS server.
    #[arg(long)]
    nats: PathBuf,
    /// Which parts: ingest, tail, large.
    #[arg(long, value_delimiter = ',', default_value = "ingest,tail,large")]
    only: Vec<String>,
    /// Which systems take the rows: streamtable, node, node-grouped, jetstream.
    #[arg(long, value_delimiter = ',', default_value = "streamtable,node,node-grouped,jetstream")]
    systems: Vec<String>,
    /// How long each cell of the ingest is measured, and each tail.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How many writers send at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,8,64")]
    writers: Vec<usize>,
    /// How many rows a request has.
    #[arg(long, value_delimiter = ',', default_value = "1,50,1000")]
    batches: Vec<usize>,
    /// How many follow the table.
    #[arg(long, value_delimiter = ',', default_value = "1,100,1000")]
    subscribers: Vec<usize>,
    /// How many rows the large table has.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// How many tables the large server has.
    #[arg(long, default_value_t = 100_000)]
    tables: usize,
    /// How many columns the wide table has.
    #[arg(long, default_value_t = 2_000)]
    columns: usize,
    /// Also write all figures there, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let mut report = Report::begin();
    for part in &args.only {
        match part.as_str() {
            "ingest" => ingest(args, &mut report)?,
            "tail" => {
                for n_subscribers in &args.subscribers {
                    for n_rows in [1, 1000] {
                        report.tail(tail::measure(&args.server, *n_subscribers, n_rows, args.seconds)?);
                    }
                }
            }
            "large" => large::measure(&args.server, args.rows, args.tables, args.columns, &mut report)?,
            other => return Err(format!("{other:?} is no part: there are ingest, tail and large").into()),
        }
    }
    report.finish(args.json.as_deref())
}

fn ingest(args: &Args, report: &mut Report) -> Result<()> {
    let start = |name: &str| -> Result<Box<dyn System>> {
        Ok(match name {
            "streamtable" => Box::new(streamtable::StreamTable::start(&args.server)?),
            "node" => Box::new(node::Node::start(&args.node, false)?),
            "node-grouped" => Box::new(node::Node::start(&args.node, true)?),
            "jetstream" => Box::new(jetstream::JetStream::start(&args.nats)?),
            other => return Err(format!("{other:?} is no system that is known").into()),
        })
    };
    let load = |n_writers, n_rows, pace| Load { n_writers, n_rows, pace, seconds: args.seconds };
    let writers = || args.writers.iter().copied();
    let cells = args.batches.iter().flat_map(|n_rows| writers().map(|n_writers| load(n_writers, *n_rows, None)));
    // At the pace that is aimed at an ack has to be quick; with as much as goes, every writer waits for all others.
    let paced = PACES.map(|(n_rows, pace)| load(PACED_WRITERS, n_rows, Some(pace)));
    for load in cells.chain(paced) {
        // All systems in turn, so that what disturbs the machine for a while disturbs each.
        for name in args.systems.iter().filter(|name| load.pace.is_none() || *name == report::OWN) {
            report.ingest(ingest::measure(&*start(name)?, name, load)?);
        }
    }
    Ok(())
}
