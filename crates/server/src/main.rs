//! The server's command line.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use server::journal::backup;
use server::{
    AppState, Cli, Command, Config, KeyCommand, Keys, LoadError, Log, LogFormat, Tls, check_ready, serve, serve_metrics,
};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let Cli { command, config } = match Cli::load(std::env::args()) {
        Ok(cli) => cli,
        Err(LoadError::Flags(error)) => error.exit(),
        Err(LoadError::Config(error)) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = start_log(&config.log) {
        eprintln!("error: --log-level {}: {error}", config.log.level);
        return ExitCode::FAILURE;
    }
    let result = match command {
        None => run(config),
        Some(Command::Backup { data, to }) => make_backup(&data, &to),
        Some(Command::Key(command)) => manage_keys(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the log on stderr.
fn start_log(log: &Log) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(&log.level)?;
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    match log.format {
        LogFormat::Text => subscriber.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => subscriber.json().flatten_event(true).with_current_span(true).with_span_list(false).init(),
    }
    Ok(())
}

fn make_backup(data: &Path, to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let n_bytes = backup(data, to)?;
    println!("{n_bytes} bytes written to {}", to.display());
    Ok(())
}

/// A key is told on stdout, alone on its line; what else there is to say goes to stderr.
fn manage_keys(command: KeyCommand) -> Result<(), Box<dyn std::error::Error>> {
    let (told, note) = command.run()?;
    print!("{told}");
    if !note.is_empty() {
        eprintln!("{note}");
    }
    Ok(())
}

fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    if config.check_ready {
        return check_ready(config.listen, config.tls_cert.is_some())
            .map_err(|error| format!("{} is not ready: {error}", config.listen).into());
    }
    let keys = Keys::open(Keys::path(&config.data, config.keys.as_deref()))?;
    let has_keys = keys.are_there();
    let config = config.check(has_keys)?;
    let tls = config.tls_files().map(|(cert, key)| Tls::open(cert, key)).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let address = config.listen;
        let listener = listen(address).await?;
        let bound = listener.local_addr()?;
        let metrics = match config.metrics_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let metrics_bound = metrics.as_ref().map(TcpListener::local_addr).transpose()?;
        let data = config.data.display().to_string();
        let board = config.board().map(|dir| dir.display().to_string());
        let state = AppState::open(config, keys).await?;
        // Whoever reads the line below may tell the server to stop at once.
        let told = told_to_stop()?;
        // In one piece, and for whoever still reads: a program that started this one may want the address alone.
        let metrics_line =
            metrics_bound.map(|bound| format!("metrics on http://{bound}/metrics\n")).unwrap_or_default();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut stdout = std::io::stdout();
        let _ = stdout
            .write_all(format!("listening on {scheme}://{bound}\n{metrics_line}").as_bytes())
            .and_then(|()| stdout.flush());
        tracing::info!(%bound, data, board, has_keys, "started");
        if !has_keys && bound.ip().is_loopback() {
            tracing::info!(
                "there are no keys, so programs of this machine alone may read and write: all of them, every table"
            );
        } else if !has_keys {
            tracing::warn!("there are no keys: whoever reaches {bound} may read and write every table");
        }
        if let Some(metrics) = metrics {
            tokio::spawn(serve_metrics(metrics, state.clone()));
        }
        serve(listener, state, tls, told).await?;
        tracing::info!("stopped");
        Ok(())
    });
    // A read that is under way must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    result
}

async fn listen(address: std::net::SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| format!("cannot listen on {address}: {error}"))
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
