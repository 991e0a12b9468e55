//! `cargo xtask serve`: the server, the board and the demo, until Ctrl-C.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::Result;
use crate::build;
use crate::error::Error;
use crate::process::{Beside, command};
use crate::tools::say;
use crate::workspace::root;

/// The server's port, and the one that Trunk.toml proxies to.
const DEFAULT_PORT: u16 = 7700;

/// Where things are served from and kept.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The server's port.
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,
    /// The board's port.
    #[arg(long, default_value_t = 8080)]
    board_port: u16,
    /// The folder in which the server keeps the rows.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result {
    let stop = stop_signal()?;
    for port in [args.port, args.board_port] {
        if TcpStream::connect_timeout(&loopback(port), Duration::from_millis(200)).is_ok() {
            let hint = "stop what listens there, or choose another by --port and --board-port";
            return Err(Error::new(format!("port {port} of 127.0.0.1 is taken: {hint}")));
        }
    }
    let server = build::server()?;
    build::demo()?;

    let mut server = command(server, &[]);
    server.arg("--listen").arg(loopback(args.port).to_string()).arg("--data").arg(root().join(&args.data));
    let mut running = vec![Beside::start("the server", &mut server)?];
    say("building the board; the first time takes some minutes");
    let board_port = args.board_port.to_string();
    let mut trunk = build::trunk(&["serve", "--release", "--port", &board_port])?;
    if args.port != DEFAULT_PORT {
        trunk.arg("--config").arg(config_for(args.port)?);
    }
    running.push(Beside::start("the board's trunk serve", &mut trunk)?);

    wait_for(args.port, &mut running, &stop)?;
    wait_for(args.board_port, &mut running, &stop)?;
    let board = format!("http://127.0.0.1:{}", args.board_port);
    println!("\n  StreamTable is running.\n");
    println!("    board    {board}/");
    println!("    demo     {board}/demo/");
    println!("    server   http://127.0.0.1:{}/api/v1/health   rows in {}", args.port, args.data.display());
    println!("\n  Ctrl-C stops all of it.\n");
    loop {
        if pause(&stop) {
            say("stopping");
            return Ok(());
        }
        check(&mut running)?;
    }
}

/// Trunk's configuration with its proxies at another port. Trunk reads paths from the file's own folder.
fn config_for(port: u16) -> Result<PathBuf> {
    let (usual, other) = (root().join("Trunk.toml"), root().join(format!(".trunk-{port}.toml")));
    let text = fs::read_to_string(&usual).map_err(Error::at(&usual))?;
    let text = text.replace(&format!("127.0.0.1:{DEFAULT_PORT}"), &format!("127.0.0.1:{port}"));
    fs::write(&other, text).map_err(Error::at(&other))?;
    Ok(other)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Tells when somebody wants us to end, by Ctrl-C or by a signal.
fn stop_signal() -> Result<Receiver<()>> {
    let (sender, receiver) = channel();
    ctrlc::set_handler(move || sender.send(()).unwrap_or_default())
        .map_err(|error| Error::new(format!("no signal handler: {error}")))?;
    Ok(receiver)
}

/// Waits a moment; true when it is time to stop.
fn pause(stop: &Receiver<()>) -> bool {
    stop.recv_timeout(Duration::from_millis(150)).is_ok()
}

fn wait_for(port: u16, running: &mut [Beside], stop: &Receiver<()>) -> Result {
    while TcpStream::connect_timeout(&loopback(port), Duration::from_millis(200)).is_err() {
        check(running)?;
        if pause(stop) {
            return Err(Error::new("stopped before everything ran"));
        }
    }
    Ok(())
}

/// One that ended by itself ends the others too: the error drops them.
fn check(running: &mut [Beside]) -> Result {
    for process in running {
        if let Some(status) = process.ended() {
            return Err(Error::new(format!("{} ended ({status}); the rest is stopped too", process.name())));
        }
    }
    Ok(())
}
