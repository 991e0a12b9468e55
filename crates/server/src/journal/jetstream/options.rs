//! What the engine is told: where it is, who we are to it, how many copies it keeps.

use std::path::PathBuf;
use std::time::Duration;

/// Where the rows are kept by a NATS JetStream cluster, and how it is reached.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct EngineOptions {
    /// Keep the rows in a NATS JetStream cluster instead of the data folder, which then holds a copy that can be deleted:
    /// nats://a,b,c with the port 4222, or tls://a:4333,b:4333
    #[arg(long, env = "STREAMTABLE_ENGINE", value_name = "URLS")]
    pub engine: Option<String>,
    /// How many nodes of the cluster keep each row. By default as the streams have it; new ones get 3 where the cluster
    /// has three nodes, else 1.
    #[arg(long, env = "STREAMTABLE_REPLICAS", value_name = "N", requires = "engine",
        value_parser = clap::value_parser!(u8).range(1..=5))]
    pub replicas: Option<u8>,
    /// How many streams the tables are spread over. Fixed by the server that first uses the cluster.
    #[arg(long, env = "STREAMTABLE_PARTITIONS", value_name = "N", default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=256))]
    pub partitions: u32,
    /// A credentials file (a JWT and a seed) to log in to the cluster with.
    #[arg(
        long,
        env = "STREAMTABLE_ENGINE_CREDENTIALS",
        value_name = "FILE",
        requires = "engine",
        conflicts_with = "engine_user"
    )]
    pub engine_credentials: Option<PathBuf>,
    /// A user to log in to the cluster as.
    #[arg(long, env = "STREAMTABLE_ENGINE_USER", value_name = "NAME", requires = "engine_password")]
    pub engine_user: Option<String>,
    /// The user's password; better given by the environment, where other users of the machine do not see it.
    #[arg(
        long,
        env = "STREAMTABLE_ENGINE_PASSWORD",
        value_name = "TEXT",
        hide_env_values = true,
        requires = "engine_user"
    )]
    pub engine_password: Option<String>,
    /// The certificates (PEM) that the cluster's are held against; by default those of the system.
    #[arg(long, env = "STREAMTABLE_ENGINE_CA", value_name = "FILE", requires = "engine")]
    pub engine_ca: Option<PathBuf>,
    /// This server's own certificate (PEM), where the cluster asks for one.
    #[arg(long, env = "STREAMTABLE_ENGINE_CERT", value_name = "FILE", requires = "engine_key")]
    pub engine_cert: Option<PathBuf>,
    /// The key (PEM) of this server's certificate.
    #[arg(long, env = "STREAMTABLE_ENGINE_KEY", value_name = "FILE", requires = "engine_cert")]
    pub engine_key: Option<PathBuf>,
    /// How long an append waits for the cluster, as while it chooses a new leader, before it is answered with
    /// engine_unavailable.
    #[arg(long, env = "STREAMTABLE_ENGINE_TIMEOUT_SECONDS", value_name = "SECONDS", default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=600))]
    pub engine_timeout_seconds: u64,
    /// Say that every node has `sync_interval: always`, which cannot be seen from here. Without it each start warns.
    #[arg(long, env = "STREAMTABLE_ENGINE_SYNCED")]
    pub engine_synced: bool,
}

impl EngineOptions {
    /// The addresses, each with the scheme that was given or `nats`.
    pub(super) fn addresses(&self) -> Vec<String> {
        let text = self.engine.as_deref().unwrap_or_default();
        let (scheme, rest) = text.split_once("://").unwrap_or(("nats", text));
        let hosts = rest.split(',').map(str::trim).filter(|host| !host.is_empty());
        hosts.map(|host| if host.contains("://") { host.to_owned() } else { format!("{scheme}://{host}") }).collect()
    }

    /// How long an append waits.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.engine_timeout_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_scheme_goes_for_all() {
        let check = |engine: &str, expect: &[&str]| {
            let options = EngineOptions { engine: Some(engine.to_owned()), ..EngineOptions::default() };
            assert_eq!(options.addresses(), expect);
        };
        check("nats://a,b:4333, c", &["nats://a", "nats://b:4333", "nats://c"]);
        check("tls://a,nats://b", &["tls://a", "nats://b"]);
        check("a", &["nats://a"]);
        check("", &[]);
    }
}
