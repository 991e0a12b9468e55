//! TLS: the server speaks it with a certificate that may be changed while it runs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use streamtable_tests::{Certificate, CertificateFiles, DataDir, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};

const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to a server, trusting this certificate alone.
async fn connect(certificate: &Certificate, server: &Server) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(certificate.cert_pem.as_bytes()).expect("it is PEM"))
        .expect("it is a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("ring has some").with_root_certificates(roots);
    let stream = TcpStream::connect(address(server)).await?;
    let name = ServerName::try_from("127.0.0.1").expect("it is an address");
    TlsConnector::from(Arc::new(config.with_no_client_auth())).connect(name, stream).await
}

fn address(server: &Server) -> String {
    server.url().strip_prefix("https://").expect("it says that it speaks TLS").to_owned()
}

async fn get(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).await.expect("it is open");
    let mut answer = vec![0; 4096];
    let n = stream.read(&mut answer).await.expect("it is answered");
    String::from_utf8_lossy(&answer[..n]).into_owned()
}

#[tokio::test]
async fn a_certificate_is_changed_while_the_server_runs() {
    let (data, old, new) = (DataDir::default(), Certificate::generate(), Certificate::generate());
    let files = CertificateFiles::create(&data, &old);
    let flags = files.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let server = Server::start_on(&data, &flags);
    let mut open = connect(&old, &server).await.unwrap();
    assert!(get(&mut open, "/api/v1/health").await.starts_with("HTTP/1.1 200"));
    assert!(connect(&new, &server).await.is_err(), "another certificate");
    let (mut tail, _) = tokio_tungstenite::client_async(
        format!("wss://{}/api/v1/tail/e/p/t", address(&server)),
        connect(&old, &server).await.unwrap(),
    )
    .await
    .unwrap();
    assert!(tail.next().await.unwrap().unwrap().to_text().unwrap().contains("hello"));
    let listen = address(&server);
    let check = [["--check-ready", "--listen", &listen].as_slice(), &flags].concat();
    assert!(Server::run_command(&check).0.success(), "it asks by TLS");
    // Who speaks no TLS is not answered, and holds up nobody.
    let mut plain = TcpStream::connect(address(&server)).await.unwrap();
    plain.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1 200"));

    // While one of the two is yet to come, the old ones hold.
    std::fs::write(&files.cert, &new.cert_pem).unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    connect(&old, &server).await.unwrap();
    std::fs::write(&files.key, &new.key_pem).unwrap();
    let start = Instant::now();
    while connect(&new, &server).await.is_err() {
        assert!(start.elapsed() < PATIENCE, "the new certificate is not taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(connect(&old, &server).await.is_err(), "the old one is gone");
    assert!(get(&mut open, "/api/v1/health").await.starts_with("HTTP/1.1 200"), "what is open goes on");
}

#[tokio::test]
async fn a_certificate_that_is_none_is_named() {
    let (data, own, other) = (DataDir::default(), Certificate::generate(), Certificate::generate());
    let files = CertificateFiles::create(&data, &own);
    let flags = files.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (status, told) = Server::fails_to_start(&data, &flags[..2]);
    assert!(!status.success() && told.contains("come together"), "{told}");
    for (file, text) in [(&files.key, other.key_pem.as_str()), (&files.key, "no key"), (&files.cert, "no certificate")]
    {
        let before = std::fs::read(file).unwrap();
        std::fs::write(file, text).unwrap();
        let (status, told) = Server::fails_to_start(&data, &flags);
        assert!(!status.success() && told.contains("cert.pem"), "{told}");
        std::fs::write(file, before).unwrap();
    }
}
