//! TLS by rustls: the certificate and its key, read again when their files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate {cert} with the key {key}: {reason}")]
pub struct TlsError {
    cert: PathBuf,
    key: PathBuf,
    reason: String,
}

/// What changes with the two files.
type Marks = [Option<(SystemTime, u64)>; 2];

/// The certificate in use.
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads a chain of certificates and their key, both PEM.
    ///
    /// # Errors
    /// When they cannot be read, or do not fit each other.
    pub fn open(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let config = RwLock::new(read(cert, key)?);
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), config })
    }

    /// Reads the files again when they change, and at SIGHUP, until the certificate is dropped. Where they cannot be used, those
    /// read before stay in use. Connections that are open go on with what they began with.
    pub(crate) fn keep_looking(self: &Arc<Self>) {
        let tls = Arc::downgrade(self);
        let mut last = self.marks();
        tokio::spawn(async move {
            let mut hangups = hangups();
            let mut told = None;
            loop {
                let is_told = tokio::select! {
                    () = hangups.next() => true,
                    () = tokio::time::sleep(LOOK_INTERVAL) => false,
                };
                let Some(tls) = tls.upgrade() else { return };
                let marks = tls.marks();
                if marks == last && !is_told {
                    continue;
                }
                match read(&tls.cert, &tls.key) {
                    Ok(config) => {
                        *tls.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                        tracing::info!(cert = %tls.cert.display(), "the certificate was read again");
                        (last, told) = (marks, None);
                    }
                    // One of the two files may be yet to come, so they are tried again. What is wrong is told once.
                    Err(error) if told.as_ref() != Some(&error) => {
                        tracing::error!(%error, "the certificate in use stays");
                        told = Some(error);
                    }
                    Err(_) => {}
                }
            }
        });
    }

    /// Speaks TLS with whoever connected.
    ///
    /// # Errors
    /// When they do not.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> std::io::Result<TlsStream<S>> {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(config).accept(stream).await
    }

    fn marks(&self) -> Marks {
        let mark = |path: &Path| {
            let about = std::fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        [mark(&self.cert), mark(&self.key)]
    }
}

fn read(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let fault = |reason: String| TlsError { cert: cert.to_owned(), key: key.to_owned(), reason };
    let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| fault(error.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| fault(error.to_string()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, private));
    let mut config = config.map_err(|error| fault(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(unix)]
mod sys {
    //! Told by SIGHUP.
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Hangups(Option<Signal>);

    pub(super) fn hangups() -> Hangups {
        Hangups(signal(SignalKind::hangup()).ok())
    }

    impl Hangups {
        /// Ends at the next; never, where they cannot be heard.
        pub(super) async fn next(&mut self) {
            match &mut self.0 {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(not(unix))]
mod sys {
    //! There is no SIGHUP.
    pub(super) struct Hangups;

    pub(super) fn hangups() -> Hangups {
        Hangups
    }

    impl Hangups {
        pub(super) async fn next(&mut self) {
            std::future::pending().await
        }
    }
}

use self::sys::hangups;
