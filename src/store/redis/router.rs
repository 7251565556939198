//! The servers that keep rooms: which of them has which room, and what to do until it answers.
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

use fred::{bytes_utils::Str, error::Error, types::config::Server};
use futures_util::future::join_all;
use parking_lot::{Mutex, RwLock};
use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    address::{Address, Deployment, RedisConfigError},
    client::{fetch_slot_map, master_of},
    codec::Reply,
    connection::{ConnectionEvents, RedisConnection},
    error_action::{ErrorAction, classify, words},
    keys::Keys,
    probe::Setup,
    pulse::LogOnce,
    repair_counts::{RepairCounts, count},
    scripts::Script,
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
/// Waits between tries: from, to.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

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

    /// Runs a script, again and again until it has run or the deadline has passed.
    /// A call whose outcome is uncertain is sent again: every script is idempotent.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &Keys,
        args: Vec<Str>,
        deadline: Instant,
    ) -> Result<Reply, StoreError> {
        self.run_over(script, keys.slot(), keys.all().to_vec(), args, deadline).await
    }

    /// The same over several rooms, where one server has them all.
    pub(super) async fn run_over(
        &self,
        script: &Script,
        slot: u16,
        names: Vec<Str>,
        args: Vec<Str>,
        deadline: Instant,
    ) -> Result<Reply, StoreError> {
        let mut errand = RoutedRequest::new(self, slot, deadline);
        let (mut in_full, mut begun) = (false, false);
        loop {
            let connection = errand.link().await?;
            let tried = {
                let turn = connection.lanes.turn(script.lane, deadline).await;
                let _turn = turn.ok_or_else(|| connection.late(script.lane, begun))?;
                begun = true;
                timeout_at(deadline, connection.run(script, names.clone(), args.clone(), in_full))
                    .await
            };
            match tried {
                Err(_) => return Err(StoreError::Unavailable),
                Ok(Ok(answer)) => return words(answer),
                Ok(Err(error)) => in_full = errand.consider(&connection, &error, in_full).await?,
            }
        }
    }

    /// Subscribes to a room's channel where the room is. Returns the connection on which its messages come.
    pub(super) async fn subscribe(
        &self,
        keys: &Keys,
        deadline: Instant,
    ) -> Result<Arc<RedisConnection>, StoreError> {
        let mut errand = RoutedRequest::new(self, keys.slot(), deadline);
        loop {
            let connection = errand.link().await?;
            match timeout_at(deadline, connection.subscribe(keys.channel())).await {
                Err(_) => return Err(StoreError::Unavailable),
                Ok(Ok(())) => return Ok(connection),
                Ok(Err(error)) => {
                    errand.consider(&connection, &error, true).await?;
                }
            }
        }
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

/// One call on its way to the server that has the room.
struct RoutedRequest<'a> {
    router: &'a RedisRouter,
    slot: u16,
    /// Where the last server has redirected the call.
    hint: Option<Server>,
    hops: u32,
    deadline: Instant,
    pause: Duration,
}

impl<'a> RoutedRequest<'a> {
    fn new(router: &'a RedisRouter, slot: u16, deadline: Instant) -> Self {
        Self { router, slot, hint: None, hops: 0, deadline, pause: PAUSE.0 }
    }

    async fn link(&mut self) -> Result<Arc<RedisConnection>, StoreError> {
        loop {
            let hinted = self
                .hint
                .take()
                .and_then(|server| self.router.topology.read().router.get(&server).cloned());
            match hinted.or_else(|| self.router.route(self.slot)) {
                // A server that cannot keep rooms must not keep some of them.
                Some(connection) if !connection.is_down() => return Ok(connection),
                _ => self.wait().await?,
            }
        }
    }

    /// Waits for the next try, or gives up. Returns whether the script must be sent in full.
    async fn consider(
        &mut self,
        connection: &RedisConnection,
        error: &Error,
        in_full: bool,
    ) -> Result<bool, StoreError> {
        match classify(error) {
            ErrorAction::Full => return Err(StoreError::Full),
            ErrorAction::Broken(text) if connection.is_up() => {
                connection.suspect();
                return Err(StoreError::Broken(text));
            }
            ErrorAction::Broken(_) => {}
            ErrorAction::Unknown if !in_full => return Ok(true),
            ErrorAction::Moved(server) if self.router.is_cluster() => {
                count(&self.router.counts.moved);
                self.router.doubt.notify_one();
                let host = if server.host.is_empty() {
                    connection.server().host.clone()
                } else {
                    server.host
                };
                self.hint = Some(Server::new(host, server.port));
                self.hops += 1;
                if self.hops == 1 {
                    return Ok(false);
                }
            }
            // The next probe tells whether the room or the server is to blame.
            ErrorAction::Unfit | ErrorAction::Moved(_) => connection.suspect(),
            ErrorAction::Unknown | ErrorAction::Again => {}
        }
        self.wait().await.map(|()| false)
    }

    async fn wait(&mut self) -> Result<(), StoreError> {
        self.router.doubt.notify_one();
        if Instant::now() + self.pause >= self.deadline {
            return Err(StoreError::Unavailable);
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE.1);
        Ok(())
    }
}
