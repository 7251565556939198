//! One connection of fred's, kept up for as long as it is wanted, and why it cannot be made.

use std::{sync::Arc, time::Duration};

use fred::{
    clients::WithOptions,
    error::Error,
    interfaces::{ClientLike, EventInterface},
    prelude::Client,
    types::{
        Builder, ClusterHash, CustomCommand, Value,
        config::{Config, Options, ReconnectPolicy, Server, TcpConfig},
    },
};
use parking_lot::Mutex;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{address::RedisConfigError, error_action::spoken, role, slot_map::SlotMap};

/// The timeout of one try.
pub(super) const TRY: Duration = Duration::from_secs(1);
/// The timeout when a server is asked for its slot map.
pub(super) const ASK: Duration = Duration::from_millis(300);
/// How often a server that is away is tried again.
pub(super) const SEARCH: Duration = Duration::from_millis(50);
/// How soon a client that has given up is started again.
const REST: Duration = Duration::from_millis(200);

/// The reason that is shown where Redis itself gave none.
pub(super) const SILENCE: &str = "no answer";

/// A client for one connection. `capacity` bounds the messages that wait to be taken.
pub(super) fn client(
    config: Config,
    capacity: usize,
) -> Result<WithOptions<Client>, RedisConfigError> {
    let client = Builder::from_config(config)
        .with_connection_config(|connection| {
            connection.connection_timeout = TRY;
            connection.internal_command_timeout = TRY;
            connection.max_command_attempts = 1;
            connection.max_command_buffer_len = 0;
            connection.tcp = TcpConfig {
                nodelay: Some(true),
                user_timeout: Some(Duration::from_secs(5)),
                ..TcpConfig::default()
            };
        })
        .with_performance_config(|performance| {
            performance.default_command_timeout = TRY;
            performance.broadcast_channel_capacity = capacity;
        })
        .set_policy(ReconnectPolicy::new_exponential(0, 50, 500, 2))
        .build()
        .map_err(|_| RedisConfigError::BadUrl)?;
    let options = Options {
        fail_fast: true,
        max_attempts: Some(1),
        timeout: Some(TRY),
        ..Options::default()
    };
    Ok(client.with_options(&options))
}

/// Asks a server for the slot map over a connection of its own. Where there is none, returns the reason.
pub(super) async fn fetch_slot_map(config: Config, server: &Server) -> Result<SlotMap, String> {
    briefly(config, async |client| slots(client, server).await).await
}

/// Asks a server over a connection of its own which master it follows; itself if it is a master.
pub(super) async fn master_of(config: Config, server: &Server) -> Option<Server> {
    let ask = async |client: &WithOptions<Client>| info(client, "replication").await;
    let role = briefly(config, async |client| ask(client).await.map_err(|error| reason(&error)))
        .await
        .ok()?;
    Some(role::leader(&role).map_or_else(|| server.clone(), |leader| leader.server))
}

/// A connection for one question.
async fn briefly<T>(
    config: Config,
    ask: impl AsyncFnOnce(&WithOptions<Client>) -> Result<T, String>,
) -> Result<T, String> {
    let client = client(config, 64).map_err(|error| error.to_string())?;
    let refusal = Arc::new(ConnectError::default());
    let _tasks = [
        tokio::spawn(stay_connected((*client).clone())),
        tokio::spawn(listen((*client).clone(), Arc::clone(&refusal))),
    ]
    .map(AbortOnDropHandle::new);
    let answer = timeout(TRY, async {
        client.wait_for_connect().await.map_err(|error| reason(&error))?;
        ask(&client).await
    });
    match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(why)) => Err(refusal.get().unwrap_or(why)),
        Err(_) => Err(refusal.get().unwrap_or_else(|| SILENCE.to_owned())),
    }
}

/// Which server has which slot, as one server sees it.
pub(super) async fn slots(
    client: &WithOptions<Client>,
    server: &Server,
) -> Result<SlotMap, String> {
    let command = CustomCommand::new_static("CLUSTER", ClusterHash::FirstKey, false);
    match client.custom::<Value, _>(command, vec!["SLOTS"]).await {
        Ok(answer) => SlotMap::read(answer, server)
            .ok_or_else(|| "this server knows of no slots of a Cluster".to_owned()),
        Err(error) => Err(reason(&error)),
    }
}

/// One section of a server's INFO.
pub(super) async fn info(
    client: &WithOptions<Client>,
    section: &'static str,
) -> Result<String, Error> {
    client
        .custom(CustomCommand::new_static("INFO", ClusterHash::FirstKey, false), vec![section])
        .await
}

/// An error in Redis's own words, or that Redis gave none.
pub(super) fn reason(error: &Error) -> String {
    spoken(error).unwrap_or_else(|| SILENCE.to_owned())
}

/// Starts fred's task anew when it ends: fred reconnects by itself, but that task can end.
pub(super) async fn stay_connected(client: Client) {
    loop {
        let _ = AbortOnDropHandle::new(client.connect()).await;
        sleep(REST).await;
    }
}

/// Why a connection could not be made when it was last tried, in the words of Redis.
#[derive(Default)]
pub(super) struct ConnectError(Mutex<Option<String>>);

impl ConnectError {
    /// What Redis said.
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// The connection is up now.
    pub(super) fn clear(&self) {
        *self.0.lock() = None;
    }
}

/// Keeps what Redis says to wrong credentials, or to a database that does not exist: fred retries those for ever.
pub(super) async fn listen(client: Client, refusal: Arc<ConnectError>) {
    let mut errors = client.error_rx();
    loop {
        match errors.recv().await {
            Ok((error, _)) => {
                if let Some(words) = spoken(&error) {
                    *refusal.0.lock() = Some(words);
                }
            }
            Err(RecvError::Closed) => {
                sleep(SEARCH).await;
                errors = client.error_rx();
            }
            Err(RecvError::Lagged(_)) => {}
        }
    }
}
