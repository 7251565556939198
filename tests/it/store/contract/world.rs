//! The stores that the contract runs against.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use parlor::{
    room::Limits,
    store::{
        memory::{self, Memory},
        redis::Redis,
    },
};

use crate::support::{
    Node, cluster::Cluster, node_id, ready, recorder, redis::Server, sentinel::Watched,
};

/// Where nodes of one store meet.
pub(super) trait World: Sized {
    async fn with(limits: Limits) -> Self;
    async fn node(&self) -> Node;
    /// Nothing of any room is left.
    fn is_empty(&self) -> bool;

    async fn new() -> Self {
        Self::with(Limits::default()).await
    }
}

pub(super) struct InMemory(Arc<memory::World>);

impl World for InMemory {
    async fn with(limits: Limits) -> Self {
        Self(memory::World::new(limits, memory::wall_clock))
    }

    async fn node(&self) -> Node {
        let (feed, heard) = recorder();
        Node { store: Memory::new(Arc::clone(&self.0), node_id(), feed), heard }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub(super) struct InRedis {
    server: Server,
    limits: Limits,
}

impl World for InRedis {
    async fn with(limits: Limits) -> Self {
        Self { server: Server::start(), limits }
    }

    async fn node(&self) -> Node {
        redis_node(&self.server.url(), self.limits).await
    }

    fn is_empty(&self) -> bool {
        self.server.keys().is_empty()
    }
}

async fn redis_node(url: &str, limits: Limits) -> Node {
    let (feed, heard) = recorder();
    let store =
        Redis::connect(url, node_id(), limits, Duration::from_millis(limits.lease * 8), feed)
            .unwrap();
    ready(&*store).await;
    Node { store, heard }
}

/// Six servers are too many to start for each test: they meet, one after the other, in what stands here.
pub(super) static CLUSTER: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

pub(super) static WATCHED: Mutex<Weak<Watched>> = Mutex::new(Weak::new());

pub(super) struct InCluster(Arc<Cluster>, Limits);

impl World for InCluster {
    async fn with(limits: Limits) -> Self {
        Self(CLUSTER.lock().upgrade().unwrap(), limits)
    }

    async fn node(&self) -> Node {
        redis_node(&self.0.url(), self.1).await
    }

    fn is_empty(&self) -> bool {
        self.0.keys().is_empty()
    }
}

impl Drop for InCluster {
    fn drop(&mut self) {
        for master in self.0.masters() {
            self.0.servers()[master].ask(&["FLUSHALL"]);
        }
    }
}

pub(super) struct UnderSentinels(Arc<Watched>, Limits);

impl World for UnderSentinels {
    async fn with(limits: Limits) -> Self {
        Self(WATCHED.lock().upgrade().unwrap(), limits)
    }

    async fn node(&self) -> Node {
        redis_node(&self.0.url(), self.1).await
    }

    fn is_empty(&self) -> bool {
        self.0.keys().is_empty()
    }
}

impl Drop for UnderSentinels {
    fn drop(&mut self) {
        self.0.servers()[self.0.master()].ask(&["FLUSHALL"]);
    }
}
