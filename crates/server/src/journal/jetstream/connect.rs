//! Reaching the cluster: logging in, and refusing what rows may not be trusted to.

use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerInfo};
use tokio::time::Instant;
use wire::stream::MAX_PIECE_BYTES;

use super::options::EngineOptions;
use crate::journal::JournalError;

/// The oldest nats-server whose acknowledgements hold: those before lose messages on a loss of power, or know no
/// `sync_interval: always` that can be afforded.
const MIN_VERSION: (u64, u64, u64) = (2, 15, 0);
/// What a message may carry beside a piece: headers, the piece's head, some room.
const MIN_PAYLOAD: usize = MAX_PIECE_BYTES + (64 << 10);
/// How long one node may take to let us in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How soon a node that died without a word is noticed.
const PING_INTERVAL: Duration = Duration::from_secs(3);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Connects to the cluster, and looks at every node that can be reached. Waits until `deadline` for the first.
///
/// # Errors
/// [`JournalError::EngineRefused`] where a node is too old or does not let us in, [`JournalError::Engine`] where none
/// answers in time.
pub(super) async fn connect(options: &EngineOptions, deadline: Instant) -> Result<Client, JournalError> {
    let addresses = options.addresses();
    if addresses.is_empty() {
        return Err(JournalError::EngineRefused("--engine names no address".to_owned()));
    }
    // Each by itself, for the connection that is kept sees only the node that it goes to.
    for address in &addresses {
        match try_connect(options, std::slice::from_ref(address)).await {
            Ok(client) => check_server(&client.server_info(), address)?,
            Err(error @ JournalError::EngineRefused(_)) => return Err(error),
            Err(error) => tracing::warn!(address = shown(address), %error, "a node of the engine is not there"),
        }
    }
    loop {
        match try_connect(options, &addresses).await {
            Ok(client) => {
                check_server(&client.server_info(), "the cluster")?;
                warn_of_sync(options);
                return Ok(client);
            }
            Err(JournalError::Engine(reason)) if Instant::now() < deadline => {
                tracing::warn!(reason, "the engine is not there yet");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn try_connect(options: &EngineOptions, addresses: &[String]) -> Result<Client, JournalError> {
    let away = |error: async_nats::ConnectError| match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            JournalError::EngineRefused(format!("the cluster does not let this server in: {error}"))
        }
        ConnectErrorKind::ServerParse => JournalError::EngineRefused(format!("--engine: {error}")),
        _ => JournalError::Engine(error.to_string()),
    };
    let connecting = connect_options(options).await?.connect(addresses);
    match tokio::time::timeout(CONNECT_TIMEOUT * 2, connecting).await {
        Ok(result) => result.map_err(away),
        Err(_) => Err(JournalError::Engine("no node let us in in time".to_owned())),
    }
}

async fn connect_options(options: &EngineOptions) -> Result<ConnectOptions, JournalError> {
    let mut connect = ConnectOptions::new()
        .name("streamtable-server")
        .connection_timeout(CONNECT_TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .reconnect_delay_callback(|n_tries| Duration::from_millis(100 * n_tries.min(10) as u64))
        .event_callback(|event| async move {
            match event {
                Event::Disconnected | Event::SlowConsumer(_) | Event::ServerError(_) => {
                    tracing::warn!(%event, "engine");
                }
                _ => tracing::debug!(%event, "engine"),
            }
        });
    if let Some(path) = &options.engine_credentials {
        let refused = |error: std::io::Error| JournalError::EngineRefused(format!("{}: {error}", path.display()));
        connect = connect.credentials_file(path).await.map_err(refused)?;
    }
    if let Some((user, password)) = options.engine_user.clone().zip(options.engine_password.clone()) {
        connect = connect.user_and_password(user, password);
    }
    if let Some(path) = &options.engine_ca {
        connect = connect.add_root_certificates(path.clone()).require_tls(true);
    }
    if let Some((cert, key)) = options.engine_cert.clone().zip(options.engine_key.clone()) {
        connect = connect.add_client_certificate(cert, key).require_tls(true);
    }
    Ok(connect)
}

/// Whether rows may be trusted to a node.
///
/// # Errors
/// [`JournalError::EngineRefused`].
pub(super) fn check_server(info: &ServerInfo, address: &str) -> Result<(), JournalError> {
    let address = shown(address);
    let refused = |reason: String| Err(JournalError::EngineRefused(reason));
    if version(&info.version).is_none_or(|version| version < MIN_VERSION) {
        let (found, (major, minor, patch)) = (&info.version, MIN_VERSION);
        return refused(format!(
            "{address} runs nats-server {found}, and earlier ones than {major}.{minor}.{patch} can lose rows that they \
             acknowledged"
        ));
    }
    if !info.jetstream {
        return refused(format!("{address} runs nats-server without JetStream; start it with a jetstream block"));
    }
    if info.max_payload < MIN_PAYLOAD {
        let found = info.max_payload;
        return refused(format!("{address} has max_payload {found}; at least {MIN_PAYLOAD} bytes are needed"));
    }
    Ok(())
}

/// Whether the client has a node to speak to.
pub(super) fn is_connected(client: &Client) -> bool {
    client.connection_state() == State::Connected
}

fn warn_of_sync(options: &EngineOptions) {
    if !options.engine_synced {
        tracing::warn!(
            "whether each nats-server has `sync_interval: always` cannot be seen from here. Without it a loss of power \
             loses acknowledged rows. Once every node has it, say --engine-synced"
        );
    }
}

/// Major, minor and patch of a version such as `2.15.0-beta.1`.
fn version(text: &str) -> Option<(u64, u64, u64)> {
    let text = text.trim_start_matches('v').split(['-', '+']).next()?;
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// An address without the password that may be in it.
fn shown(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: &str, jetstream: bool, max_payload: usize) -> Result<(), String> {
        let version = version.to_owned();
        let info = ServerInfo { version, jetstream, max_payload, ..ServerInfo::default() };
        check_server(&info, "nats://me:secret@a:4222").map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        assert_eq!(check("2.15.0", true, 1 << 20), Ok(()));
        assert_eq!(check("2.15.3-RC.1", true, 1 << 20), Ok(()));
        assert_eq!(check("3.0.0", true, 1 << 20), Ok(()));
        for (version, jetstream, max_payload, expect) in [
            ("2.14.9", true, 1 << 20, "2.14.9"),
            ("2.9.10", true, 1 << 20, "2.15.0"),
            ("?", true, 1 << 20, "2.15.0"),
            ("2.15.0", false, 1 << 20, "JetStream"),
            ("2.15.0", true, 64 << 10, "max_payload 65536"),
        ] {
            let error = check(version, jetstream, max_payload).unwrap_err();
            assert!(error.contains(expect), "{error}");
            assert!(error.contains("a:4222") && !error.contains("secret"), "{error}");
        }
    }
}
