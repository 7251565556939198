//! A Redis Cluster for one test: three masters, a replica of each.
//!
//! Who is master changes with time, so servers are named by their index, and
//! what is asked about the whole is asked of those that answer.

use std::time::{Duration, Instant};

use super::redis::{Server, free_port};

const SLOTS: u16 = 16384;
const MASTERS: usize = 3;

/// Dropping it ends every server.
pub struct Cluster {
    servers: Vec<Server>,
}

/// Some slots, and the ports of those that serve them: the master first.
type Range = (u16, u16, Vec<u16>);

impl Cluster {
    /// Comes back when all six agree, and every replica follows its master.
    pub fn start() -> Self {
        let options = "--save '' --appendonly no --cluster-enabled yes --cluster-node-timeout 2000 \
            --cluster-require-full-coverage no --cluster-replica-validity-factor 0 --cluster-allow-replica-migration no \
            --cluster-replica-no-failover yes \
            --repl-diskless-sync yes --repl-diskless-sync-delay 0 --enable-debug-command yes";
        let server = |_| {
            Server::start_with(|_| {
                let mut args: Vec<_> = options
                    .split_whitespace()
                    .map(|word| word.trim_matches('\'').to_owned())
                    .collect();
                args.extend(["--cluster-port".to_owned(), free_port().to_string()]);
                args
            })
        };
        let cluster = Self { servers: (0..2 * MASTERS).map(server).collect() };
        cluster.form();
        cluster
    }

    fn form(&self) {
        for (index, server) in self.servers.iter().enumerate() {
            server.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
            if index < MASTERS {
                let bound = |index: usize| index * usize::from(SLOTS) / MASTERS;
                let (first, last) = (bound(index), bound(index + 1) - 1);
                server.ask(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            }
        }
        self.meet();
        let mut asked = Instant::now();
        wait("all six know each other", || {
            // Who was busy when they met is forgotten again.
            if asked.elapsed() > Duration::from_secs(5) {
                self.meet();
                asked = Instant::now();
            }
            self.servers.iter().all(|server| {
                let nodes = server.ask(&["CLUSTER", "NODES"]);
                nodes.lines().count() == self.servers.len() && !nodes.contains("handshake")
            })
        });
        for index in 0..MASTERS {
            let master = self.id(index);
            let follow = ["CLUSTER", "REPLICATE", &master];
            wait("a replica knows its master", || {
                self.servers[index + MASTERS].ask(&follow) == "OK"
            });
        }
        self.settle();
    }

    fn meet(&self) {
        for (index, server) in self.servers.iter().enumerate() {
            let bus = self.bus_port(index);
            for other in &self.servers[..index] {
                other.ask(&["CLUSTER", "MEET", "127.0.0.1", &server.port().to_string(), &bus]);
            }
        }
    }

    /// From here on replicas take over from a master that is silent. A busy machine has silenced none before.
    fn allow_failover(&self) {
        for server in &self.servers {
            let _ = server.try_ask(&["CONFIG", "SET", "cluster-replica-no-failover", "no"]);
        }
    }

    /// The port at which it speaks with the others.
    fn bus_port(&self, index: usize) -> String {
        let nodes = self.servers[index].ask(&["CLUSTER", "NODES"]);
        let myself = nodes.lines().find(|line| line.contains("myself")).unwrap();
        myself.split_whitespace().nth(1).unwrap().split(['@', ',']).nth(1).unwrap().to_owned()
    }

    fn id(&self, index: usize) -> String {
        self.servers[index].ask(&["CLUSTER", "MYID"])
    }

    /// Waits until all that answer agree that every slot is served, and every replica among them follows its master.
    pub fn settle(&self) {
        wait("the Cluster agrees", || {
            let views: Vec<_> = self.servers.iter().filter_map(view).collect();
            let covered: u32 = views
                .first()
                .map_or(0, |view| view.iter().map(|(from, to, _)| u32::from(to - from) + 1).sum());
            let following = |server: &Server| {
                let Some(info) = server.try_ask(&["INFO", "replication"]) else { return true };
                info.contains("role:master") || info.contains("master_link_status:up")
            };
            let healthy = |server: &Server| {
                server
                    .try_ask(&["CLUSTER", "INFO"])
                    .is_none_or(|info| info.contains("cluster_state:ok"))
            };
            covered == u32::from(SLOTS)
                && views.iter().all(|view| *view == views[0])
                && self.servers.iter().all(|server| following(server) && healthy(server))
        });
    }

    /// All six, by their index.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// What a node is given: three of the six.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.servers[..MASTERS]
            .iter()
            .map(|server| format!("127.0.0.1:{}", server.port()))
            .collect();
        format!("redis-cluster://{}", hosts.join(","))
    }

    /// The slot of a room, as Redis computes it.
    pub fn slot_of(&self, room: &str) -> u16 {
        let key = format!("{{{room}}}");
        let slot =
            self.servers.iter().find_map(|server| server.try_ask(&["CLUSTER", "KEYSLOT", &key]));
        slot.expect("somebody who answers").parse().unwrap()
    }

    /// Who serves a slot now: the index of its master, as most of those that answer see it.
    pub fn master_of(&self, slot: u16) -> usize {
        self.serving(slot)[0]
    }

    /// A replica of a slot's master.
    pub fn replica_of(&self, slot: u16) -> usize {
        self.serving(slot)[1]
    }

    fn serving(&self, slot: u16) -> Vec<usize> {
        let seen = self.servers.iter().filter_map(view).filter_map(|view| {
            view.into_iter()
                .find(|(from, to, _)| (*from..=*to).contains(&slot))
                .map(|(.., ports)| ports)
        });
        let seen: Vec<_> = seen.collect();
        let most = seen
            .iter()
            .max_by_key(|ports| seen.iter().filter(|other| other[0] == ports[0]).count());
        let ports = most.expect("a slot that somebody serves");
        ports
            .iter()
            .map(|port| self.servers.iter().position(|server| server.port() == *port).unwrap())
            .collect()
    }

    /// The indices of the masters that serve slots.
    pub fn masters(&self) -> Vec<usize> {
        let view = self.servers.iter().find_map(view).expect("somebody who answers");
        let serves = |server: &Server| view.iter().any(|(.., ports)| ports[0] == server.port());
        (0..self.servers.len()).filter(|index| serves(&self.servers[*index])).collect()
    }

    /// Ends a server as a crash would.
    pub fn kill(&self, index: usize) {
        self.allow_failover();
        self.servers[index].kill();
    }

    /// Brings a killed server back, empty; it remembers who it was.
    pub fn launch(&self, index: usize) {
        assert!(self.servers[index].launch(), "a server of the Cluster does not come back");
    }

    pub fn stop(&self, index: usize) {
        self.allow_failover();
        self.servers[index].signal("STOP");
    }

    pub fn cont(&self, index: usize) {
        self.servers[index].signal("CONT");
    }

    /// A planned failover: the replica takes over from the slot's master, and all have heard of it.
    pub fn failover(&self, slot: u16) {
        let (master, replica) = (self.master_of(slot), self.replica_of(slot));
        let mut asked: Option<Instant> = None;
        wait("the replica takes over", || {
            // It gives up after 5 s, and refuses while it thinks its master away.
            if asked.is_none_or(|at| at.elapsed() > Duration::from_secs(6)) {
                let taken_on = self.servers[replica].ask(&["CLUSTER", "FAILOVER"]) == "OK";
                asked = taken_on.then(Instant::now);
            }
            self.master_of(slot) != master
        });
        self.settle();
    }

    /// Waits until a slot is served by another than this one.
    pub fn await_successor(&self, slot: u16, index: usize) {
        wait("another one takes over", || self.master_of(slot) != index);
    }

    /// Opens a slot for its way to another master: keys may be moved now, one by one.
    pub fn begin_move(&self, slot: u16, to: usize) {
        let from = self.master_of(slot);
        let word = slot.to_string();
        assert_eq!(
            self.servers[to].ask(&["CLUSTER", "SETSLOT", &word, "IMPORTING", &self.id(from)]),
            "OK"
        );
        assert_eq!(
            self.servers[from].ask(&["CLUSTER", "SETSLOT", &word, "MIGRATING", &self.id(to)]),
            "OK"
        );
    }

    /// Moves up to `count` keys of a slot that is on its way; how many it moved.
    pub fn move_keys(&self, slot: u16, to: usize, count: usize) -> usize {
        let from = &self.servers[self.master_of(slot)];
        let keys = from.ask(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), &count.to_string()]);
        let keys: Vec<_> = keys.lines().filter(|key| !key.is_empty()).collect();
        let port = self.servers[to].port().to_string();
        for key in &keys {
            // NOKEY when it has expired or was deleted meanwhile.
            let moved = from.ask(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
            assert!(["OK", "NOKEY"].contains(&&*moved), "{moved}");
        }
        keys.len()
    }

    /// Ends the way of a slot whose keys have all been moved.
    pub fn end_move(&self, slot: u16, to: usize) {
        let (from, owner, slot) = (self.master_of(slot), self.id(to), slot.to_string());
        for index in [to, from].into_iter().chain(self.masters()) {
            assert_eq!(
                self.servers[index].ask(&["CLUSTER", "SETSLOT", &slot, "NODE", &owner]),
                "OK"
            );
        }
    }

    /// Moves a slot with all its keys, as resharding does.
    pub fn move_slot(&self, slot: u16, to: usize) {
        self.begin_move(slot, to);
        while self.move_keys(slot, to, 10) > 0 {}
        self.end_move(slot, to);
    }

    /// Every key of every master that answers.
    pub fn keys(&self) -> Vec<String> {
        self.masters()
            .into_iter()
            .filter(|index| self.servers[*index].try_ask(&["PING"]).is_some())
            .flat_map(|index| self.servers[index].keys())
            .collect()
    }

    /// How often commands were called, on each server.
    pub fn calls_of<const N: usize>(&self, commands: [&str; N]) -> Vec<[u64; N]> {
        self.servers.iter().map(|server| server.calls_of(commands)).collect()
    }
}

/// Who serves what, as one server sees it; in order. Nothing if it does not answer.
fn view(server: &Server) -> Option<Vec<Range>> {
    let nodes = server.try_ask(&["CLUSTER", "NODES"])?;
    let nodes: Vec<Vec<&str>> =
        nodes.lines().map(|line| line.split_whitespace().collect()).collect();
    let port = |node: &[&str]| node[1].split('@').next()?.rsplit(':').next()?.parse::<u16>().ok();
    let mut ranges = Vec::new();
    for node in nodes.iter().filter(|node| node[2].contains("master")) {
        let replicas = nodes.iter().filter(|other| {
            other[3] == node[0] && !other[2].split(',').any(|flag| flag.starts_with("fail"))
        });
        let ports: Vec<_> =
            [port(node)?].into_iter().chain(replicas.filter_map(|replica| port(replica))).collect();
        for slots in node[8..].iter().filter(|slots| !slots.starts_with('[')) {
            let (from, to) = slots.split_once('-').unwrap_or((slots, slots));
            ranges.push((from.parse().ok()?, to.parse().ok()?, ports.clone()));
        }
    }
    ranges.sort_unstable();
    Some(ranges)
}

/// Asks again and again until the answer is yes; much longer than it should take.
pub(super) fn wait(what: &str, mut ask: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ask() {
        assert!(begun.elapsed() < Duration::from_secs(60), "in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
