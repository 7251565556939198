//! Who is master, as Sentinels say.
//!
//! Each is asked for the epoch of its configuration first and for the address
//! then, so that the address is never older than the epoch. The greatest
//! epoch holds, as it does among themselves: one that was cut off from the
//! others cannot call us back to an old master.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use fred::{
    clients::WithOptions,
    interfaces::ClientLike,
    prelude::Client,
    types::{
        ClusterHash, CustomCommand,
        config::{Config, Server},
    },
};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::{
    address::{RedisConfigError, at},
    link::{ASK, Tether, client, stay_connected, watch_for_refusal},
};

/// Lines to all sentinels that the URL names.
pub(super) struct Sentinels {
    service: String,
    clients: Vec<(WithOptions<Client>, [Tether; 2])>,
    /// The greatest epoch so far.
    newest: AtomicU64,
}

impl Sentinels {
    /// Begins to connect to every sentinel.
    pub(super) fn start(hosts: &[Server], service: &str, config: &Config) -> Result<Self, RedisConfigError> {
        let start = |server: &Server| {
            let client = client(at(config, server), 64)?;
            let tasks = [tokio::spawn(stay_connected((*client).clone())), tokio::spawn(watch_for_refusal((*client).clone()))];
            Ok((client, tasks.map(Tether)))
        };
        let clients = hosts.iter().map(start).collect::<Result<_, _>>()?;
        Ok(Self { service: service.to_owned(), clients, newest: AtomicU64::new(0) })
    }

    /// The master, if any sentinel knows it that is not behind the times.
    pub(super) async fn master(&self) -> Option<Server> {
        let asked = self.clients.iter().map(|(client, _)| timeout(ASK * 2, self.ask(client)));
        let answers: Vec<(u64, Server)> = join_all(asked).await.into_iter().filter_map(|answer| answer.ok()?).collect();
        let mut newest = answers.iter().map(|(epoch, _)| *epoch).max()?;
        if answers.len() < self.clients.len() {
            newest = newest.max(self.newest.load(Ordering::Relaxed));
        }
        self.newest.store(newest, Ordering::Relaxed);
        let named: Vec<_> = answers.iter().filter(|(epoch, _)| *epoch == newest).map(|(_, server)| server).collect();
        let votes = |server: &Server| named.iter().filter(|other| **other == server).count();
        named.iter().max_by_key(|server| votes(server)).map(|server| (*server).clone())
    }

    async fn ask(&self, client: &Client) -> Option<(u64, Server)> {
        let command = || CustomCommand::new_static("SENTINEL", ClusterHash::FirstKey, false);
        let facts: HashMap<String, String> = client.custom(command(), vec!["MASTER", &self.service]).await.ok()?;
        let address: Vec<String> = client.custom(command(), vec!["GET-MASTER-ADDR-BY-NAME", &self.service]).await.ok()?;
        let [host, port] = address.try_into().ok()?;
        Some((facts.get("config-epoch")?.parse().ok()?, Server::new(host, port.parse().ok()?)))
    }
}
