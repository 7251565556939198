//! The line to one Redis server: the only place that knows fred.
//!
//! Two plain connections, one for commands and one for subscriptions. fred is
//! asked for little: each command is written at most once and fails fast, and
//! what is said about a connection comes from our own pings; repeating,
//! subscribing again and routing are ours. (Its cluster client, its subscriber
//! client and its detection of dead connections do not survive the tests.)

mod address;

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use address::RedisConfigError;
use address::client;
pub(super) use address::configure;
use fred::bytes_utils::Str;
use fred::{
    clients::WithOptions,
    error::{Error, ErrorKind},
    interfaces::{ClientLike, EventInterface, LuaInterface, PubsubInterface},
    prelude::Client,
    types::{Value, config::Config},
};
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError},
    task::{AbortHandle, JoinHandle},
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    counts::{Counts, count},
    keys::Keys,
    record::Reply,
    scripts::Script,
};
use crate::store::StoreError;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(1);
/// How often both connections are asked whether they live.
const PULSE: Duration = Duration::from_millis(500);
/// How often a server that is away is looked for.
const SEARCH: Duration = Duration::from_millis(50);
/// Waits between tries: from, to.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));
/// Commands under way at once; more wait here, where their deadline still counts.
const UNDER_WAY: usize = 4096;

/// Where a link's news go.
pub(super) trait Ear: Send + Sync + 'static {
    /// A message on a channel.
    fn message(&self, channel: &str, line: &str);
    /// Messages were lost: compare every room.
    fn missed(&self);
    /// The connection is new: no channel is subscribed any more.
    fn reconnected(&self);
    /// The server went out of reach or came back.
    fn link(&self, up: bool);
}

/// The line to one server.
pub(super) struct Link {
    commands: WithOptions<Client>,
    news: WithOptions<Client>,
    under_way: Semaphore,
    up: AtomicBool,
    counts: Arc<Counts>,
}

/// What to make of an error.
enum Verdict {
    /// The script is not known there: send it in full.
    Unknown,
    /// No memory; nothing was written.
    Full,
    /// It may work in a moment.
    Again,
    /// It may work in a moment, on a new connection.
    AgainElsewhere,
    /// It will not work.
    Broken(String),
}

/// fred gives lost connections many kinds, so the text decides.
fn judge(error: &Error) -> Verdict {
    let text = error.details();
    match text.split_whitespace().next().unwrap_or_default() {
        "NOSCRIPT" => Verdict::Unknown,
        "OOM" => Verdict::Full,
        "READONLY" => Verdict::AgainElsewhere,
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" | "MISCONF" | "NOAUTH" | "WRONGPASS" => Verdict::Again,
        "ERR" | "NOPERM" | "WRONGTYPE" | "MOVED" | "ASK" | "CROSSSLOT" => Verdict::Broken(text.to_owned()),
        _ => match error.kind() {
            ErrorKind::IO | ErrorKind::Timeout | ErrorKind::Canceled | ErrorKind::Unknown | ErrorKind::Backpressure => {
                Verdict::Again
            }
            _ => Verdict::Broken(text.to_owned()),
        },
    }
}

/// The words of a script's answer.
fn words(value: Value) -> Result<Reply, StoreError> {
    let broken = || StoreError::Broken("a script's answer is not a list of words".to_owned());
    let Value::Array(values) = value else { return Err(broken()) };
    let word = |value| match value {
        Value::String(word) => Some(word),
        Value::Integer(number) => Some(Str::from(number.to_string())),
        _ => None,
    };
    Ok(Reply::new(values.into_iter().map(word).collect::<Option<_>>().ok_or_else(broken)?))
}

impl Link {
    /// A link that is not started yet.
    pub(super) fn new(config: Config, counts: Arc<Counts>) -> Result<Arc<Self>, RedisConfigError> {
        Ok(Arc::new(Self {
            commands: client(config.clone(), 64)?,
            news: client(config, 4096)?,
            under_way: Semaphore::new(UNDER_WAY),
            up: AtomicBool::new(false),
            counts,
        }))
    }

    /// Connects, and keeps connected, until the handles are aborted.
    pub(super) fn start(self: &Arc<Self>, ear: Weak<dyn Ear>) -> Vec<AbortHandle> {
        let link = Arc::clone(self);
        let listening = tokio::spawn(link.listen(ear.clone()));
        let handles = [
            listening,
            tokio::spawn(stay_connected((*self.commands).clone())),
            tokio::spawn(stay_connected((*self.news).clone())),
            tokio::spawn(watch_for_refusal((*self.commands).clone())),
            tokio::spawn(Arc::clone(self).feel_pulse(ear)),
        ];
        handles.iter().map(JoinHandle::abort_handle).collect()
    }

    /// Whether the server answers.
    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Runs a script, again and again until it has run or the deadline has
    /// passed. What was in doubt is sent again: every script bears that.
    pub(super) async fn run(&self, script: &Script, keys: &Keys, args: Vec<Str>, deadline: Instant) -> Result<Reply, StoreError> {
        let Ok(_permit) = timeout_at(deadline, self.under_way.acquire()).await else { return Err(StoreError::Unavailable) };
        let mut patience = Patience::until(deadline);
        let mut in_full = false;
        loop {
            let (names, args) = (keys.all().to_vec(), args.clone());
            let answer = async {
                if in_full {
                    self.commands.eval::<Value, _, _, _>(script.text, names, args).await
                } else {
                    self.commands.evalsha::<Value, _, _, _>(script.hash(), names, args).await
                }
            };
            match timeout_at(deadline, answer).await {
                Err(_) => return Err(StoreError::Unavailable),
                Ok(Ok(answer)) => return words(answer),
                Ok(Err(error)) if !in_full && matches!(judge(&error), Verdict::Unknown) => in_full = true,
                Ok(Err(error)) => {
                    in_full = false;
                    self.consider(&self.commands, &error, &mut patience).await?;
                }
            }
        }
    }

    /// Subscribes to one channel and waits until the server has said so.
    pub(super) async fn subscribe(&self, channel: &Str, deadline: Instant) -> Result<(), StoreError> {
        let mut patience = Patience::until(deadline);
        loop {
            match timeout_at(deadline, self.news.ssubscribe(channel.clone())).await {
                Err(_) => return Err(StoreError::Unavailable),
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => self.consider(&self.news, &error, &mut patience).await?,
            }
        }
    }

    /// Ends a subscription. A connection that is gone has ended it too.
    pub(super) async fn unsubscribe(&self, channel: &Str) {
        let _ = timeout(TRY, self.news.sunsubscribe(channel.clone())).await;
    }

    /// Waits for the next try, or gives up.
    async fn consider(&self, client: &Client, error: &Error, patience: &mut Patience) -> Result<(), StoreError> {
        match judge(error) {
            Verdict::Full => return Err(StoreError::Full),
            Verdict::Broken(text) => return Err(StoreError::Broken(text)),
            Verdict::AgainElsewhere => self.reconnect(client).await,
            Verdict::Unknown | Verdict::Again => {}
        }
        patience.pause().await
    }

    async fn reconnect(&self, client: &Client) {
        // fred is connecting already when it is not connected.
        if client.is_connected() {
            count(&self.counts.reconnect);
            let _ = timeout(TRY, client.force_reconnection()).await;
        }
    }

    /// Passes on what arrives.
    async fn listen(self: Arc<Self>, ear: Weak<dyn Ear>) {
        let (mut messages, mut connections) = (self.news.message_rx(), self.news.reconnect_rx());
        loop {
            tokio::select! {
                biased;
                connection = connections.recv() => {
                    let Some(ear) = ear.upgrade() else { return };
                    match connection {
                        Ok(_) | Err(RecvError::Lagged(_)) => ear.reconnected(),
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
                            ear.missed();
                        }
                        Err(RecvError::Closed) => {
                            sleep(SEARCH).await;
                            messages = self.news.message_rx();
                            ear.missed();
                        }
                    }
                }
            }
        }
    }

    /// Asks both connections whether they live. A connection that was silent twice is made anew.
    async fn feel_pulse(self: Arc<Self>, ear: Weak<dyn Ear>) {
        let mut silent = [0_u32; 2];
        loop {
            let (commands, news) = tokio::join!(beats(&self.commands), beats(&self.news));
            for (alive, (silent, client)) in [commands, news].into_iter().zip(silent.iter_mut().zip([&self.commands, &self.news]))
            {
                *silent = if alive { 0 } else { *silent + 1 };
                if *silent >= 2 && *silent % 2 == 0 {
                    self.reconnect(client).await;
                }
            }
            let was_up = self.is_up();
            let up = if was_up { silent.iter().all(|silent| *silent < 2) } else { silent == [0, 0] };
            if up != was_up {
                let Some(ear) = ear.upgrade() else { return };
                self.up.store(up, Ordering::Relaxed);
                ear.link(up);
            }
            sleep(if up { PULSE } else { SEARCH }).await;
        }
    }
}

/// How long to wait between tries, and until when.
struct Patience {
    deadline: Instant,
    next: Duration,
}

impl Patience {
    fn until(deadline: Instant) -> Self {
        Self { deadline, next: PAUSE.0 }
    }

    async fn pause(&mut self) -> Result<(), StoreError> {
        if Instant::now() + self.next >= self.deadline {
            return Err(StoreError::Unavailable);
        }
        sleep(self.next).await;
        self.next = (self.next * 2).min(PAUSE.1);
        Ok(())
    }
}

/// Whether a connection answers.
async fn beats(client: &WithOptions<Client>) -> bool {
    matches!(timeout(TRY, client.ping::<Value>(None)).await, Ok(Ok(_)))
}

/// Ends a task when it is dropped.
struct Tether<T>(JoinHandle<T>);

impl<T> Drop for Tether<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// fred reconnects by itself, but its task can end: then there is a new one.
async fn stay_connected(client: Client) {
    loop {
        let _ = (&mut Tether(client.connect()).0).await;
        sleep(PAUSE.1).await;
    }
}

/// Wrong credentials are tried for ever: somebody should know.
async fn watch_for_refusal(client: Client) {
    const REMIND: Duration = Duration::from_secs(30);
    let mut errors = client.error_rx();
    let mut told: Option<Instant> = None;
    loop {
        match errors.recv().await {
            Ok((error, _)) if *error.kind() == ErrorKind::Auth && told.is_none_or(|at| at.elapsed() >= REMIND) => {
                told = Some(Instant::now());
                tracing::error!("Redis refuses the user or the password in its URL");
            }
            Err(RecvError::Closed) => {
                sleep(PAUSE.1).await;
                errors = client.error_rx();
            }
            _ => {}
        }
    }
}
