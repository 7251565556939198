//! What a server says about itself in INFO.

use fred::types::config::Server;

/// The master of a replica.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Leader {
    pub(super) server: Server,
    /// Whether the replica is connected to its master.
    pub(super) hears: bool,
}

/// How much a server may hold, and what it does when that is full.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Memory {
    /// In bytes; 0 for no bound.
    pub(super) most: u64,
    policy: String,
}

/// What else a server said about itself.
#[derive(Clone, Default, Debug)]
pub(super) struct About {
    /// The master that it follows, if it is connected to it.
    pub(super) leader: Option<Server>,
    pub(super) memory: Option<Memory>,
}

impl Memory {
    /// Reads the section `memory`.
    pub(super) fn read(info: &str) -> Option<Self> {
        Some(Self {
            most: field(info, "maxmemory")?.parse().ok()?,
            policy: field(info, "maxmemory_policy")?.to_owned(),
        })
    }

    /// What the operator should know about it.
    pub(super) fn warning(&self) -> Option<String> {
        (self.most > 0 && self.policy != "noeviction").then(|| {
            format!(
                "Redis drops parts of rooms when it is full: its maxmemory-policy is {}, and should be noeviction",
                self.policy
            )
        })
    }
}

/// The master of a server, by the section `replication`; none if it is a master itself.
pub(super) fn leader(info: &str) -> Option<Leader> {
    if field(info, "role")? == "master" {
        return None;
    }
    let server =
        Server::new(field(info, "master_host")?, field(info, "master_port")?.parse().ok()?);
    Some(Leader { server, hears: field(info, "master_link_status") == Some("up") })
}

/// Whether a server is part of a Cluster, by the section `cluster`.
pub(super) fn is_in_cluster(info: &str) -> bool {
    field(info, "cluster_enabled") == Some("1")
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_forgets_when_it_is_full_is_warned_of() {
        let memory = |most: u64, policy: &str| {
            Memory::read(&format!(
                "# Memory\r\nused_memory:1\r\nmaxmemory:{most}\r\nmaxmemory_human:1M\r\nmaxmemory_policy:{policy}\r\n"
            ))
            .unwrap()
        };
        assert_eq!(
            (memory(64, "noeviction").warning(), memory(0, "allkeys-lru").warning()),
            (None, None)
        );
        for policy in ["allkeys-lru", "volatile-ttl"] {
            assert!(memory(64, policy).warning().unwrap().contains(policy));
        }
        assert_eq!(memory(64, "noeviction").most, 64);
        assert_eq!(Memory::read("# Memory\r\n"), None);
    }

    #[test]
    fn a_replica_names_its_master_and_a_master_nobody() {
        assert_eq!(leader("# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"), None);
        let said =
            "role:slave\r\nmaster_host:::1\r\nmaster_port:7000\r\nmaster_link_status:down\r\n";
        assert_eq!(leader(said), Some(Leader { server: Server::new("::1", 7000), hears: false }));
        assert_eq!(leader(&said.replace("down", "up")).map(|leader| leader.hears), Some(true));
        assert!(
            is_in_cluster("# Cluster\r\ncluster_enabled:1\r\n")
                && !is_in_cluster("cluster_enabled:0\r\n")
        );
    }
}
