//! From the first connection to the last.

mod check;
mod connection;
mod tls;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

pub use self::check::check_ready;
use self::connection::{Connection, turn_away};
pub use self::tls::{Tls, TlsError};
use crate::state::AppState;

/// How long requests that were taken may go on after the server was told to stop.
const DRAIN_TIME: Duration = Duration::from_millis(1500);
/// How long tails may then still take to say goodbye, which they were told to at the same moment.
const GOODBYE_TIME: Duration = Duration::from_millis(500);
/// How long to wait when the system gives no connection, for want of files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// The most connections that are told at a time that there are too many; others are just closed.
const MAX_TURNED_AWAY: usize = 64;
/// The most connections to the figures' own address.
const MAX_METRICS_CONNECTIONS: usize = 32;

/// Serves until `shutdown` ends, then finishes what was taken: no new connection, tails closed, requests under way
/// answered for a second or two, the journal folded into its file. With `tls` the connections speak it.
///
/// # Errors
/// None at present.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let closing = watch::Sender::new(false);
    let max_connections = state.limits().max_connections;
    let tls = tls.map(Arc::new);
    if let Some(tls) = &tls {
        tls.keep_looking();
    }
    tokio::select! {
        () = accept(&listener, tls.as_ref(), crate::http::app(state.clone()), &state, max_connections, &closing) => {}
        () = shutdown => {}
    }
    drop(listener);
    tracing::info!("stopping");
    state.stop();
    closing.send_replace(true);
    // Each connection holds a receiver until it has ended.
    if tokio::time::timeout(DRAIN_TIME, closing.closed()).await.is_err() {
        tracing::warn!("some requests were still under way");
    }
    // Whoever does not answer is cut off.
    let _ = tokio::time::timeout(GOODBYE_TIME, state.tails_ended()).await;
    let journal = Arc::clone(state.journal());
    if let Err(error) = tokio::task::spawn_blocking(move || journal.close()).await {
        tracing::error!(%error, "the journal was not closed");
    }
    Ok(())
}

/// Serves the figures alone, for as long as the process runs.
pub async fn serve_metrics(listener: TcpListener, state: AppState) {
    let app = crate::http::metrics_app(state.clone());
    accept(&listener, None, app, &state, MAX_METRICS_CONNECTIONS, &watch::Sender::new(false)).await;
}

/// Takes connections, for ever.
async fn accept(
    listener: &TcpListener,
    tls: Option<&Arc<Tls>>,
    app: Router,
    state: &AppState,
    max_connections: usize,
    closing: &watch::Sender<bool>,
) {
    let places = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let farewells = Arc::new(Semaphore::new(MAX_TURNED_AWAY));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            state.metrics().refused_connection();
            // Who would speak TLS first understands nothing else.
            if tls.is_none()
                && let Ok(farewell) = Arc::clone(&farewells).try_acquire_owned()
            {
                tokio::spawn(async move {
                    turn_away(stream).await;
                    drop(farewell);
                });
            }
            continue;
        };
        let max_head_time = Duration::from_secs(state.limits().max_head_seconds);
        let connection = Connection::new(with_no_delay(stream), state.clone(), place);
        let (tls, app, closing) = (tls.cloned(), app.clone(), closing.subscribe());
        tokio::spawn(async move {
            let Some(tls) = tls else { return talk(connection, app, max_head_time, closing).await };
            match tokio::time::timeout(max_head_time, tls.accept(connection)).await {
                Ok(Ok(stream)) => talk(stream, app, max_head_time, closing).await,
                Ok(Err(error)) => tracing::debug!(%error, "a connection spoke no TLS"),
                Err(_) => tracing::debug!("a connection took too long to speak TLS"),
            }
        });
    }
}

/// Small answers must not wait for the next packet.
fn with_no_delay(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no delay could not be set");
    }
    stream
}

/// Answers the requests of one connection, until it is closed or the server is closing and has answered what it took.
async fn talk(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    app: Router,
    max_head_time: Duration,
    mut closing: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(max_head_time);
    let service = TowerToHyperService::new(app);
    let mut talk = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let is_closing = async {
        // The sender goes away only with the server.
        let _ = closing.wait_for(|is_closing| *is_closing).await;
    };
    let ended = tokio::select! {
        ended = talk.as_mut() => ended,
        () = is_closing => {
            talk.as_mut().graceful_shutdown();
            talk.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
