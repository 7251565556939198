//! A server in this process, on a port of its own.

use std::{net::SocketAddr, sync::Arc};

use clap::Parser;
use parlor::{account::Accounts, budget::Budgets, config::Config, hub::Hub, server::Server};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};

use super::eventually;

pub struct TestServer {
    pub address: SocketAddr,
    pub hub: Arc<Hub>,
    pub accounts: Option<Arc<Accounts>>,
    pub budgets: Arc<Budgets>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl TestServer {
    pub async fn start(args: &[&str]) -> Self {
        let all = [&["parlor", "--listen", "127.0.0.1:0"], args].concat();
        let server = Server::bind(Config::try_parse_from(all).unwrap()).await.unwrap();
        let (address, hub) = (server.address(), Arc::clone(server.hub()));
        let (accounts, budgets) = (server.accounts().cloned(), Arc::clone(server.budgets()));
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Self { address, hub, accounts, budgets, stop: Some(stop), running: Some(running) }
    }

    /// Starts with a Redis, and waits until that is in reach.
    pub async fn with_redis(url: &str, args: &[&str]) -> Self {
        let node = Self::start(&[&["--redis-url", url], args].concat()).await;
        eventually("Redis in reach", || node.hub.ready()).await;
        node
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks the server to stop and gives back what ends when it has.
    pub fn stop(&mut self) -> JoinHandle<()> {
        let _ = self.stop.take().unwrap().send(());
        self.running.take().unwrap()
    }

    /// How many people a room has, as anybody may ask.
    pub async fn heads(&self, room: &str) -> u64 {
        let facts: Value = crate::support::http::get(self.url(&format!("/api/rooms/{room}")))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        facts["members"].as_u64().unwrap()
    }

    /// Waits until nothing of any room is left at this node.
    pub async fn is_deserted(&self) {
        eventually("an empty node", || self.hub.counts() == (0, 0)).await;
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}
