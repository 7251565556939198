//! The program as a value: builds the parts from the ground up, accepts, drains.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    num::NonZeroU32,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::{
    account::{Accounts, Cost, OpenError},
    budget::Budgets,
    config::{Config, ConfigError},
    http::{Edge, Flowing, Layered, Origins, Peer, layered},
    hub::{Hub, Rooms, Terms},
    room::NodeId,
    store::{
        Feed, Store,
        memory::{Memory, World, wall_clock},
        redis::{Redis, RedisConfigError},
    },
    ticket::Signer,
    transport::{
        Paces,
        loan::{self, Lender, Loan, Parting},
        poll::Pollers,
    },
    video::Video,
};

/// How long a client may take for the head of a request, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a peer may leave what was sent to it unconfirmed.
const SILENCE: Duration = Duration::from_secs(60);

/// How long saying goodbye may take, people's moving to other nodes included.
const GOODBYE: Duration = Duration::from_millis(7500);

/// How long links and requests may take to end once everybody has been told. With the goodbye less than ten seconds.
const DRAIN: Duration = Duration::from_secs(2);

/// How long the database may take to close.
const CLOSING: Duration = Duration::from_millis(300);

/// A room in Redis outlives the last word of all its nodes by this many leases, or by one less (here: of a millisecond
/// of lease).
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
    /// The address is taken or not ours.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
}

/// A Parlor node, listening.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    hub: Arc<Hub>,
    accounts: Option<Arc<Accounts>>,
    service: Layered,
    links: TaskTracker,
}

impl Server {
    /// Builds the parts and takes the port. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// What is wrong with the settings, or with the address.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        let config = config.check()?;
        let limits = config.limits();
        let accounts = match config.database() {
            Some(url) => Some(Arc::new(Accounts::open(url, config.secret.expose(), Cost::SERVED, wall_clock).await?)),
            None => None,
        };
        let budgets = Arc::new(Budgets::new(config.budgets.limits()));
        let terms = Terms {
            signer: Signer::new(config.secret.expose()),
            limits,
            crowd: config.crowd as usize,
            grace: config.grace.0,
            video: config.livekit()?.map(Video::new),
            accounts: accounts.clone(),
            budgets: Arc::clone(&budgets),
            clock: wall_clock,
        };
        let rooms = Rooms::new(terms);
        let node = NodeId(fastrand::u64(..));
        let feed: Arc<dyn Feed> = Arc::clone(&rooms) as _;
        let store: Arc<dyn Store> = match config.redis() {
            Some(url) => Redis::connect(url, node, limits, BACKSTOP * u32::try_from(limits.lease).unwrap_or(u32::MAX), feed)?,
            None => Memory::new(World::new(limits, wall_clock), node, feed),
        };
        let hub = Hub::new(rooms, store);
        let links = TaskTracker::new();
        let rate = NonZeroU32::new(config.rate).unwrap_or(NonZeroU32::MIN);
        let edge = Edge {
            hub: Arc::clone(&hub),
            origins: Origins { allowed: config.origins.0, hosts: config.allowed_hosts, proxies: config.proxies.into() },
            accounts: accounts.clone(),
            require_login: config.require_login.0,
            proxies: config.proxies.into(),
            rate,
            budgets,
            pollers: Pollers::new(Arc::clone(&hub)),
            paces: Paces::new(rate),
            strangers: Paces::new(rate),
            links: links.clone(),
        };
        let service = layered(Arc::new(edge));
        let listener = listen(config.listen).await.map_err(|error| ServerError::Listen(config.listen, error))?;
        let address = listener.local_addr().map_err(|error| ServerError::Listen(config.listen, error))?;
        Ok(Self { listener, address, hub, accounts, service, links })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// This node.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Who is known by name, if there are accounts.
    pub fn accounts(&self) -> Option<&Arc<Accounts>> {
        self.accounts.as_ref()
    }

    /// Serves until `stop` resolves, then says goodbye to everybody: done within ten seconds.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(());
        let connections = TaskTracker::new();
        let mut accepting = Box::pin(accept(self.listener, self.service, connections.clone(), self.links.clone(), stopped));
        tokio::select! {
            () = &mut accepting => {}
            () = stop => tracing::info!("stopping: saying goodbye"),
        }
        // Who asks meanwhile is told that the node is stopping, rather than nothing.
        let goodbye = tokio::time::timeout(GOODBYE, self.hub.goodbye());
        tokio::select! {
            () = &mut accepting => {}
            said = goodbye => if said.is_err() {
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

/// Listens. What is set here holds for every connection, which takes it over from the listener.
///
/// A peer that vanishes without a word, as a phone does in a tunnel, would else hold its stream or its poll for a
/// quarter of an hour. A socket has its pings; here the kernel asks.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    let socket = SockRef::from(&listener);
    let keepalive = TcpKeepalive::new().with_time(SILENCE / 2).with_interval(SILENCE / 6).with_retries(3);
    let _ = socket.set_nodelay(true);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(SILENCE));
    Ok(listener)
}

/// Takes in connections for as long as it is polled.
async fn accept(
    listener: TcpListener,
    service: Layered,
    connections: TaskTracker,
    links: TaskTracker,
    stopped: watch::Receiver<()>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                connections.spawn(serve(stream, Peer(peer.ip()), service.clone(), links.clone(), stopped.clone()));
            }
            Err(error) => {
                // Out of files, mostly: what is open goes on, and a moment later there may be room again.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// One connection, until it ends or becomes a WebSocket or a stream.
async fn serve(stream: TcpStream, peer: Peer, service: Layered, links: TaskTracker, mut stopped: watch::Receiver<()>) {
    let loan = Loan::new(stream);
    let lender = loan.lender();
    let wanted = lender.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(lender.clone());
        let (answering, lender) = (service.clone().oneshot(request), lender.clone());
        async move {
            let mut answer = answering.await?;
            match Flowing::of(&mut answer) {
                Some(parting) => {
                    lender.part(parting);
                    // hyper is not to write anything of it.
                    std::future::pending().await
                }
                None => Ok::<_, Infallible>(answer),
            }
        }
    });
    let parted = {
        let mut connection = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                // Who has said all they had to say may close their side: what they asked for is done, and they hear of it.
                .half_close(true)
                .serve_connection(TokioIo::new(loan), service)
                .with_upgrades()
        );
        let outcome = tokio::select! {
            outcome = until_parted(connection.as_mut(), &wanted) => Some(outcome),
            _ = stopped.changed() => None,
        };
        match outcome {
            Some(outcome) => outcome,
            None => {
                connection.as_mut().graceful_shutdown();
                until_parted(connection, &wanted).await
            }
        }
    };
    match parted {
        Ok(Some((loan, parting))) => {
            if let Some(socket) = loan.give_back() {
                // A task of its own: this one is as large as a connection at hyper.
                links.spawn(loan::flow(socket, parting));
            }
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "connection ended"),
    }
}

/// Serves until the connection ends, or until its socket is wanted back.
async fn until_parted(
    mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
    lender: &Lender,
) -> hyper::Result<Option<(Loan, Parting)>> {
    poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Pending => lender.parting().map_or(Poll::Pending, |parting| Poll::Ready(Ok(Some(parting)))),
        ended => ended.map_ok(|()| None),
    })
    .await
}
