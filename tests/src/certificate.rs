//! Certificates for servers that speak TLS.

use std::path::PathBuf;

use crate::DataDir;

/// A certificate for this machine and its key, in PEM.
pub struct Certificate {
    /// The certificate.
    pub cert_pem: String,
    /// Its key.
    pub key_pem: String,
}

impl Certificate {
    /// One that nobody trusts yet, and no two are alike.
    #[must_use]
    pub fn generate() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("it is a name");
        Self { cert_pem: made.cert.pem(), key_pem: made.signing_key.serialize_pem() }
    }
}

/// Where a server looks for its certificate.
pub struct CertificateFiles {
    /// The file of the certificate.
    pub cert: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// Puts a certificate there.
    #[must_use]
    pub fn create(data: &DataDir, certificate: &Certificate) -> Self {
        let files = Self { cert: data.path().join("cert.pem"), key: data.path().join("key.pem") };
        for (path, pem) in [(&files.cert, &certificate.cert_pem), (&files.key, &certificate.key_pem)] {
            std::fs::write(path, pem).expect("a folder of our own can be written");
        }
        files
    }

    /// The flags by which the server is told of them.
    #[must_use]
    pub fn flags(&self) -> [String; 4] {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        ["--tls-cert".to_owned(), text(&self.cert), "--tls-key".to_owned(), text(&self.key)]
    }
}
