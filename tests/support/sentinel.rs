//! A Redis under Sentinels for one test: a master, two replicas, three sentinels.

use std::path::Path;

use super::{cluster::wait, redis::Server};

/// What the sentinels call the master.
pub const SERVICE: &str = "rooms";

/// Dropping it ends every server.
pub struct Watched {
    servers: Vec<Server>,
    sentinels: Vec<Server>,
}

impl Watched {
    /// Comes back when the sentinels know the replicas and each other.
    pub fn start() -> Self {
        let options = [
            "--save",
            "",
            "--appendonly",
            "no",
            "--repl-diskless-sync",
            "yes",
            "--repl-diskless-sync-delay",
            "0",
        ];
        let server = |_| Server::start_with(|_| options.map(str::to_owned).to_vec());
        let servers: Vec<Server> = (0..3).map(server).collect();
        let master = servers[0].port();
        for replica in &servers[1..] {
            assert_eq!(replica.ask(&["REPLICAOF", "127.0.0.1", &master.to_string()]), "OK");
        }
        wait("the replicas follow", || {
            servers[1..]
                .iter()
                .all(|replica| replica.ask(&["INFO", "replication"]).contains("link_status:up"))
        });
        let sentinel = |_| {
            Server::start_with(|dir: &Path| {
                let file = dir.join("sentinel.conf");
                let settings = format!(
                    "sentinel monitor {SERVICE} 127.0.0.1 {master} 2\n\
                    sentinel down-after-milliseconds {SERVICE} 60000\n\
                    sentinel failover-timeout {SERVICE} 4000\n\
                    sentinel parallel-syncs {SERVICE} 2\n"
                );
                std::fs::write(&file, settings).unwrap();
                vec![file.to_str().unwrap().to_owned(), "--sentinel".to_owned()]
            })
        };
        let sentinels: Vec<Server> = (0..3).map(sentinel).collect();
        let watched = Self { servers, sentinels };
        watched.settle();
        watched
    }

    /// Waits until all sentinels agree on the master, know two replicas and each other.
    pub fn settle(&self) {
        let ports: Vec<_> = self.servers.iter().map(Server::port).collect();
        wait("the sentinels agree", || {
            let views: Vec<_> = self.sentinels.iter().filter_map(master_port).collect();
            let knows = |sentinel: &Server| {
                let facts = facts(sentinel);
                let fact = |name: &str| {
                    facts.iter().position(|fact| fact == name).map(|at| facts[at + 1].clone())
                };
                fact("num-slaves").as_deref() == Some("2")
                    && fact("num-other-sentinels").as_deref() == Some("2")
                    && fact("flags").as_deref() == Some("master")
            };
            views.len() == self.sentinels.len()
                && views.iter().all(|port| *port == views[0] && ports.contains(port))
                && self.sentinels.iter().all(knows)
        });
    }

    /// The three sentinels as a node is given them.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self
            .sentinels
            .iter()
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port()))
            .collect();
        format!("redis-sentinel://{}/{SERVICE}", hosts.join(","))
    }

    /// Master and replicas.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    pub fn sentinels(&self) -> &[Server] {
        &self.sentinels
    }

    /// The index of the master, as the first sentinel that answers sees it.
    pub fn master(&self) -> usize {
        let port = self.sentinels.iter().find_map(master_port).expect("a sentinel that answers");
        self.servers.iter().position(|server| server.port() == port).expect("a server of ours")
    }

    /// From here on the sentinels replace a master that is silent. A busy machine has silenced none before.
    fn allow_failover(&self) {
        for sentinel in &self.sentinels {
            let _ =
                sentinel.try_ask(&["SENTINEL", "SET", SERVICE, "down-after-milliseconds", "2000"]);
        }
    }

    /// Ends a server as a crash would.
    pub fn kill(&self, index: usize) {
        self.allow_failover();
        self.servers[index].kill();
    }

    pub fn stop(&self, index: usize) {
        self.allow_failover();
        self.servers[index].signal("STOP");
    }

    pub fn cont(&self, index: usize) {
        self.servers[index].signal("CONT");
    }

    /// A planned failover; comes back when every sentinel names another master.
    pub fn failover(&self) {
        let master = self.master();
        wait("the failover is taken on", || {
            self.sentinels[0].ask(&["SENTINEL", "FAILOVER", SERVICE]) == "OK"
        });
        self.await_successor(master);
    }

    /// Waits until every sentinel names another master than this one.
    pub fn await_successor(&self, index: usize) {
        let old = self.servers[index].port();
        wait("another master", || {
            self.sentinels.iter().filter_map(master_port).all(|port| port != old)
        });
    }

    /// Every key of the master.
    pub fn keys(&self) -> Vec<String> {
        self.servers[self.master()].keys()
    }
}

fn facts(sentinel: &Server) -> Vec<String> {
    sentinel
        .try_ask(&["SENTINEL", "MASTER", SERVICE])
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn master_port(sentinel: &Server) -> Option<u16> {
    sentinel
        .try_ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE])?
        .lines()
        .nth(1)?
        .parse()
        .ok()
}
