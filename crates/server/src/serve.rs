//! From the first connection to the last.

use std::future::Future;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::journal::JournalError;
use crate::state::AppState;

/// How long requests that were taken may go on after the server was told to stop.
const DRAIN_TIME: Duration = Duration::from_millis(1500);

/// Why the server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The listener failed.
    #[error("the listener failed: {0}")]
    Listener(#[from] std::io::Error),
}

/// Serves until `shutdown` ends, then finishes what was taken: no new connection, tails closed, requests under way
/// answered for a second or two, the journal folded into its file.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let (stop, stopping) = watch::channel(false);
    let state = AppState::open(config, stopping.clone())?;
    let journal = std::sync::Arc::clone(state.journal());
    // Small answers must not wait for the next packet.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no delay could not be set");
        }
    });
    let told = async move {
        shutdown.await;
        tracing::info!("stopping");
        stop.send_replace(true);
    };
    let server = axum::serve(listener, crate::http::app(state)).with_graceful_shutdown(told);
    let drained = async {
        let mut stopping = stopping;
        // An error means that the sender is gone, which it is only after it told.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(DRAIN_TIME).await;
    };
    let result = tokio::select! {
        result = server => result,
        () = drained => {
            tracing::warn!("some requests were still under way");
            Ok(())
        }
    };
    let closed = tokio::task::spawn_blocking(move || journal.close()).await;
    if let Err(error) = closed {
        tracing::error!(%error, "the journal was not closed");
    }
    Ok(result?)
}
