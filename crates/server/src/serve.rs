//! From the first connection to the last.

use std::future::Future;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::state::AppState;

/// How long requests that were taken may go on after the server was told to stop.
const DRAIN_TIME: Duration = Duration::from_millis(1500);
/// How long tails may then still take to say goodbye, which they were told to at the same moment.
const GOODBYE_TIME: Duration = Duration::from_millis(500);

/// Serves until `shutdown` ends, then finishes what was taken: no new connection, tails closed, requests under way
/// answered for a second or two, the journal folded into its file.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let mut stopping = state.stopping();
    let journal = std::sync::Arc::clone(state.journal());
    // Small answers must not wait for the next packet.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no delay could not be set");
        }
    });
    let (to_stop, tails) = (state.clone(), state.clone());
    let told = async move {
        shutdown.await;
        tracing::info!("stopping");
        to_stop.stop();
    };
    let server = axum::serve(listener, crate::http::app(state)).with_graceful_shutdown(told);
    let drained = async move {
        // An error would mean that the state is gone, and it is held here.
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
    // Whoever does not answer is cut off.
    let _ = tokio::time::timeout(GOODBYE_TIME, tails.tails_ended()).await;
    let closed = tokio::task::spawn_blocking(move || journal.close()).await;
    if let Err(error) = closed {
        tracing::error!(%error, "the journal was not closed");
    }
    result
}
