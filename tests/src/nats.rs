//! A real NATS cluster on free ports of this machine, whose nodes can be killed and started again.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, Context};

use crate::server::DataDir;

/// Whom the nodes let in.
const USER: &str = "streamtable";
/// And by what.
const PASSWORD: &str = "a secret of the tests";
/// The most that anything may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running node, or one that was killed.
pub struct Node {
    /// Its name within the cluster.
    pub name: String,
    port: u16,
    config: PathBuf,
    child: Option<Child>,
}

/// Nodes that know each other; killed when dropped.
pub struct Nats {
    /// The nodes.
    pub nodes: Vec<Node>,
    data: DataDir,
}

/// The program: `cargo xtask test cluster` fetches it and says where it is.
fn binary() -> PathBuf {
    let path = std::env::var_os("STREAMTABLE_NATS_SERVER");
    path.expect("STREAMTABLE_NATS_SERVER names a nats-server of 2.15 or later; `cargo xtask test cluster` does that")
        .into()
}

/// Ports that are free and stay so: the system gives none of these to a connection while a node is down.
fn free_ports(n: usize) -> Vec<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 1000) as u16 * 10;
    let candidates = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        18_000 + start.wrapping_add(step) % 12_000
    });
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    candidates.filter(is_free).take(n).collect()
}

impl Nats {
    /// Starts so many nodes that fsync before they acknowledge. `extra` goes into each one's configuration.
    #[must_use]
    pub fn start(n_nodes: usize, extra: &str) -> Self {
        let data = DataDir::default();
        let ports = free_ports(n_nodes * 2);
        let (client_ports, route_ports) = ports.split_at(n_nodes);
        let routes: Vec<String> = route_ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let mut nodes = Vec::new();
        for (idx, port) in client_ports.iter().enumerate() {
            let name = format!("n{}", idx + 1);
            let (dir, route_port) = (data.path().join(&name), route_ports[idx]);
            let cluster = format!(
                "cluster {{ name: streamtable, listen: \"127.0.0.1:{route_port}\", routes: [{}] }}",
                routes.join(", ")
            );
            let text = format!(
                "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\n\
                 jetstream {{ store_dir: \"{}\", sync_interval: always }}\n\
                 authorization {{ user: \"{USER}\", password: \"{PASSWORD}\" }}\n{}\n{extra}\n",
                dir.display(),
                if n_nodes > 1 { &cluster } else { "" },
            );
            let config = data.path().join(format!("{name}.conf"));
            std::fs::write(&config, text).expect("the folder can be written");
            nodes.push(Node { name, port: *port, config, child: None });
        }
        nodes.iter_mut().for_each(Node::start);
        Self { nodes, data }
    }

    /// The nodes' addresses, as `--engine` takes them.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("nats://{}", hosts.join(","))
    }

    /// The flags that make a server use this cluster.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let flags = ["--engine", &self.url(), "--engine-user", USER, "--engine-password", PASSWORD, "--engine-synced"];
        flags.map(str::to_owned).to_vec()
    }

    /// The folder with what the nodes keep.
    #[must_use]
    pub fn data(&self) -> DataDir {
        self.data.clone()
    }

    /// Speaks to the cluster itself.
    ///
    /// # Panics
    /// When no node lets us in.
    pub async fn context(&self) -> Context {
        let start = Instant::now();
        loop {
            let options = async_nats::ConnectOptions::with_user_and_password(USER.to_owned(), PASSWORD.to_owned());
            match options.connect(self.url().split(',').collect::<Vec<_>>().as_slice()).await {
                Ok(client) => return jetstream::new(client),
                Err(error) => assert!(start.elapsed() < PATIENCE, "no node lets us in: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Which node leads a stream; `None` while none does.
    pub async fn leader(&self, context: &Context, stream: &str) -> Option<usize> {
        let info = tokio::time::timeout(Duration::from_secs(3), context.get_stream(stream)).await.ok()?.ok()?;
        let cluster = info.cached_info().cluster.clone()?;
        self.nodes.iter().position(|node| Some(&node.name) == cluster.leader.as_ref())
    }

    /// Makes a node lead a stream.
    ///
    /// # Panics
    /// When it does not come to that.
    pub async fn make_leader(&self, context: &Context, stream: &str, idx: usize) {
        let start = Instant::now();
        while self.leader(context, stream).await != Some(idx) {
            assert!(start.elapsed() < PATIENCE, "{} does not come to lead {stream}", self.nodes[idx].name);
            let wish = serde_json::json!({ "placement": { "preferred": self.nodes[idx].name } });
            let asked: Result<serde_json::Value, _> =
                context.request(format!("STREAM.LEADER.STEPDOWN.{stream}"), &wish).await;
            // Without a leader there is nobody to ask yet.
            drop(asked);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Node {
    /// Starts the node on what it kept.
    ///
    /// # Panics
    /// When the program cannot be run.
    pub fn start(&mut self) {
        let mut command = Command::new(binary());
        command.arg("-c").arg(&self.config).stdin(Stdio::null()).stdout(Stdio::null());
        let log = self.config.with_extension("log");
        let log = std::fs::File::options().create(true).append(true).open(log).expect("the folder can be written");
        self.child = Some(command.stderr(log).spawn().expect("nats-server can be run"));
    }

    /// Kills the node as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
