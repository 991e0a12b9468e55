//! One connection: it has a place for as long as it is open, as a WebSocket too, and its bytes are counted.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use crate::metrics::Held;
use crate::state::AppState;

/// How long a connection that is turned away may take to read why.
const FAREWELL_TIME: Duration = Duration::from_secs(1);
const TOO_MANY: &str = "{\"error\":{\"code\":\"too_many_connections\",\"message\":\"as many connections are open as may be; \
    come back later\"}}";

/// An open connection.
pub(super) struct Connection {
    stream: TcpStream,
    state: AppState,
    _place: OwnedSemaphorePermit,
    _counted: Held,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, state: AppState, place: OwnedSemaphorePermit) -> Self {
        let counted = state.metrics().connection();
        Self { stream, state, _place: place, _counted: counted }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let n_before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.state.metrics().bytes(buffer.filled().len() - n_before, 0);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let n_sent = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.state.metrics().bytes(0, n_sent);
        Poll::Ready(Ok(n_sent))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let n_sent = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts))?;
        self.state.metrics().bytes(0, n_sent);
        Poll::Ready(Ok(n_sent))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Tells whoever connects that there is no place, whatever is asked.
pub(super) async fn turn_away(mut stream: TcpStream) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n\
         access-control-allow-origin: *\r\ncontent-length: {}\r\n\r\n{TOO_MANY}",
        TOO_MANY.len()
    );
    let farewell = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What was sent must be read, or the answer may be lost with the connection.
        let mut unread = [0; 4096];
        while stream.read(&mut unread).await? > 0 {}
        Result::Ok(())
    };
    // Whoever is gone or too slow loses the answer.
    let _ = tokio::time::timeout(FAREWELL_TIME, farewell).await;
}
