//! Which server is the master, as Sentinels say.
//!
//! Each is asked for the epoch of its configuration first and for the address then, so that the address is
//! never older than the epoch. The greatest epoch holds, as it does among themselves: one that was cut off
//! from the others cannot send the node back to an old master.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use fred::{
    clients::WithOptions,
    error::Error,
    interfaces::ClientLike,
    prelude::Client,
    types::{
        ClusterHash, CustomCommand,
        config::{Config, Server},
    },
};
use futures_util::future::join_all;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::{
    address::{RedisConfigError, at},
    client::{ASK, ConnectError, SILENCE, client, listen, reason, stay_connected},
};

/// Connections to all Sentinels that the URL names.
pub(super) struct Sentinels {
    service: String,
    lines: Vec<Line>,
    /// The greatest epoch so far.
    newest: AtomicU64,
}

/// The connection to one Sentinel.
struct Line {
    client: WithOptions<Client>,
    refusal: Arc<ConnectError>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl Sentinels {
    /// Begins to connect to every Sentinel.
    pub(super) fn start(
        hosts: &[Server],
        service: &str,
        config: &Config,
    ) -> Result<Self, RedisConfigError> {
        let start = |server: &Server| {
            let (client, refusal) =
                (client(at(config, server), 64)?, Arc::new(ConnectError::default()));
            let listening = listen((*client).clone(), Arc::clone(&refusal));
            let tasks = [tokio::spawn(stay_connected((*client).clone())), tokio::spawn(listening)];
            Ok(Line { client, refusal, _tasks: tasks.map(AbortOnDropHandle::new) })
        };
        let lines = hosts.iter().map(start).collect::<Result<_, _>>()?;
        Ok(Self { service: service.to_owned(), lines, newest: AtomicU64::new(0) })
    }

    /// The master, if a Sentinel with the greatest epoch knows it; otherwise why not.
    pub(super) async fn master(&self) -> Result<Server, String> {
        let asked = self
            .lines
            .iter()
            .map(|line| async { timeout(ASK * 2, self.ask(line)).await.unwrap_or(Err(None)) });
        let (mut answers, mut whys): (Vec<(u64, Server)>, Vec<String>) = (Vec::new(), Vec::new());
        for answer in join_all(asked).await {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(why) => whys.extend(why),
            }
        }
        let why = whys.into_iter().next().unwrap_or_else(|| SILENCE.to_owned());
        let Some(mut newest) = answers.iter().map(|(epoch, _)| *epoch).max() else {
            return Err(why);
        };
        if answers.len() < self.lines.len() {
            newest = newest.max(self.newest.load(Ordering::Relaxed));
        }
        self.newest.store(newest, Ordering::Relaxed);
        let named: Vec<_> = answers
            .iter()
            .filter(|(epoch, _)| *epoch == newest)
            .map(|(_, server)| server)
            .collect();
        let votes = |server: &Server| named.iter().filter(|other| **other == server).count();
        let most = named.iter().max_by_key(|server| votes(server)).map(|server| (*server).clone());
        most.ok_or_else(|| "only Sentinels answer that know of an older master".to_owned())
    }

    /// The epoch and the master, or what the Sentinel says instead.
    async fn ask(&self, line: &Line) -> Result<(u64, Server), Option<String>> {
        let command = || CustomCommand::new_static("SENTINEL", ClusterHash::FirstKey, false);
        let why = |error: Error| {
            Some(reason(&error)).filter(|why| why != SILENCE).or_else(|| line.refusal.get())
        };
        let client = &line.client;
        let facts: HashMap<String, String> =
            client.custom(command(), vec!["MASTER", &self.service]).await.map_err(why)?;
        let address: Vec<String> = client
            .custom(command(), vec!["GET-MASTER-ADDR-BY-NAME", &self.service])
            .await
            .map_err(why)?;
        line.refusal.clear();
        let read = || {
            let [host, port] = address.try_into().ok()?;
            Some((facts.get("config-epoch")?.parse().ok()?, Server::new(host, port.parse().ok()?)))
        };
        read().ok_or_else(|| Some("a Sentinel's answer cannot be read".to_owned()))
    }
}
