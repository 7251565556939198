//! The connection to one Redis server.
//!
//! One connection carries commands and subscriptions. So Redis answers a call and publishes its message
//! in one write, and the node gets both in one read. In a Cluster there are two: a server may redirect
//! SUNSUBSCRIBE there, and fred would take that for the answer to another command. One more tells whether the server
//! lives. It carries nothing else, so that a queue of ours is not taken for silence.
//!
//! fred is asked for little: each command is written at most once and fails fast, and only our own [`super::pulse`]
//! says whether a connection lives. Retries, routing and resubscription are ours, too: see [`super::router`].
//! (fred's cluster client, subscriber client and detection of dead connections do not survive the tests.)

use std::sync::{
    Arc, OnceLock, Weak,
    atomic::{AtomicBool, Ordering},
};

use fred::bytes_utils::Str;
use fred::{
    clients::WithOptions,
    error::Error,
    interfaces::{ClientLike, EventInterface, LuaInterface, PubsubInterface},
    prelude::Client,
    types::{
        Message, Value,
        config::{Config, Server},
    },
};
use parking_lot::Mutex;
use tokio::{
    sync::{
        Notify,
        broadcast::{Receiver, error::RecvError},
        mpsc, oneshot,
    },
    task::{AbortHandle, JoinHandle},
    time::{Instant, sleep, timeout},
};

use super::{
    address::{RedisConfigError, Setup},
    client::{ASK, ConnectError, SEARCH, TRY, client, listen, slots, stay_connected},
    clock::Clock,
    lanes::{Lane, Lanes},
    repair_counts::{RepairCounts, count},
    role::About,
    scripts::Script,
    slot_map::SlotMap,
};
use crate::{room::Moment, store::StoreError};

/// Handles the events of a connection.
pub(super) trait ConnectionEvents: Send + Sync + 'static {
    /// A message on a channel.
    fn message(&self, channel: &str, line: &str);
    /// Messages were lost: compare every room of this server.
    fn missed(&self, connection: &RedisConnection);
    /// The connection is new: no channel is subscribed on it any more.
    fn reconnected(&self, connection: &RedisConnection);
    /// The server went out of reach or came back.
    fn link(&self, connection: &RedisConnection);
    /// Whether a slot belongs to this connection's server.
    fn leads_to(&self, slot: u16, connection: &RedisConnection) -> bool;
    /// Some slots have another server now.
    fn moved(&self, has_moved: &dyn Fn(u16) -> bool);
}

/// The connection to one server.
pub(super) struct RedisConnection {
    server: Server,
    pub(super) setup: Setup,
    /// The connection for commands, where it is a separate one.
    commands: Option<WithOptions<Client>>,
    news: WithOptions<Client>,
    /// The connection that tells whether the server lives.
    pulse: WithOptions<Client>,
    /// Marks among the messages: each is answered when all messages before it have been passed on.
    marks: mpsc::UnboundedSender<oneshot::Sender<()>>,
    pub(super) lanes: Lanes,
    pub(super) up: AtomicBool,
    pub(super) down: AtomicBool,
    pub(super) answers: AtomicBool,
    pub(super) clock: Clock,
    counts: Arc<RepairCounts>,
    /// Notified when the server is silent: another one may have its slots now.
    pub(super) doubt: Arc<Notify>,
    /// Notified when a call gives cause to ask whether the server can keep rooms.
    pub(super) suspected: Notify,
    /// Why the connection cannot be made.
    pub(super) refusal: Arc<ConnectError>,
    about: Mutex<About>,
    tasks: OnceLock<Vec<AbortHandle>>,
}

impl RedisConnection {
    /// Connects, and stays connected until it is stopped.
    pub(super) fn start(
        server: &Server,
        config: &Config,
        setup: Setup,
        counts: Arc<RepairCounts>,
        doubt: Arc<Notify>,
        connection_events: &Weak<dyn ConnectionEvents>,
    ) -> Result<Arc<Self>, RedisConfigError> {
        let news = client(config.clone(), 4096)?;
        let commands = if setup.clustered { Some(client(config.clone(), 64)?) } else { None };
        let pulse = client(config.clone(), 64)?;
        let (marks, marked) = mpsc::unbounded_channel();
        let connection = Arc::new(Self {
            server: server.clone(),
            setup,
            commands,
            news,
            pulse,
            marks,
            lanes: Lanes::new(),
            up: AtomicBool::new(false),
            down: AtomicBool::new(false),
            answers: AtomicBool::new(false),
            clock: Clock::new(),
            counts,
            doubt,
            suspected: Notify::new(),
            refusal: Arc::default(),
            about: Mutex::default(),
            tasks: OnceLock::new(),
        });
        // Created before anything connects, so that the first connection reported is the first there is.
        let (messages, connections) =
            (connection.news.message_rx(), connection.news.reconnect_rx());
        let mut tasks = vec![
            tokio::spawn(Arc::clone(&connection).listen(
                messages,
                connections,
                marked,
                connection_events.clone(),
            )),
            tokio::spawn(Arc::clone(&connection).check_pulse(connection_events.clone())),
        ];
        for client in connection.clients() {
            tasks.push(tokio::spawn(stay_connected((**client).clone())));
            tasks.push(tokio::spawn(listen((**client).clone(), Arc::clone(&connection.refusal))));
        }
        let _ = connection.tasks.set(tasks.iter().map(JoinHandle::abort_handle).collect());
        Ok(connection)
    }

    pub(super) fn commands(&self) -> &WithOptions<Client> {
        self.commands.as_ref().unwrap_or(&self.news)
    }

    /// The connection that tells whether the server lives.
    pub(super) fn pulse(&self) -> &WithOptions<Client> {
        &self.pulse
    }

    /// Each connection that carries commands or messages.
    pub(super) fn carriers(&self) -> impl Iterator<Item = &WithOptions<Client>> {
        self.commands.iter().chain([&self.news])
    }

    /// Each connection once.
    pub(super) fn clients(&self) -> impl Iterator<Item = &WithOptions<Client>> {
        self.carriers().chain([&self.pulse])
    }

    /// Closes the connection for good.
    pub(super) fn stop(&self) {
        for task in self.tasks.get().into_iter().flatten() {
            task.abort();
        }
    }

    /// Whether the server answers.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Whether the server does not answer, although it has had the time to. A new one is neither up nor down.
    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Whether the server answered the last ping.
    pub(super) fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    /// Whether a join would get its turn soon enough, if the server answers.
    pub(super) fn admit(&self) -> Result<(), StoreError> {
        if self.answers() { self.lanes.queue.admit().map_err(StoreError::Busy) } else { Ok(()) }
    }

    /// The error for a call that had no turn in time. It says when to come back, where the call has not
    /// begun and the server answers.
    pub(super) fn late(&self, lane: Lane, begun: bool) -> StoreError {
        let comes_back = lane == Lane::Rooms && self.answers() && !begun;
        if comes_back { StoreError::Busy(self.lanes.queue.book()) } else { StoreError::Unavailable }
    }

    /// What the server said about itself when it was last asked.
    pub(super) fn about(&self) -> About {
        self.about.lock().clone()
    }

    pub(super) fn know(&self, about: About) {
        *self.about.lock() = about;
    }

    /// Gives cause to ask whether the server can keep rooms.
    pub(super) fn suspect(&self) {
        self.suspected.notify_one();
    }

    /// The server at the other end.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// What the server's clock showed at a moment of this node's clock, as far as that is known.
    pub(super) fn moment(&self, at: Instant) -> Option<Moment> {
        self.clock.moment(at)
    }

    /// Runs a script once, by its hash or in full.
    pub(super) async fn run<A: Into<Value> + Send>(
        &self,
        script: &Script,
        names: Vec<Str>,
        args: Vec<A>,
        in_full: bool,
    ) -> Result<Value, Error> {
        if in_full {
            self.commands().eval(script.text(), names, args).await
        } else {
            self.commands().evalsha(script.hash(), names, args).await
        }
    }

    /// Subscribes to one channel; returns when the server has confirmed it.
    pub(super) async fn subscribe(&self, channel: &Str) -> Result<(), Error> {
        self.news.ssubscribe(channel.clone()).await
    }

    /// Ends a subscription. A connection that is gone has ended it, too.
    pub(super) async fn unsubscribe(&self, channel: &Str) {
        let _ = timeout(TRY, self.news.sunsubscribe(channel.clone())).await;
    }

    /// How many clients are subscribed to a channel. Sent on the connection that subscribes here,
    /// so that its earlier commands count.
    pub(super) async fn listeners(&self, channel: &Str) -> Result<u64, Error> {
        self.news.spublish(channel.clone(), "").await
    }

    /// Waits until all messages that the server has sent so far are passed on; not for long if it does not answer.
    pub(super) async fn settle(&self) {
        let (mark, passed) = oneshot::channel();
        if matches!(timeout(TRY, self.news.ping::<Value>(None)).await, Ok(Ok(_)))
            && self.marks.send(mark).is_ok()
        {
            let _ = timeout(TRY, passed).await;
        }
    }

    /// Which server has which slot, as this server sees it.
    pub(super) async fn map(&self) -> Option<SlotMap> {
        timeout(ASK, slots(&self.pulse, &self.server)).await.ok()?.ok()
    }

    /// Replaces the connection by a new one.
    pub(super) async fn reconnect(&self, client: &Client) {
        // fred is connecting already when it is not connected.
        if client.is_connected() {
            count(&self.counts.reconnect);
            let _ = timeout(TRY, client.force_reconnection()).await;
        }
    }

    /// Passes on what arrives.
    async fn listen(
        self: Arc<Self>,
        mut messages: Receiver<Message>,
        mut connections: Receiver<Server>,
        mut marked: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
        connection_events: Weak<dyn ConnectionEvents>,
    ) {
        let mut first = true;
        loop {
            tokio::select! {
                biased;
                connection = connections.recv() => {
                    let Some(connection_events) = connection_events.upgrade() else { return };
                    match connection {
                        // Before the first connection, nothing can have been subscribed.
                        Ok(_) if std::mem::take(&mut first) => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => connection_events.reconnected(&self),
                        Err(RecvError::Closed) => {
                            sleep(SEARCH).await;
                            connections = self.news.reconnect_rx();
                        }
                    }
                }
                message = messages.recv() => {
                    let Some(connection_events) = connection_events.upgrade() else { return };
                    match message {
                        Ok(message) => match &message.value {
                            Value::String(line) => connection_events.message(&message.channel, line),
                            _ => tracing::debug!("a message that is no text"),
                        },
                        Err(RecvError::Lagged(_)) => {
                            count(&self.counts.lag);
                            connection_events.missed(&self);
                        }
                        Err(RecvError::Closed) => {
                            sleep(SEARCH).await;
                            messages = self.news.message_rx();
                            connection_events.missed(&self);
                        }
                    }
                }
                // Last, so that no message waits behind it.
                Some(mark) = marked.recv() => {
                    let _ = mark.send(());
                }
            }
        }
    }
}
