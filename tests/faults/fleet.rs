//! Real processes: three nodes of Parlor over one store, NGINX in front of them.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use super::support::{nginx::Nginx, redis::free_port};

pub const NODES: usize = 3;

/// The settings of a run: short ones for every day, the product's own for `make faults`.
#[derive(Clone, Copy)]
pub struct HubConfig {
    pub lease: Duration,
    pub grace: Duration,
    pub rooms: usize,
    /// In each room, talking.
    pub people: usize,
    /// Between two messages of one member.
    pub pace: Duration,
}

impl HubConfig {
    pub fn of_this_run() -> Self {
        if is_long() {
            let (lease, grace) = (Duration::from_secs(15), Duration::from_secs(15));
            Self { lease, grace, rooms: 8, people: 9, pace: Duration::from_millis(120) }
        } else {
            let (lease, grace) = (Duration::from_secs(3), Duration::from_secs(8));
            Self { lease, grace, rooms: 3, people: 6, pace: Duration::from_millis(150) }
        }
    }

    /// The product's own lease: who waits for none need not fear that a busy machine takes a node for dead.
    pub fn of_long_lease() -> Self {
        Self { lease: Duration::from_secs(15), ..Self::of_this_run() }
    }

    /// Between two renewals.
    pub fn period(&self) -> Duration {
        self.lease / 3
    }

    /// How long a room outlives the last word of its nodes.
    pub fn ttl(&self) -> Duration {
        self.lease * 8
    }
}

pub fn is_long() -> bool {
    std::env::var("PARLOR_FAULTS").is_ok_and(|how| how == "long")
}

/// A Parlor process. Dropping it kills it.
pub struct Node {
    pub address: SocketAddr,
    args: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Node {
    pub async fn start(redis: &str, config: HubConfig) -> Self {
        Self::start_with(redis, config, &[]).await
    }

    /// The same with further settings.
    pub async fn start_with(redis: &str, config: HubConfig, more: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let log =
            std::env::temp_dir().join(format!("parlor-node-{}-{number}.log", std::process::id()));
        let millis = |time: Duration| format!("{}ms", time.as_millis());
        for _ in 0..20 {
            let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
            let args = [
                ("--listen", address.to_string()),
                ("--redis-url", redis.to_owned()),
                ("--lease", millis(config.lease)),
                ("--grace", millis(config.grace)),
                // People here speak faster than people do, and a member that was away must find all of it.
                ("--history-len", "10000".to_owned()),
                ("--log-filter", "parlor=info".to_owned()),
                ("--proxies", "1".to_owned()),
            ];
            let args = args.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
            let args = args.chain(more.iter().map(|&word| word.to_owned())).collect();
            let mut node = Self { address, args, log: log.clone(), child: None };
            if node.launch().await {
                return node;
            }
        }
        panic!("parlor does not start; its log:\n{}", fs::read_to_string(&log).unwrap_or_default());
    }

    /// Starts the process at its address and waits until people can come in. False if it ends before.
    pub async fn launch(&mut self) -> bool {
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(&self.args)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
        super::until("a node is ready", || {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap().is_some();
            let url = format!("http://{}/readyz", self.address);
            async move {
                ended.then_some(false).or(crate::support::http::get(url)
                    .await
                    .is_ok_and(|answer| answer.status() == 200)
                    .then_some(true))
            }
        })
        .await
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Ends the process as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks the process to stop, and waits until it has, with success.
    pub async fn stop(&mut self) {
        self.signal("TERM");
        let mut child = self.child.take().unwrap();
        let status = super::until("a node stops", || {
            let status = child.try_wait().unwrap();
            async move { status }
        });
        assert!(status.await.success());
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_file(&self.log);
    }
}

/// Nodes and the proxy before them.
pub struct Fleet {
    pub nodes: Vec<Node>,
    pub nginx: Nginx,
}

impl Fleet {
    pub async fn start(urls: [String; NODES], config: HubConfig) -> Self {
        let mut nodes = Vec::new();
        for url in &urls {
            nodes.push(Node::start(url, config).await);
        }
        let nginx = Nginx::start(free_port(), nodes.iter().map(|node| node.address));
        let page = format!("http://{}/healthz", nginx.address);
        super::until("nginx answers", || {
            let asked = crate::support::http::get(page.clone());
            async move { asked.await.ok().filter(|answer| answer.status() == 200) }
        })
        .await;
        Self { nodes, nginx }
    }

    /// Which member has its session at which node.
    pub async fn seats(&self) -> Vec<u64> {
        let mut seats = Vec::new();
        for node in &self.nodes {
            let text = crate::support::http::get(format!("http://{}/metrics", node.address))
                .await
                .unwrap()
                .text()
                .await
                .unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix("parlor_sessions ")).unwrap();
            seats.push(line.trim().parse().unwrap());
        }
        seats
    }
}
