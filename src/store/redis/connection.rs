//! The line to one Redis server.
//!
//! One plain connection for commands and for subscriptions, so that Redis answers
//! a message and tells it in one write, and a node hears both in one read. In a
//! Cluster there are two: SUNSUBSCRIBE may be sent on there, and fred would take
//! that for the answer to another command. One more tells whether the server
//! lives: it carries nothing else, so that no queue of ours is taken for silence.
//!
//! fred is asked for little: each command is written at most once and fails
//! fast, and what is said about a connection comes from our own [`super::pulse`]. Repeating and
//! routing are ours too, see [`super::links`], and so is subscribing again.
//! (Its cluster client, its subscriber client and its detection of dead
//! connections do not survive the tests.)

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
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
    address::RedisConfigError,
    client::{ConnectError, client, listen, slots, stay_connected},
    clock::Clock,
    lanes::{Lane, Lanes},
    probe::{About, Setup},
    repair_counts::{RepairCounts, count},
    scripts::Script,
    slot_map::SlotMap,
};
use crate::{room::Moment, store::StoreError};

/// How long one try may take.
pub(super) const TRY: Duration = Duration::from_secs(1);
/// How long a server may take to say who has what.
pub(super) const ASK: Duration = Duration::from_millis(300);
/// How often a server that is away is looked for.
pub(super) const SEARCH: Duration = Duration::from_millis(50);

/// Where a link's news go.
pub(super) trait ConnectionEvents: Send + Sync + 'static {
    /// A message on a channel.
    fn message(&self, channel: &str, line: &str);
    /// Messages were lost: compare every room of this server.
    fn missed(&self, link: &RedisConnection);
    /// The connection is new: no channel is subscribed there any more.
    fn reconnected(&self, link: &RedisConnection);
    /// The server went out of reach or came back.
    fn link(&self, link: &RedisConnection);
    /// Whether a slot is this link's.
    fn leads_to(&self, slot: u16, link: &RedisConnection) -> bool;
    /// Some slots have another server now.
    fn moved(&self, has_moved: &dyn Fn(u16) -> bool);
}

/// The line to one server.
pub(super) struct RedisConnection {
    server: Server,
    pub(super) setup: Setup,
    /// The connection for commands, where it is another one.
    commands: Option<WithOptions<Client>>,
    news: WithOptions<Client>,
    /// The connection that tells whether the server lives.
    pulse: WithOptions<Client>,
    /// Marks in the news: each is answered when all before it have been passed on.
    marks: mpsc::UnboundedSender<oneshot::Sender<()>>,
    pub(super) lanes: Lanes,
    pub(super) up: AtomicBool,
    pub(super) down: AtomicBool,
    pub(super) answers: AtomicBool,
    pub(super) clock: Clock,
    counts: Arc<RepairCounts>,
    /// Told when the server is silent: another may have its slots now.
    pub(super) doubt: Arc<Notify>,
    /// Told when a call gives cause to ask whether the server can keep rooms.
    pub(super) suspected: Notify,
    /// Why it cannot be connected.
    pub(super) refusal: Arc<ConnectError>,
    about: Mutex<About>,
    tasks: OnceLock<Vec<AbortHandle>>,
}

impl RedisConnection {
    /// Connects, and keeps connected, until it is stopped.
    pub(super) fn start(
        server: &Server,
        config: &Config,
        setup: Setup,
        counts: Arc<RepairCounts>,
        doubt: Arc<Notify>,
        ear: &Weak<dyn ConnectionEvents>,
    ) -> Result<Arc<Self>, RedisConfigError> {
        let news = client(config.clone(), 4096)?;
        let commands = if setup.clustered { Some(client(config.clone(), 64)?) } else { None };
        let pulse = client(config.clone(), 64)?;
        let (marks, marked) = mpsc::unbounded_channel();
        let link = Arc::new(Self {
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
        // Taken before anything is connected: the first connection told of is the first there is.
        let (messages, connections) = (link.news.message_rx(), link.news.reconnect_rx());
        let mut tasks = vec![
            tokio::spawn(Arc::clone(&link).listen(messages, connections, marked, ear.clone())),
            tokio::spawn(Arc::clone(&link).feel_pulse(ear.clone())),
        ];
        for client in link.clients() {
            tasks.push(tokio::spawn(stay_connected((**client).clone())));
            tasks.push(tokio::spawn(listen((**client).clone(), Arc::clone(&link.refusal))));
        }
        let _ = link.tasks.set(tasks.iter().map(JoinHandle::abort_handle).collect());
        Ok(link)
    }

    pub(super) fn commands(&self) -> &WithOptions<Client> {
        self.commands.as_ref().unwrap_or(&self.news)
    }

    /// The connection that tells whether the server lives.
    pub(super) fn pulse(&self) -> &WithOptions<Client> {
        &self.pulse
    }

    /// Each connection that carries something.
    pub(super) fn carriers(&self) -> impl Iterator<Item = &WithOptions<Client>> {
        self.commands.iter().chain([&self.news])
    }

    /// Each connection once.
    pub(super) fn clients(&self) -> impl Iterator<Item = &WithOptions<Client>> {
        self.carriers().chain([&self.pulse])
    }

    /// Hangs up for good.
    pub(super) fn stop(&self) {
        for task in self.tasks.get().into_iter().flatten() {
            task.abort();
        }
    }

    /// Whether the server answers.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Whether the server does not answer, though it has had the time to. One that is new is neither up nor down.
    pub(super) fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }

    /// Whether the server answered when it was last asked whether it lives.
    pub(super) fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    /// Whether a newcomer would get its turn soon enough, if the server answers.
    pub(super) fn admit(&self) -> Result<(), StoreError> {
        if self.answers() { self.lanes.queue.admit().map_err(StoreError::Busy) } else { Ok(()) }
    }

    /// What a call is told that had no turn in time: where nothing was done and the server answers, when to come back.
    pub(super) fn late(&self, lane: Lane, begun: bool) -> StoreError {
        let comes_back = lane == Lane::Rooms && self.answers() && !begun;
        if comes_back { StoreError::Busy(self.lanes.queue.book()) } else { StoreError::Unavailable }
    }

    /// What the server said of itself when it was last asked.
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

    /// What the server's clock showed at a moment of ours, as far as that is known.
    pub(super) fn moment(&self, at: Instant) -> Option<Moment> {
        self.clock.moment(at)
    }

    /// Runs a script once, by its hash or in full.
    pub(super) async fn run(&self, script: &Script, names: Vec<Str>, args: Vec<Str>, in_full: bool) -> Result<Value, Error> {
        if in_full {
            self.commands().eval(script.text(), names, args).await
        } else {
            self.commands().evalsha(script.hash(), names, args).await
        }
    }

    /// Subscribes to one channel; done when the server has said so.
    pub(super) async fn subscribe(&self, channel: &Str) -> Result<(), Error> {
        self.news.ssubscribe(channel.clone()).await
    }

    /// Ends a subscription. A connection that is gone has ended it too.
    pub(super) async fn unsubscribe(&self, channel: &Str) {
        let _ = timeout(TRY, self.news.sunsubscribe(channel.clone())).await;
    }

    /// How many listen to a channel, by the connection that would listen here: what it said before counts.
    pub(super) async fn listeners(&self, channel: &Str) -> Result<u64, Error> {
        self.news.spublish(channel.clone(), "").await
    }

    /// Waits until all that the server has told so far is passed on; not for long if it does not answer.
    pub(super) async fn settle(&self) {
        let (mark, passed) = oneshot::channel();
        if matches!(timeout(TRY, self.news.ping::<Value>(None)).await, Ok(Ok(_))) && self.marks.send(mark).is_ok() {
            let _ = timeout(TRY, passed).await;
        }
    }

    /// Who has which slot, as this server sees it.
    pub(super) async fn map(&self) -> Option<SlotMap> {
        timeout(ASK, slots(&self.pulse, &self.server)).await.ok()?.ok()
    }

    /// Connects anew.
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
        ear: Weak<dyn ConnectionEvents>,
    ) {
        let mut first = true;
        loop {
            tokio::select! {
                biased;
                connection = connections.recv() => {
                    let Some(ear) = ear.upgrade() else { return };
                    match connection {
                        // There was none on which anything could have been subscribed.
                        Ok(_) if std::mem::take(&mut first) => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => ear.reconnected(&self),
                        Err(RecvError::Closed) => {
                            sleep(SEARCH).await;
                            connections = self.news.reconnect_rx();
                        }
                    }
                }
                message = messages.recv() => {
                    let Some(ear) = ear.upgrade() else { return };
                    match message {
                        Ok(message) => match &message.value {
                            Value::String(line) => ear.message(&message.channel, line),
                            _ => tracing::debug!("a message that is no text"),
                        },
                        Err(RecvError::Lagged(_)) => {
                            count(&self.counts.lag);
                            ear.missed(&self);
                        }
                        Err(RecvError::Closed) => {
                            sleep(SEARCH).await;
                            messages = self.news.message_rx();
                            ear.missed(&self);
                        }
                    }
                }
                // Last, so that nothing waits before it.
                Some(mark) = marked.recv() => {
                    let _ = mark.send(());
                }
            }
        }
    }
}
