//! What becomes of rooms when something happens to Redis, or to the line to it.

mod access;
mod cost;
mod hosting;
mod keys;
mod lost_answers;
mod outages;
mod subscriptions;

use std::sync::Arc;

use parlor::room::Limits;

use crate::support::{
    a_room,
    ledger::{self, Node},
    redis::Server,
    until,
};

/// See [`ledger::nothing_is_lost_while`]; with a server of its own.
async fn nothing_is_lost_while<F: Future<Output = ()>>(
    limits: Limits,
    happens: impl FnOnce(Arc<Server>) -> F,
) -> [Node; 2] {
    let server = Arc::new(Server::start());
    let happens = happens(Arc::clone(&server));
    ledger::nothing_is_lost_while(&server.url(), &a_room(), limits, happens).await
}

/// Waits until a renewal has put off the end of every key of the only room.
async fn until_put_off(server: &Server) {
    let keys = server.keys();
    assert_eq!(keys.len(), 3);
    let first = ends(server, &keys);
    until("each end is put off", async || {
        ends(server, &keys).iter().zip(&first).all(|(end, first)| end > first)
    })
    .await;
}

/// When each key ends. Negative for one that does not, or is not there.
fn ends(server: &Server, keys: &[String]) -> Vec<i64> {
    keys.iter().map(|key| server.ask(&["PEXPIRETIME", key]).parse().unwrap()).collect()
}
