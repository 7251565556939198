//! The servers that keep rooms, and which of them has which room.
//!
//! The router has a map from slots to masters, and a [`RedisConnection`] to each master of the map.
//! - A single server has all slots for ever.
//! - With Sentinels one server has them all, until they name another.
//! - In a Cluster the node asks for the map again and again: by the clock, when a server is silent, and when it redirects.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use fred::types::config::Server;
use futures_util::future::join_all;
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    address::{Address, Deployment, RedisConfigError, Setup},
    client::{fetch_slot_map, master_of},
    connection::{ConnectionEvents, RedisConnection},
    pulse::LogOnce,
    repair_counts::{RepairCounts, count},
    sentinels::Sentinels,
    slot_map::{SLOTS, SlotMap},
};
use crate::store::StoreError;

/// How often the node asks for the map without a cause: rooms that moved are silent that long at worst.
const LOOK: Duration = Duration::from_millis(500);
/// The least time between two questions.
const REST: Duration = Duration::from_millis(100);
/// Servers of a Cluster that are asked for the map each time; the majority decides.
const VOTERS: usize = 5;
/// Connections to every server that keeps rooms.
pub(super) struct RedisRouter {
    address: Address,
    sentinels: Option<Sentinels>,
    counts: Arc<RepairCounts>,
    /// Notified when a call or a connection has cause to doubt the map.
    doubt: Arc<Notify>,
    topology: RwLock<Topology>,
    /// The master that the Sentinels name, and the one that took its place without them.
    left: Mutex<Option<(Server, Server)>>,
    connection_events: OnceLock<Weak<dyn ConnectionEvents>>,
    follower: OnceLock<AbortHandle>,
}

/// The map, and a connection to each server on it.
#[derive(Default)]
struct Topology {
    map: SlotMap,
    router: HashMap<Server, Arc<RedisConnection>>,
    stopped: bool,
}

impl RedisRouter {
    /// Begins to look for the servers of a URL. Must be called within a tokio runtime.
    pub(super) fn new(
        address: Address,
        counts: Arc<RepairCounts>,
    ) -> Result<Arc<Self>, RedisConfigError> {
        let sentinels = match &address.deployment {
            Deployment::Sentinels { service, config } => {
                Some(Sentinels::start(&address.hosts, service, config)?)
            }
            Deployment::Server | Deployment::Cluster => None,
        };
        Ok(Arc::new(Self {
            address,
            sentinels,
            counts,
            doubt: Arc::default(),
            topology: RwLock::default(),
            left: Mutex::default(),
            connection_events: OnceLock::new(),
            follower: OnceLock::new(),
        }))
    }

    /// Connects, and follows the rooms from server to server, until it is stopped.
    pub(super) fn start(
        self: &Arc<Self>,
        connection_events: Weak<dyn ConnectionEvents>,
    ) -> Result<(), RedisConfigError> {
        let _ = self.connection_events.set(connection_events);
        match (&self.address.deployment, self.address.hosts.first()) {
            (Deployment::Server, Some(server)) => self.adopt(SlotMap::all_at(server.clone()))?,
            _ => {
                let follower = tokio::spawn(follow(Arc::downgrade(self)));
                let _ = self.follower.set(follower.abort_handle());
            }
        }
        Ok(())
    }

    /// Closes all connections for good.
    pub(super) fn stop(&self) {
        if let Some(follower) = self.follower.get() {
            follower.abort();
        }
        let mut topology = self.topology.write();
        topology.stopped = true;
        for connection in topology.router.values() {
            connection.stop();
        }
        topology.router.clear();
    }

    /// The connection to the master of a slot.
    pub(super) fn route(&self, slot: u16) -> Option<Arc<RedisConnection>> {
        let topology = self.topology.read();
        topology.router.get(topology.map.server(slot)?).cloned()
    }

    /// Whether a slot belongs to this connection's server.
    pub(super) fn leads_to(&self, slot: u16, connection: &RedisConnection) -> bool {
        self.topology.read().map.server(slot).is_some_and(|server| server == connection.server())
    }

    /// Waits until all messages are passed on that the master of a slot has sent, or until it plainly does not answer.
    pub(super) async fn settle(&self, slot: u16) {
        if let Some(connection) = self.route(slot) {
            connection.settle().await;
        }
    }

    /// Whether rooms may be at several servers.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.address.deployment, Deployment::Cluster)
    }

    /// Whether no server has a slot, or the one that has it does not answer.
    pub(super) fn is_away(&self, slot: u16) -> bool {
        self.route(slot).is_none_or(|connection| connection.is_down())
    }

    /// Whether most slots are in reach. One shard that is away is no reason to send members elsewhere:
    /// the other nodes see the same.
    pub(super) fn are_up(&self) -> bool {
        let topology = self.topology.read();
        let is_up =
            |server| topology.router.get(server).is_some_and(|connection| connection.is_up());
        let reached: u32 = topology
            .map
            .servers()
            .filter(|(server, _)| is_up(server))
            .map(|(_, slots)| slots)
            .sum();
        reached > u32::from(SLOTS) / 2
    }

    /// What the operator should know about the servers.
    pub(super) fn warnings(&self) -> Vec<String> {
        let router: Vec<Arc<RedisConnection>> =
            self.topology.read().router.values().cloned().collect();
        let mut warnings: Vec<String> =
            router.iter().filter_map(|connection| connection.about().memory?.warning()).collect();
        warnings.sort_unstable();
        warnings.dedup();
        warnings
    }

    /// Bytes that all servers together may hold, if each says so and is bounded.
    pub(super) fn capacity(&self) -> Option<u64> {
        let router: Vec<Arc<RedisConnection>> =
            self.topology.read().router.values().cloned().collect();
        let most = |connection: &Arc<RedisConnection>| {
            connection.about().memory.map(|memory| memory.most).filter(|most| *most > 0)
        };
        let all: Option<Vec<u64>> = router.iter().map(most).collect();
        all.filter(|all| !all.is_empty()).map(|all| all.iter().sum())
    }

    /// Whether a join or a snapshot of a room would get its turn soon enough; [`StoreError::Busy`] if not.
    pub(super) fn admit(&self, slot: u16) -> Result<(), StoreError> {
        self.route(slot).map_or(Ok(()), |connection| connection.admit())
    }

    /// Whether the master of a slot answered the last ping.
    pub(super) fn answers(&self, slot: u16) -> bool {
        self.route(slot).is_some_and(|connection| connection.answers())
    }

    /// The connection to a server, if the map has it.
    pub(super) fn connection_to(&self, server: &Server) -> Option<Arc<RedisConnection>> {
        self.topology.read().router.get(server).cloned()
    }

    /// Has the map looked at again: a call has cause to doubt it.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// The same, for a call that a server has redirected.
    pub(super) fn doubt_moved(&self) {
        count(&self.counts.moved);
        self.doubt();
    }

    /// Adopts a new map: connects to servers that are new on it, and disconnects from those that are gone.
    fn adopt(&self, map: SlotMap) -> Result<(), RedisConfigError> {
        let Some(connection_events) = self.connection_events.get() else { return Ok(()) };
        let old = {
            let mut topology = self.topology.write();
            if topology.stopped || topology.map == map {
                return Ok(());
            }
            for (server, _) in map.servers() {
                if !topology.router.contains_key(server) {
                    let config = self.address.config(server);
                    let alone = matches!(self.address.deployment, Deployment::Server);
                    let setup = Setup {
                        alone,
                        clustered: self.is_cluster(),
                        database: self.address.database(),
                    };
                    let connection = RedisConnection::start(
                        server,
                        &config,
                        setup,
                        Arc::clone(&self.counts),
                        Arc::clone(&self.doubt),
                        connection_events,
                    )?;
                    topology.router.insert(server.clone(), connection);
                }
            }
            for (_, connection) in topology
                .router
                .extract_if(|server, _| map.servers().all(|(known, _)| known != server))
            {
                connection.stop();
            }
            std::mem::replace(&mut topology.map, map)
        };
        if !matches!(self.address.deployment, Deployment::Server) {
            count(&self.counts.remap);
        }
        if let Some(connection_events) = connection_events.upgrade() {
            connection_events
                .moved(&|slot| old.server(slot) != self.topology.read().map.server(slot));
        }
        Ok(())
    }

    /// Asks for the map. Where there is none, returns the reason.
    async fn snapshot(&self) -> Result<SlotMap, String> {
        if let Some(sentinels) = &self.sentinels {
            let named = sentinels.master().await?;
            return Ok(SlotMap::all_at(self.successor(named).await));
        }
        let (known, router) = {
            let topology = self.topology.read();
            let router: Vec<_> = topology
                .router
                .values()
                .filter(|connection| !connection.is_down())
                .take(VOTERS)
                .cloned()
                .collect();
            (topology.map.clone(), router)
        };
        let views: Vec<SlotMap> = join_all(router.iter().map(|connection| connection.map()))
            .await
            .into_iter()
            .flatten()
            .collect();
        if let Some(map) = known.agreed(&views) {
            return Ok(map);
        }
        let mut why = None;
        for server in &self.address.hosts {
            match fetch_slot_map(self.address.config(server), server).await {
                Ok(map) => return Ok(map),
                Err(reason) => _ = why.get_or_insert(reason),
            }
        }
        Err(why.unwrap_or_default())
    }

    /// The server that took over a master's rooms by a plain FAILOVER, which the Sentinels notice only after half a minute.
    /// It holds for as long as the master that they name says itself that it follows another one.
    async fn successor(&self, named: Server) -> Server {
        let (connection, other) = {
            let topology = self.topology.read();
            (
                topology.router.get(&named).cloned(),
                topology.map.server(0).filter(|server| **server != named).cloned(),
            )
        };
        match (connection, other) {
            (Some(connection), _) => {
                match connection.about().leader.filter(|_| connection.is_down()) {
                    Some(leader) => {
                        tracing::info!(server = %named, leader = %leader, "the rooms of this Redis are at another one now");
                        *self.left.lock() = Some((named, leader.clone()));
                        leader
                    }
                    None => named,
                }
            }
            // The named master was left for this one.
            (None, Some(other))
                if self.left.lock().as_ref() == Some(&(named.clone(), other.clone())) =>
            {
                master_of(self.address.config(&named), &named).await.unwrap_or(other)
            }
            (None, _) => named,
        }
    }
}

async fn follow(router: Weak<RedisRouter>) {
    let mut voice = LogOnce::default();
    loop {
        let Some(this) = router.upgrade() else { return };
        match this.snapshot().await {
            Ok(map) => {
                voice.settle();
                if let Err(error) = this.adopt(map) {
                    tracing::error!(%error, "cannot connect to Redis");
                }
            }
            Err(why) if voice.is_new(&why) => match this.sentinels {
                Some(_) => tracing::warn!(why, "no Sentinel says which Redis is the master"),
                None => {
                    tracing::warn!(why, "no server of the Redis Cluster says which has which rooms")
                }
            },
            Err(_) => {}
        }
        let doubt = Arc::clone(&this.doubt);
        drop(this);
        sleep(REST).await;
        let _ = timeout(LOOK - REST, doubt.notified()).await;
    }
}
