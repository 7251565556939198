//! The line to one Redis server.
//!
//! One plain connection for commands and for subscriptions, so that Redis answers
//! a message and tells it in one write, and a node hears both in one read. In a
//! Cluster there are two: SUNSUBSCRIBE may be sent on there, and fred would take
//! that for the answer to another command.
//!
//! fred is asked for little: each command is written at most once and fails
//! fast, and what is said about a connection comes from our own pings. Repeating and
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
    error::{Error, ErrorKind},
    interfaces::{ClientLike, EventInterface, LuaInterface, PubsubInterface},
    prelude::Client,
    types::{
        Builder, ClusterHash, CustomCommand, Message, Value,
        config::{Config, Options, ReconnectPolicy, Server, TcpConfig},
    },
};
use futures_util::future::{join, join_all};
use tokio::{
    sync::{
        Notify, Semaphore,
        broadcast::{Receiver, error::RecvError},
        mpsc, oneshot,
    },
    task::{AbortHandle, JoinHandle},
    time::{Instant, sleep, timeout},
};

use super::{
    address::RedisConfigError,
    clock::Clock,
    counts::{Counts, count},
    map::Map,
    scripts::Script,
};
use crate::room::Moment;

/// How long one try may take.
pub(super) const TRY: Duration = Duration::from_secs(1);
/// How long a server may take to say who has what.
pub(super) const ASK: Duration = Duration::from_millis(300);
/// How often each connection is asked whether it lives.
const PULSE: Duration = Duration::from_millis(500);
/// How often a server that is away is looked for.
const SEARCH: Duration = Duration::from_millis(50);
/// How soon a client that has given up is started again.
const REST: Duration = Duration::from_millis(200);
/// Commands under way at once; more wait here, where their deadline still counts.
const UNDER_WAY: usize = 4096;
/// The same of those that are answered with a whole room. Redis cuts a connection that listens when more waits for it than
/// `client-output-buffer-limit pubsub` allows, which is 32 MB.
const AT_LENGTH: usize = 16;

/// Where a link's news go.
pub(super) trait Ear: Send + Sync + 'static {
    /// A message on a channel.
    fn message(&self, channel: &str, line: &str);
    /// Messages were lost: compare every room of this server.
    fn missed(&self, link: &Link);
    /// The connection is new: no channel is subscribed there any more.
    fn reconnected(&self, link: &Link);
    /// The server went out of reach or came back.
    fn link(&self, link: &Link);
    /// Some slots have another server now.
    fn moved(&self, has_moved: &dyn Fn(u16) -> bool);
}

/// The line to one server.
pub(super) struct Link {
    server: Server,
    /// The connection for commands, where it is another one.
    commands: Option<WithOptions<Client>>,
    news: WithOptions<Client>,
    /// Marks in the news: each is answered when all before it have been passed on.
    marks: mpsc::UnboundedSender<oneshot::Sender<()>>,
    under_way: Semaphore,
    at_length: Semaphore,
    up: AtomicBool,
    down: AtomicBool,
    clock: Clock,
    counts: Arc<Counts>,
    /// Told when the server is silent: another may have its slots now.
    doubt: Arc<Notify>,
    tasks: OnceLock<Vec<AbortHandle>>,
}

impl Link {
    /// Connects, and keeps connected, until it is stopped.
    pub(super) fn start(
        server: &Server,
        config: &Config,
        apart: bool,
        counts: Arc<Counts>,
        doubt: Arc<Notify>,
        ear: &Weak<dyn Ear>,
    ) -> Result<Arc<Self>, RedisConfigError> {
        let news = client(config.clone(), 4096)?;
        let commands = if apart { Some(client(config.clone(), 64)?) } else { None };
        let (marks, marked) = mpsc::unbounded_channel();
        let link = Arc::new(Self {
            server: server.clone(),
            commands,
            news,
            marks,
            under_way: Semaphore::new(UNDER_WAY),
            at_length: Semaphore::new(AT_LENGTH),
            up: AtomicBool::new(false),
            down: AtomicBool::new(false),
            clock: Clock::new(),
            counts,
            doubt,
            tasks: OnceLock::new(),
        });
        // Taken before anything is connected: the first connection told of is the first there is.
        let (messages, connections) = (link.news.message_rx(), link.news.reconnect_rx());
        let mut tasks = vec![
            tokio::spawn(Arc::clone(&link).listen(messages, connections, marked, ear.clone())),
            tokio::spawn(watch_for_refusal((**link.commands()).clone())),
            tokio::spawn(Arc::clone(&link).feel_pulse(ear.clone())),
        ];
        tasks.extend(link.clients().map(|client| tokio::spawn(stay_connected((**client).clone()))));
        let _ = link.tasks.set(tasks.iter().map(JoinHandle::abort_handle).collect());
        Ok(link)
    }

    fn commands(&self) -> &WithOptions<Client> {
        self.commands.as_ref().unwrap_or(&self.news)
    }

    /// Each connection once.
    fn clients(&self) -> impl Iterator<Item = &WithOptions<Client>> {
        self.commands.iter().chain([&self.news])
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
        let turns = if script.at_length { &self.at_length } else { &self.under_way };
        let Ok(_turn) = turns.acquire().await else { return Err(Error::new(ErrorKind::Canceled, "stopped")) };
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

    /// Waits until all that the server has told so far is passed on; not for long if it does not answer.
    pub(super) async fn settle(&self) {
        let (mark, passed) = oneshot::channel();
        if beats(&self.news).await && self.marks.send(mark).is_ok() {
            let _ = timeout(TRY, passed).await;
        }
    }

    /// Who has which slot, as this server sees it.
    pub(super) async fn map(&self) -> Option<Map> {
        timeout(ASK, slots(self.commands(), &self.server)).await.ok()?
    }

    /// Connects anew what carries commands.
    pub(super) async fn begin_anew(&self) {
        self.reconnect(self.commands()).await;
    }

    async fn reconnect(&self, client: &Client) {
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
        ear: Weak<dyn Ear>,
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
                            _ => tracing::warn!(channel = &*message.channel, "a message that is no text"),
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

    /// Asks whether each connection lives. A connection that was silent twice is made anew.
    async fn feel_pulse(self: Arc<Self>, ear: Weak<dyn Ear>) {
        let begun = Instant::now();
        let mut silent: Vec<u32> = self.clients().map(|_| 0).collect();
        loop {
            // Before the server is said to be up, its clock is known.
            let (beats, ()) = join(join_all(self.clients().map(beats)), self.clock.ask(self.commands())).await;
            for (alive, (silent, client)) in beats.into_iter().zip(silent.iter_mut().zip(self.clients())) {
                *silent = if alive { 0 } else { *silent + 1 };
                if *silent >= 2 && *silent % 2 == 0 {
                    self.reconnect(client).await;
                }
            }
            let longest = silent.iter().copied().max().unwrap_or_default();
            if longest > 0 {
                self.doubt.notify_one();
            }
            let was = (self.is_up(), self.is_down());
            let up = longest < if was.0 { 2 } else { 1 };
            // A server that is new gets a moment to answer before it is said to be away.
            let down = !up && (was.0 || was.1 || begun.elapsed() >= TRY);
            if (up, down) != was {
                let Some(ear) = ear.upgrade() else { return };
                self.up.store(up, Ordering::Relaxed);
                self.down.store(down, Ordering::Relaxed);
                ear.link(&self);
            }
            sleep(if up { PULSE } else { SEARCH }).await;
        }
    }
}

/// Whether a connection answers.
async fn beats(client: &WithOptions<Client>) -> bool {
    matches!(timeout(TRY, client.ping::<Value>(None)).await, Ok(Ok(_)))
}

/// A client for one connection. `capacity` bounds the messages that wait to be taken.
pub(super) fn client(config: Config, capacity: usize) -> Result<WithOptions<Client>, RedisConfigError> {
    let client = Builder::from_config(config)
        .with_connection_config(|connection| {
            connection.connection_timeout = TRY;
            connection.internal_command_timeout = TRY;
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = 0;
            connection.tcp =
                TcpConfig { nodelay: Some(true), user_timeout: Some(Duration::from_secs(5)), ..TcpConfig::default() };
        })
        .with_performance_config(|performance| {
            performance.default_command_timeout = TRY;
            performance.broadcast_channel_capacity = capacity;
        })
        .set_policy(ReconnectPolicy::new_exponential(0, 50, 500, 2))
        .build()
        .map_err(|_| RedisConfigError::BadUrl)?;
    let options = Options { fail_fast: true, max_attempts: Some(1), timeout: Some(TRY), ..Options::default() };
    Ok(client.with_options(&options))
}

/// Asks a server that there is no link to for the map.
pub(super) async fn map_of(config: Config, server: &Server) -> Option<Map> {
    let client = client(config, 64).ok()?;
    let _tasks =
        [tokio::spawn(stay_connected((*client).clone())), tokio::spawn(watch_for_refusal((*client).clone()))].map(Tether);
    let ask = async {
        client.wait_for_connect().await.ok()?;
        slots(&client, server).await
    };
    timeout(TRY, ask).await.ok()?
}

async fn slots(client: &WithOptions<Client>, server: &Server) -> Option<Map> {
    let command = CustomCommand::new_static("CLUSTER", ClusterHash::FirstKey, false);
    match client.custom::<Value, _>(command, vec!["SLOTS"]).await {
        Ok(answer) => Map::read(answer, server),
        Err(error) => {
            tracing::debug!(%server, %error, "no map of the slots");
            None
        }
    }
}

/// Ends a task when it is dropped.
pub(super) struct Tether<T = ()>(pub(super) JoinHandle<T>);

impl<T> Drop for Tether<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// fred reconnects by itself, but its task can end: then there is a new one.
pub(super) async fn stay_connected(client: Client) {
    loop {
        let _ = (&mut Tether(client.connect()).0).await;
        sleep(REST).await;
    }
}

/// Wrong credentials are tried for ever: somebody should know.
pub(super) async fn watch_for_refusal(client: Client) {
    const REMIND: Duration = Duration::from_secs(30);
    let mut errors = client.error_rx();
    let mut told: Option<Instant> = None;
    loop {
        match errors.recv().await {
            Ok((error, _)) if *error.kind() == ErrorKind::Auth && told.is_none_or(|at| at.elapsed() >= REMIND) => {
                told = Some(Instant::now());
                tracing::error!("Redis or a Sentinel refuses the user or the password in the URL");
            }
            Err(RecvError::Closed) => {
                sleep(REST).await;
                errors = client.error_rx();
            }
            _ => {}
        }
    }
}
