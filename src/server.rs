//! The server as a value: builds its parts bottom up, accepts connections, and drains them at the end.

mod connection;
mod descriptors;
mod listener;
mod probation;

use std::{future::Future, io, net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch};
use tokio_util::task::TaskTracker;

pub use self::descriptors::raise as raise_descriptors;
use self::{
    connection::Serving,
    listener::{accept, listen},
};
use crate::{
    account::{Accounts, Cost, OpenError},
    budget::Budgets,
    config::{Config, ConfigError},
    http::{AppState, Gate, Layered, Origins, layered},
    hub::{Hub, HubConfig, RoomRegistry},
    receipt::{NoRandomness, ReceiptSigner},
    room::NodeId,
    store::{
        EventHandler, Store,
        memory::{Memory, World, wall_clock},
        redis::{Redis, RedisConfigError},
    },
    ticket::Signer,
    transport::{FramePacers, poll::Pollers},
    video::Video,
};

/// How long the shutdown of the hub may take: 25 s for members that still move to other nodes, the rest to free what is
/// left.
const GOODBYE: Duration = Duration::from_millis(31_500);

/// How long connections and requests may take to end after the shutdown. Both together take less than 35 s.
const DRAIN: Duration = Duration::from_secs(2);

/// How long the database may take to close.
const CLOSING: Duration = Duration::from_millis(300);

/// A room in Redis outlives the last message of all its nodes by this many leases, or by one less. Here for each
/// millisecond of lease.
const BACKSTOP: Duration = Duration::from_millis(8);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The settings contradict each other.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The Redis URL cannot be used.
    #[error("REDIS_URL: {0}")]
    Redis(#[from] RedisConfigError),
    /// The accounts cannot be opened.
    #[error("DATABASE_URL: {0}")]
    Accounts(#[from] OpenError),
    /// No key for receipts.
    #[error("PARLOR_RECEIPT_KEY is not set, and {0}")]
    Receipts(#[from] NoRandomness),
    /// The address is in use or not this machine's.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
}

/// A Parlor node, listening.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    hub: Arc<Hub>,
    accounts: Option<Arc<Accounts>>,
    budgets: Arc<Budgets>,
    gate: Arc<Gate>,
    service: Layered,
    links: TaskTracker,
}

impl Server {
    /// Builds the parts and binds the port. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// An error of the settings, or of the address.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        let config = config.check()?;
        let limits = config.limits();
        let accounts = match config.database() {
            Some(url) => Some(Arc::new(
                Accounts::open(url, config.secret.expose(), Cost::SERVED, wall_clock).await?,
            )),
            None => None,
        };
        let receipts = Arc::new(receipt_signer(&config)?);
        let budgets = Arc::new(Budgets::new(descriptors::bounded(config.budgets.limits())));
        let node = NodeId(fastrand::u64(..));
        let hub_config = HubConfig {
            signer: Signer::new(config.secret.expose()),
            limits,
            crowd: config.crowd as usize,
            grace: config.grace.0,
            reload_grace: config.reload_grace(),
            no_export: config.no_export.0,
            video: config.livekit()?.map(Video::new),
            receipts: Arc::clone(&receipts),
            node,
            accounts: accounts.clone(),
            budgets: Arc::clone(&budgets),
            clock: wall_clock,
        };
        let rooms = RoomRegistry::new(hub_config);
        let events: Arc<dyn EventHandler> = Arc::clone(&rooms) as _;
        let store: Arc<dyn Store> = match config.redis() {
            Some(url) => Redis::connect(
                url,
                node,
                limits,
                BACKSTOP * u32::try_from(limits.lease).unwrap_or(u32::MAX),
                events,
            )?,
            None => Memory::new(World::new(limits, wall_clock), node, events),
        };
        let hub = Hub::new(rooms, store);
        let links = TaskTracker::new();
        let rate = NonZeroU32::new(config.rate).unwrap_or(NonZeroU32::MIN);
        let app = AppState {
            hub: Arc::clone(&hub),
            origins: Origins {
                allowed: config.origins.0,
                hosts: config.allowed_hosts,
                proxies: config.proxies.into(),
            },
            accounts: accounts.clone(),
            require_login: config.require_login.0,
            proxies: config.proxies.into(),
            rate,
            budgets: Arc::clone(&budgets),
            receipts,
            pollers: Pollers::new(Arc::clone(&hub)),
            pacers: FramePacers::new(rate),
            anonymous_pacers: FramePacers::new(rate),
            links: links.clone(),
        };
        let gate = Arc::new(Gate::new(Arc::clone(&budgets), config.proxies.into()));
        let service = layered(Arc::new(app));
        let listener = listen(config.listen, config.backlog)
            .map_err(|error| ServerError::Listen(config.listen, error))?;
        let address =
            listener.local_addr().map_err(|error| ServerError::Listen(config.listen, error))?;
        Ok(Self { listener, address, hub, accounts, budgets, gate, service, links })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The hub of this node.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The budgets of this node.
    pub fn budgets(&self) -> &Arc<Budgets> {
        &self.budgets
    }

    /// The accounts, if they are enabled.
    pub fn accounts(&self) -> Option<&Arc<Accounts>> {
        self.accounts.as_ref()
    }

    /// Serves until `stop` resolves, then shuts down within 35 s, as a rule within ten, with a closing message to every member.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(());
        let connections = TaskTracker::new();
        let serving =
            Serving { service: self.service, gate: self.gate, links: self.links.clone(), stopped };
        let mut accepting = Box::pin(accept(self.listener, serving, connections.clone()));
        tokio::select! {
            () = &mut accepting => {}
            () = stop => tracing::info!("stopping: saying goodbye"),
        }
        // Requests that come meanwhile get the error that the node is stopping, instead of no response.
        let shutdown = tokio::time::timeout(GOODBYE, self.hub.shutdown());
        tokio::select! {
            () = &mut accepting => {}
            said = shutdown => if said.is_err() {
                tracing::warn!("the store did not hear the goodbye in time");
            },
        }
        drop(accepting);
        drop(stopping);
        connections.close();
        self.links.close();
        let drained = async {
            connections.wait().await;
            self.links.wait().await;
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!(links = self.links.len(), "some links did not end in time");
        }
        if let Some(accounts) = self.accounts {
            let _ = tokio::time::timeout(CLOSING, accounts.close()).await;
        }
    }
}

/// With the operator's key, or a random one.
fn receipt_signer(config: &Config) -> Result<ReceiptSigner, ServerError> {
    if let Some(seed) = config.receipt_key()? {
        return Ok(ReceiptSigner::from_seed(&seed));
    }
    let signer = ReceiptSigner::random()?;
    tracing::info!(
        key = signer.public_key().thumbprint(),
        "receipts are signed with a random key that ends with this process; PARLOR_RECEIPT_KEY would keep one, the same on all nodes"
    );
    Ok(signer)
}
