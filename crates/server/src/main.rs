//! The server's command line.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use server::journal::backup;
use server::{AppState, Cli, Command, Config, serve};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let Cli { command, config } = Cli::parse();
    let filter = EnvFilter::try_from_env("STREAMTABLE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_ansi(colours).with_writer(std::io::stderr).with_env_filter(filter).init();
    let result = match command {
        None => run(config),
        Some(Command::Backup { data, to }) => make_backup(&data, &to),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make_backup(data: &Path, to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let n_bytes = backup(data, to)?;
    println!("{n_bytes} bytes written to {}", to.display());
    Ok(())
}

fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    let config = config.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let address = config.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))?;
        let bound = listener.local_addr()?;
        let data = config.data.display().to_string();
        let board = config.board().map(|dir| dir.display().to_string());
        let state = AppState::open(config)?;
        // Whoever reads the line below may tell the server to stop at once.
        let told = told_to_stop()?;
        println!("listening on http://{bound}");
        std::io::stdout().flush()?;
        tracing::info!(%bound, data, board, "started");
        serve(listener, state, told).await?;
        tracing::info!("stopped");
        Ok(())
    });
    // A read that is under way must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    result
}

/// Ends at Ctrl-C and at SIGTERM, from this call on and not only once it is waited for.
#[cfg(unix)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupted, mut terminated) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

/// Ends at Ctrl-C, from this call on and not only once it is waited for.
#[cfg(windows)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send> {
    let mut interrupted = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupted.recv().await;
    })
}
