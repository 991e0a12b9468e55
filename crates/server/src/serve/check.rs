//! Asks a running server whether it is ready, as a container's health check does.

use std::io::{Error, Read, Result, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

const MAX_TIME: Duration = Duration::from_secs(5);

/// Asks the server that listens on `address`. Blocks, for some seconds at most.
///
/// # Errors
/// When there is no answer, or one that says that it is not ready.
pub fn check_ready(address: SocketAddr) -> Result<()> {
    // Whoever listens everywhere listens here.
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(ip, address.port()), MAX_TIME)?;
    stream.set_read_timeout(Some(MAX_TIME))?;
    stream.set_write_timeout(Some(MAX_TIME))?;
    write!(stream, "GET {}/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n", wire::api::API_PREFIX)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(Error::other(answer.lines().last().unwrap_or("it said nothing").to_owned())),
    }
}
