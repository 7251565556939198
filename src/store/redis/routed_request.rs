//! Calls on their way to the server that has the room: tried until it answers or the deadline has passed.

use std::{sync::Arc, time::Duration};

use fred::{
    bytes_utils::Str,
    error::Error,
    types::{Value, config::Server},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    codec::Reply,
    connection::RedisConnection,
    error_action::{ErrorAction, classify, words},
    keys::Keys,
    router::RedisRouter,
    scripts::Script,
};
use crate::store::StoreError;

/// Waits between tries: from, to.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(200));

impl RedisRouter {
    /// Runs a script, again and again until it has run or the deadline has passed.
    /// A call whose outcome is uncertain is sent again: every script is idempotent.
    pub(super) async fn run(
        &self,
        script: &Script,
        keys: &Keys,
        args: Vec<Str>,
        deadline: Instant,
    ) -> Result<Reply, StoreError> {
        self.run_over(script, keys.slot(), keys.all().to_vec(), args, deadline).await
    }

    /// The same over several rooms, where one server has them all.
    pub(super) async fn run_over(
        &self,
        script: &Script,
        slot: u16,
        names: Vec<Str>,
        args: Vec<Str>,
        deadline: Instant,
    ) -> Result<Reply, StoreError> {
        words(self.ask(script, slot, names, args, deadline).await?)
    }

    /// The same for arguments and an answer that need not be text.
    pub(super) async fn ask<A: Clone + Into<Value> + Send>(
        &self,
        script: &Script,
        slot: u16,
        names: Vec<Str>,
        args: Vec<A>,
        deadline: Instant,
    ) -> Result<Value, StoreError> {
        let mut errand = RoutedRequest::new(self, slot, deadline);
        let (mut in_full, mut begun) = (false, false);
        loop {
            let connection = errand.link().await?;
            let tried = {
                let turn = connection.lanes.turn(script.lane, deadline).await;
                let _turn = turn.ok_or_else(|| connection.late(script.lane, begun))?;
                begun = true;
                timeout_at(deadline, connection.run(script, names.clone(), args.clone(), in_full))
                    .await
            };
            match tried {
                Err(_) => return Err(StoreError::Unavailable),
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => in_full = errand.consider(&connection, &error, in_full).await?,
            }
        }
    }

    /// Subscribes to a room's channel where the room is. Returns the connection on which its messages come.
    pub(super) async fn subscribe(
        &self,
        keys: &Keys,
        deadline: Instant,
    ) -> Result<Arc<RedisConnection>, StoreError> {
        let mut errand = RoutedRequest::new(self, keys.slot(), deadline);
        loop {
            let connection = errand.link().await?;
            match timeout_at(deadline, connection.subscribe(keys.channel())).await {
                Err(_) => return Err(StoreError::Unavailable),
                Ok(Ok(())) => return Ok(connection),
                Ok(Err(error)) => {
                    errand.consider(&connection, &error, true).await?;
                }
            }
        }
    }
}

/// One call on its way to the server that has the room.
struct RoutedRequest<'a> {
    router: &'a RedisRouter,
    slot: u16,
    /// Where the last server has redirected the call.
    hint: Option<Server>,
    hops: u32,
    deadline: Instant,
    pause: Duration,
}

impl<'a> RoutedRequest<'a> {
    fn new(router: &'a RedisRouter, slot: u16, deadline: Instant) -> Self {
        Self { router, slot, hint: None, hops: 0, deadline, pause: PAUSE.0 }
    }

    async fn link(&mut self) -> Result<Arc<RedisConnection>, StoreError> {
        loop {
            let hinted = self.hint.take().and_then(|server| self.router.connection_to(&server));
            match hinted.or_else(|| self.router.route(self.slot)) {
                // A server that cannot keep rooms must not keep some of them.
                Some(connection) if !connection.is_down() => return Ok(connection),
                _ => self.wait().await?,
            }
        }
    }

    /// Waits for the next try, or gives up. Returns whether the script must be sent in full.
    async fn consider(
        &mut self,
        connection: &RedisConnection,
        error: &Error,
        in_full: bool,
    ) -> Result<bool, StoreError> {
        match classify(error) {
            ErrorAction::Full => return Err(StoreError::Full),
            ErrorAction::Broken(text) if connection.is_up() => {
                connection.suspect();
                return Err(StoreError::Broken(text));
            }
            ErrorAction::Broken(_) => {}
            ErrorAction::Unknown if !in_full => return Ok(true),
            ErrorAction::Moved(server) if self.router.is_cluster() => {
                self.router.doubt_moved();
                let host = if server.host.is_empty() {
                    connection.server().host.clone()
                } else {
                    server.host
                };
                self.hint = Some(Server::new(host, server.port));
                self.hops += 1;
                if self.hops == 1 {
                    return Ok(false);
                }
            }
            // The next probe tells whether the room or the server is to blame.
            ErrorAction::Unfit | ErrorAction::Moved(_) => connection.suspect(),
            ErrorAction::Unknown | ErrorAction::Again => {}
        }
        self.wait().await.map(|()| false)
    }

    async fn wait(&mut self) -> Result<(), StoreError> {
        self.router.doubt();
        if Instant::now() + self.pause >= self.deadline {
            return Err(StoreError::Unavailable);
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE.1);
        Ok(())
    }
}
